/**
 * A code of the error table means the same for ever. `support/error-codes.json` has every code that there has
 * been, with its status: UPDATE_DOCS=1 adds new ones, and takes none away.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorTable, retiredCodes } from "../packages/server/src/errors.ts";

const recordFile = new URL("support/error-codes.json", import.meta.url);
const statuses = Object.fromEntries(
  Object.entries(errorTable).map(([code, { status }]) => [code, status]),
);
const recorded = JSON.parse(readFileSync(recordFile, "utf8")) as Record<string, number>;

if (process.env["UPDATE_DOCS"]) {
  const all = Object.entries({ ...statuses, ...recorded }).sort(([one], [other]) =>
    one < other ? -1 : 1,
  );
  Object.assign(recorded, statuses, recorded);
  writeFileSync(recordFile, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
}

test("every code is recorded, with the status it has always had", () => {
  const told = Object.keys(statuses).map((code) => [code, recorded[code]]);
  expect(Object.fromEntries(told), "UPDATE_DOCS=1 npm run test:unit adds a new code").toEqual(
    statuses,
  );
});

test("a code that has left the table is retired", () => {
  const gone = Object.keys(recorded).filter((code) => !(code in errorTable));
  expect(gone.sort()).toEqual([...retiredCodes].sort());
});

test("no retired code is used again", () => {
  expect(retiredCodes.filter((code) => code in errorTable)).toEqual([]);
});
