/** How many servers a run has started, and how long it waited for them; see run-report.ts. */
import { appendFileSync, readFileSync } from "node:fs";

/** Names a file with a line for each start: suites run in processes of their own. */
export const SERVER_COUNT_VARIABLE = "GLOVEBOX_TEST_SERVER_STARTS";

export function noteServerStart(ms: number): void {
  const path = process.env[SERVER_COUNT_VARIABLE];
  if (path !== undefined) appendFileSync(path, `${Math.round(ms)}\n`);
}

export function readServerStarts(path: string): { readonly count: number; readonly ms: number } {
  const starts = readFileSync(path, "utf8").split("\n").filter(Boolean).map(Number);
  return { count: starts.length, ms: starts.reduce((sum, ms) => sum + ms, 0) };
}
