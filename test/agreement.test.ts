/**
 * Numbers that the Python and the TypeScript side, scripts and pages tell each for itself. One table on each side
 * has them; this suite compares the two, and whoever cannot load either with both.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { DESCRIPTORS_EACH, DESCRIPTORS_ELSE } from "../packages/server/src/cli/open-files.ts";
import * as agreement from "../packages/server/src/config/agreement.ts";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..");
const guest = "packages/server/guest/_glovebox";

function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), "utf8");
}

/** Assignments of a number, or of a product of numbers named before, at the beginning of a line. */
function numbersOf(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name = "", value = ""] of text.matchAll(/^_?([A-Z][A-Z_]*) = ([\w* ]+)$/gm)) {
    const factors = value.split("*").map((factor) => found.get(factor.trim()) ?? Number(factor));
    found.set(
      name,
      factors.reduce((product, factor) => product * factor, 1),
    );
  }
  return found;
}

const ours = new Map(
  Object.entries(agreement).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number",
  ),
);
/** What is between Node processes alone. */
const NOT_OF_THE_GUEST = ["EXIT_GATEWAY_HOPELESS"];

test("both tables hold the same", () => {
  const theirs = numbersOf(read(`${guest}/wire/agreement.py`));
  for (const name of NOT_OF_THE_GUEST) theirs.set(name, ours.get(name) ?? Number.NaN);
  expect(theirs.size).toBeGreaterThan(7);
  expect(Object.fromEntries(theirs)).toEqual(Object.fromEntries(ours));
});

test("the supervisor warns by the descriptors that the keeper counts", () => {
  const theirs = numbersOf(read(`${guest}/keeper/sandboxes.py`));
  expect(theirs.get("DESCRIPTORS_EACH")).toBe(DESCRIPTORS_EACH);
  expect(theirs.get("DESCRIPTORS_ELSE")).toBe(DESCRIPTORS_ELSE);
});

test("no two ends have the same exit code", () => {
  const codes = [...ours].filter(([name]) => name.startsWith("EXIT_")).map(([, code]) => code);
  expect(new Set(codes).size).toBe(codes.length);
});

test("the start of the keeper ends with the codes of the table, and with no other", () => {
  const script = read(`${guest}/keeper/enter-rootfs.sh`);
  const ends = [...script.matchAll(/\bexit (\S+)/g)].map(([, end = ""]) => end);
  expect(new Set(ends)).toEqual(new Set(["$isolation_unavailable", "$folders_refused"]));
  for (const end of ends) {
    const name = end.slice(1);
    const code = new RegExp(`\\b${name}=(\\d+)\\b`).exec(script)?.[1];
    expect(Number(code), name).toBe(ours.get(`EXIT_${name.toUpperCase()}`));
  }
});

test("who cannot load the table has its ids", () => {
  for (const path of ["rootfs/finish.py", `${guest}/probes/probe.py`]) {
    const ids = [...numbersOf(read(path))].filter(([name]) => /^(USER|WARDEN)_ID$/.test(name));
    expect(ids.length, path).toBeGreaterThan(0);
    for (const [name, id] of ids) expect(ours.get(name), `${name} of ${path}`).toBe(id);
  }
});

test("the keeper's modules have no table of their own", () => {
  const names = [...ours.keys()].join("|");
  const rooms = ["keeper/keeper", "keeper/sandboxes", "keeper/sandbox_maker", "keeper/zygotes"];
  for (const path of [...rooms, "warden/warden", "confine/plan"]) {
    expect(read(`${guest}/${path}.py`), path).not.toMatch(new RegExp(`^_?(${names}) =`, "m"));
  }
});

test("docs/operations.md tells the range of host ids as it is", () => {
  const page = read("docs/operations.md");
  const first = agreement.firstHostId("00000000");
  expect(page).toContain(`a range of ${agreement.IDS_PER_INSTANCE} `);
  expect(page).toContain(`${agreement.SLOTS} slots of two ids`);
  expect(agreement.IDS_PER_SLOT).toBe(2);
  expect(page).toContain(`(${agreement.WARDEN_ID} inside)`);
  expect(page).toContain(`(${agreement.USER_ID} inside)`);
  const last = agreement.firstHostId("0000ffff") + agreement.IDS_PER_INSTANCE - 1;
  expect(page).toContain(`from ${first} to ${last}`);
});
