/** `glovebox logs`: what ran in a session, and what it printed. */

import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  type ExecutionDetail,
  type ExecutionSummary,
  NotFoundError,
  type Output,
  type Session,
} from "@glovebox/sdk";
import { printJson } from "../json-output.js";
import { printable } from "../terminal/escape-filter.js";
import type { OutputEvent } from "../terminal/printer.js";
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
import { show } from "./live-run.js";
import { firstLine } from "./ps.js";
import { openTerminal, type Terminal } from "./terminal.js";

const HELP = `Usage: glovebox logs SESSION [--follow] [--last N] [--json]

The executions of a session that the server still keeps, each with its output. Headings go to
standard error, so that standard output has only what the code printed.

  -f, --follow       go on with what runs now, and with what is run later, until Ctrl-C
  --last N           only the last N executions
${COMMON_HELP}
With --json each execution is one line, when it is done.
`;

/** How often a session is asked for executions that others have begun. */
const POLL_MS = 1000;

interface Request {
  readonly session: Session;
  readonly json: boolean;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

async function showLogs(args: readonly string[]): Promise<number> {
  const options = {
    ...COMMON_OPTIONS,
    follow: { type: "boolean", short: "f", default: false },
    last: { type: "string" },
  } as const;
  const { values, positionals } = parsing(() =>
    parseArgs({ args: [...args], options, allowPositionals: true }),
  );
  const [sessionId, ...more] = positionals;
  if (sessionId === undefined || more.length > 0) throw new UsageError("name one session");
  const last = values.last === undefined ? Number.POSITIVE_INFINITY : Number(values.last || "-");
  if (!(last >= 0)) throw new UsageError("--last must be a number");
  const { client } = connectWith(values);
  const interruptions = new Interruptions(() => {});
  const stopListening = interruptions.listen();
  const { signal } = interruptions;
  const session = client.session(sessionId);
  const request: Request = { session, json: values.json, terminal: openTerminal(), signal };
  try {
    await showExecutions(request, last, values.follow);
    return 0;
  } catch (error) {
    // Ctrl-C is how one leaves.
    if (interruptions.exitCode !== undefined) return values.follow ? 0 : interruptions.exitCode;
    throw error;
  } finally {
    stopListening();
  }
}

async function showExecutions(request: Request, last: number, follow: boolean): Promise<void> {
  const { session, signal } = request;
  let shown = 0;
  let executions: readonly ExecutionSummary[] = newest(await session.executions({ signal }), last);
  for (;;) {
    for (const execution of executions) {
      if (execution.execution_id <= shown) continue;
      // What waits is shown when it runs; what comes after it waits as well.
      if (execution.state === "queued") break;
      if (execution.state === "running" && !follow) break;
      await showExecution(request, execution);
      shown = execution.execution_id;
    }
    if (!follow) return;
    await setTimeout(POLL_MS, undefined, { signal });
    executions = await session.executions({ signal });
  }
}

function newest(executions: readonly ExecutionSummary[], count: number) {
  const ordered = executions.toSorted((a, b) => a.execution_id - b.execution_id);
  return ordered.slice(Math.max(0, ordered.length - count));
}

async function showExecution(request: Request, summary: ExecutionSummary): Promise<void> {
  const { session, terminal, json, signal } = request;
  if (!json) process.stderr.write(heading(summary));
  if (summary.state === "running") {
    const printer = json ? undefined : terminal.printer(undefined);
    for await (const event of session.follow(summary.execution_id, { signal })) {
      checkEvent(event);
      await show(event, printer);
    }
    printer?.end();
    if (!json) return;
  }
  const detail = await detailOf(request, summary.execution_id);
  if (detail === undefined) return;
  if (json) printJson(detail);
  else await printOutputs(detail, terminal);
}

function heading({
  execution_id,
  state,
  status,
  code,
  started_at,
  finished_at,
}: ExecutionSummary): string {
  const took =
    started_at !== null && finished_at !== null
      ? `, ${((Date.parse(finished_at) - Date.parse(started_at)) / 1000).toFixed(2)} s`
      : "";
  const when = printable(`${started_at ?? ""} ${status ?? state}`);
  return `── [${execution_id}] ${when}${took}: ${firstLine(code)}\n`;
}

/** Undefined when it is no longer kept. */
async function detailOf(
  { session, signal }: Request,
  executionId: number,
): Promise<ExecutionDetail | undefined> {
  try {
    return await session.execution(executionId, { signal });
  } catch (error) {
    if (NotFoundError.isInstance(error) && error.code === "EXECUTION_NOT_FOUND") return undefined;
    throw error;
  }
}

async function printOutputs({ result }: ExecutionDetail, terminal: Terminal): Promise<void> {
  const printer = terminal.printer(undefined);
  for (const output of result?.outputs ?? []) {
    const event = eventOf(output);
    if (event !== undefined) printer.print(event);
  }
  printer.end();
  await printer.drained();
}

/** What a notebook keeps is what a stream has sent. Undefined for what a newer server may have. */
function eventOf(output: Output): OutputEvent | undefined {
  switch (output.output_type) {
    case "stream":
      return { type: "stream", data: output };
    case "error":
      return { type: "error", data: output };
    case "display_data":
      return { type: "display_data", data: output };
    case "execute_result":
      return { type: "execute_result", data: output };
    default:
      return undefined;
  }
}

export const logs: Command = { help: HELP, run: showLogs };
