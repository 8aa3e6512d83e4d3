/** `glovebox audit`: checks the audit log from its files. */

import { parseArgs } from "node:util";
import { listAuditFiles } from "../audit/files.js";
import { GENESIS } from "../audit/record.js";
import { type Verdict, verifyChain } from "../audit/verify.js";
import { type Config, ConfigError } from "../config.js";
import { printJson } from "./json-output.js";

export const HELP = `Usage: glovebox audit verify [--contains HASH] [--json] [FILE…]

Checks the chain over all files of the audit log, or over those given, oldest first. With
--contains, that a head hash that was noted earlier is still part of the chain.
Exit code 0 means that the chain is intact. docs/access.md says more.
`;

/** Resolves with the exit code. @throws ConfigError on wrong use, or when files cannot be read */
export async function audit(
  config: Config,
  [command, ...rest]: readonly string[],
): Promise<number> {
  if (command !== "verify") {
    process.stderr.write(HELP);
    return 2;
  }
  const { given, hash, json } = parse(rest);
  try {
    const files = given.length > 0 ? given : await listAuditFiles(`${config.gatewayDir}/audit`);
    if (files.length === 0) throw new Error("there are no files of an audit log");
    const verdict = verifyChain(files, { complete: given.length === 0, hash });
    const intact = !verdict.break && verdict.contains;
    if (json) printJson(shown(verdict, files.length, intact));
    else process.stdout.write(describe(verdict, files.length));
    return intact ? 0 : 1;
  } catch (error) {
    const { message } = error as Error;
    if (json) printJson({ error: { code: "FAILED", message } });
    else process.stderr.write(`glovebox: ${message}\n`);
    return 1;
  }
}

function parse(args: string[]) {
  const options = {
    contains: { type: "string" },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return {
      given: positionals.map((path) => ({ path })),
      hash: values.contains,
      json: values.json,
    };
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

/** The answer of --json. A chain without records has neither beginning nor head. */
function shown({ records, first, last, ...verdict }: Verdict, files: number, intact: boolean) {
  return {
    ...{ intact, records, files, recoveries: verdict.recoveries, lost: verdict.lost },
    from: first ? { time: first.time, seq: first.seq } : null,
    to: last ? { time: last.time, seq: last.seq } : null,
    head: last?.hash ?? null,
    break: verdict.break ?? null,
    contains: verdict.contains,
  };
}

function describe(verdict: Verdict, files: number): string {
  const { records, first, last, recoveries, lost } = verdict;
  const rows: [string, string][] = [["records", `${records} in ${files} files`]];
  if (first && last) {
    rows.push(
      ["from", `${first.time}, record ${first.seq}`],
      ["to", `${last.time}, record ${last.seq}`],
      ["start", first.prev === GENESIS ? "the first record of all" : `after hash ${first.prev}`],
      ["head", last.hash],
    );
  }
  if (recoveries > 0) rows.push(["recovered", `${recoveries} times after a crash`]);
  if (lost > 0) rows.push(["lost", `${lost} records that could not be written`]);
  rows.push(["result", result(verdict)]);
  return rows.map(([name, value]) => `${name.padEnd(11)}${value}\n`).join("");
}

function result({ break: broken, contains }: Verdict): string {
  if (broken) return `BROKEN: ${broken.file} line ${broken.line}: ${broken.kind}: ${broken.detail}`;
  return contains ? "the chain is intact" : "BROKEN: the hash asked for is not in the chain";
}
