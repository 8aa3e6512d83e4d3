/** `glovebox audit`: checks the audit log from its files. */

import { parseArgs } from "node:util";
import { listAuditFiles } from "../audit/files.js";
import { GENESIS } from "../audit/record.js";
import { type Verdict, verifyChain } from "../audit/verify.js";
import { type Config, ConfigError } from "../config.js";

export const HELP = `Usage: glovebox audit verify [--contains HASH] [FILE…]

Checks the chain over all files of the audit log, or over those given, oldest first. With
--contains, that a head hash that was noted earlier is still part of the chain.
Exit code 0 means that the chain is intact. docs/audit.md says more.
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
  const { given, hash } = parse(rest);
  try {
    const files = given.length > 0 ? given : await listAuditFiles(`${config.gatewayDir}/audit`);
    if (files.length === 0) throw new Error("there are no files of an audit log");
    const verdict = verifyChain(files, { complete: given.length === 0, hash });
    process.stdout.write(describe(verdict, files.length));
    return verdict.break || !verdict.contains ? 1 : 0;
  } catch (error) {
    process.stderr.write(`glovebox: ${(error as Error).message}\n`);
    return 1;
  }
}

function parse(args: string[]): { given: { path: string }[]; hash: string | undefined } {
  const options = { contains: { type: "string" } } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return { given: positionals.map((path) => ({ path })), hash: values.contains };
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
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
