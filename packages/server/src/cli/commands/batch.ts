/** `glovebox batch`: many programs, each in a sandbox of its own, as JSON lines in and out. */

import { parseArgs } from "node:util";
import type { BatchInput, BatchItemResult, Glovebox } from "@glovebox/sdk";
import { CountLine } from "../terminal/count-line.js";
import { checkOpenMode, ResultLines } from "./batch-results.js";
import { readTasks, type Task } from "./batch-tasks.js";
import { checkEvent } from "./checked-answers.js";
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  type Command,
  connectWith,
  parsing,
  UsageError,
} from "./command.js";
import { Interruptions } from "./interruptions.js";

const HELP = `Usage: glovebox batch TASKS.jsonl|- [OPTIONS] > RESULTS.jsonl

Run many programs, each in a fresh sandbox of its own. Every line of TASKS is one, as JSON:
  {"code": "print(input())", "stdin": "hello", "id": "first", "timeout": 10}
with the fields of an item of POST /execute/batch. A line of RESULTS is written as each ends, with
its index, its id, its state and its result.

  --out FILE         write the results there instead of to standard output
  --resume           with --out: go on with what FILE has no result of yet
  --force            with --out: replace FILE
  --concurrency N    programs that run at a time; default twice the server's cores
  --stop-on-error    begin no more once one has failed
${COMMON_HELP}
Ends with 0 when all ended well, 1 when one did not, 2 wrong usage, 130 after Ctrl-C.
`;

/** As many as one request may have, and so much text that it fits whatever the characters are. */
const REQUEST_ITEMS_MAX = 500;
const REQUEST_BYTES_MAX = 4 * 2 ** 20;

interface Wanted {
  readonly concurrency: number | undefined;
  readonly stopsOnError: boolean;
}

async function runBatchFile(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsing(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...COMMON_OPTIONS,
        out: { type: "string" },
        resume: { type: "boolean", default: false },
        force: { type: "boolean", default: false },
        concurrency: { type: "string" },
        "stop-on-error": { type: "boolean", default: false },
      },
    }),
  );
  const [source, ...more] = positionals;
  if (source === undefined || more.length > 0) {
    throw new UsageError("name one file of tasks, or - for standard input");
  }
  const { out, resume, force } = values;
  const wanted = {
    concurrency: parseConcurrency(values.concurrency),
    stopsOnError: values["stop-on-error"],
  };
  checkOpenMode(out, { resume, force });
  const tasks = readTasks(source);
  const { client } = connectWith(values);
  // A server that is not there, or refuses the token, leaves no file behind.
  if (out !== undefined) await client.sessions();
  const lines = ResultLines.open(out, { resume, force });
  try {
    const left = tasks.filter((task) => !lines.has(task));
    const counts = await runTasks(client, left, lines, wanted);
    if (counts.exitCode === undefined) report(counts, tasks.length - left.length, values.json);
    return counts.exitCode ?? (counts.ok === left.length ? 0 : 1);
  } finally {
    lines.close();
  }
}

function parseConcurrency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text || Number.NaN);
  if (Number.isInteger(number) && number > 0) return number;
  throw new UsageError(`--concurrency must be a whole number above 0, and is "${text}"`);
}

interface Counts {
  ok: number;
  failed: number;
  notRun: number;
  /** Set where it was ended from outside. */
  exitCode: number | undefined;
}

async function runTasks(
  client: Glovebox,
  tasks: readonly Task[],
  lines: ResultLines,
  wanted: Wanted,
): Promise<Counts> {
  const counts: Counts = { ok: 0, failed: 0, notRun: 0, exitCode: undefined };
  const progress = new CountLine(process.stderr, tasks.length);
  const interruptions = new Interruptions(() => undefined);
  const stopListening = interruptions.listen();
  const { signal } = interruptions;
  try {
    for (const part of inRequests(tasks)) {
      for await (const item of resultsOf(client, part, wanted, signal)) {
        count(counts, item);
        await lines.write({ ...item, index: part[item.index]?.index ?? item.index });
        progress.show(counts.ok + counts.failed + counts.notRun, counts.failed);
      }
      if (wanted.stopsOnError && counts.failed + counts.notRun > 0) break;
    }
  } catch (error) {
    if (interruptions.exitCode === undefined) throw error;
    counts.exitCode = interruptions.exitCode;
  } finally {
    stopListening();
    progress.end();
  }
  return counts;
}

async function* resultsOf(
  client: Glovebox,
  tasks: readonly Task[],
  { concurrency, stopsOnError }: Wanted,
  signal: AbortSignal,
): AsyncGenerator<BatchItemResult> {
  const inputs: BatchInput[] = tasks.map(({ input }) => input);
  const stream = client.streamBatch(inputs, {
    signal,
    ...(concurrency !== undefined && { concurrency }),
    ...(stopsOnError && { stopOn: "error" }),
  });
  for await (const event of stream) {
    checkEvent(event);
    if (event.type === "item") yield event.data;
  }
}

function count(counts: Counts, { result }: BatchItemResult): void {
  if (result === null) counts.notRun++;
  else if (result.status === "ok") counts.ok++;
  else counts.failed++;
}

/** As few requests as there can be. */
function* inRequests(tasks: readonly Task[]): Generator<readonly Task[]> {
  let part: Task[] = [];
  let bytes = 0;
  for (const task of tasks) {
    if (
      part.length === REQUEST_ITEMS_MAX ||
      (part.length > 0 && bytes + task.bytes > REQUEST_BYTES_MAX)
    ) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(task);
    bytes += task.bytes;
  }
  if (part.length > 0) yield part;
}

function report({ ok, failed, notRun }: Counts, before: number, json: boolean): void {
  if (json) {
    process.stderr.write(
      `${JSON.stringify({ ok, failed, not_run: notRun, done_before: before })}\n`,
    );
    return;
  }
  const parts = [`${ok} ok`, `${failed} failed`];
  if (notRun > 0) parts.push(`${notRun} not run`);
  if (before > 0) parts.push(`${before} done before`);
  process.stderr.write(`glovebox batch: ${parts.join(", ")}\n`);
}

export const batch: Command = { help: HELP, run: runBatchFile };
