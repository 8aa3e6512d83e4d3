/** One run of code in a session, with its output printed as it comes. */

import type {
  ExecuteOptions,
  ExecuteResponse,
  ExecutionEvent,
  NotebookEvent,
  OnInput,
  Session,
} from "@glovebox/sdk";
import type { OutputEvent, Printer } from "../terminal/printer.js";
import { checkEvent } from "./checked-answers.js";
import { INTERRUPTED, type Interruptions } from "./interruptions.js";

export interface LiveRun {
  readonly session: Session;
  readonly code: string;
  readonly options: ExecuteOptions;
  readonly printer: Printer | undefined;
  readonly interruptions: Interruptions;
  /** Ends the sandbox; the run is then answered. */
  readonly kill: () => Promise<unknown>;
  /** Undefined without a terminal: input() then fails at once. */
  readonly onInput: OnInput | undefined;
}

export async function runLive(run: LiveRun): Promise<ExecuteResponse> {
  const { session, printer, interruptions, onInput } = run;
  // Never interrupt another client's run in the same session.
  let running = false;
  const interrupt = async (): Promise<void> => {
    if (running) await session.interrupt();
    else interruptions.stop(INTERRUPTED);
  };
  const execute = async (): Promise<ExecuteResponse> => {
    const stream = session.stream(run.code, {
      ...run.options,
      signal: interruptions.signal,
      allowInput: onInput !== undefined,
      ...(onInput && { onInput }),
    });
    for await (const event of stream) {
      checkEvent(event);
      if (event.type === "execution") running = event.data.state === "running";
      await show(event, printer);
    }
    return stream.result;
  };
  try {
    return await interruptions.during({ interrupt, kill: run.kill }, execute);
  } finally {
    printer?.end();
  }
}

/** Waits until the reader has taken it. */
export async function show(
  event: ExecutionEvent | NotebookEvent,
  printer: Printer | undefined,
): Promise<void> {
  if (printer === undefined || !isOutput(event)) return;
  printer.print(event);
  await printer.drained();
}

const OUTPUT_TYPES: ReadonlySet<string> = new Set([
  "stream",
  "display_data",
  "update_display_data",
  "execute_result",
  "clear_output",
  "error",
] satisfies OutputEvent["type"][]);

function isOutput(event: { readonly type: string }): event is OutputEvent {
  return OUTPUT_TYPES.has(event.type);
}
