/** A notebook, cell by cell, with the output of its cells printed as it comes. */

import {
  type ExecuteResponse,
  type Notebook,
  NotFoundError,
  type OnInput,
  type RunNotebookResponse,
  type Session,
} from "@glovebox/sdk";
import type { Printer } from "../terminal/printer.js";
import { checkEvent } from "./checked-answers.js";
import { INTERRUPTED, type Interruptions } from "./interruptions.js";
import { show } from "./live-run.js";

export interface NotebookRun {
  readonly session: Session;
  readonly notebook: Notebook;
  readonly timeoutMs: number | undefined;
  readonly printer: Printer | undefined;
  readonly interruptions: Interruptions;
  readonly kill: () => Promise<unknown>;
  readonly onInput: OnInput | undefined;
}

export interface FinishedNotebook {
  readonly answer: RunNotebookResponse;
  /** Of the cells that ran and are still known, in their order. */
  readonly results: readonly ExecuteResponse[];
}

export async function runNotebook(run: NotebookRun): Promise<FinishedNotebook> {
  const { session, notebook, timeoutMs, printer, interruptions, onInput } = run;
  const options = {
    signal: interruptions.signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(onInput && { onInput }),
  };
  // As for a program: never interrupt another client's run in the same session.
  let running = false;
  const interrupt = async (): Promise<void> => {
    if (running) await session.interrupt();
    else interruptions.stop(INTERRUPTED);
  };
  const execute = async (): Promise<RunNotebookResponse> => {
    // Without a stream the cells are told that input() cannot be answered.
    if (onInput === undefined) return session.runNotebook(notebook, options);
    const stream = session.streamNotebook(notebook, options);
    for await (const event of stream) {
      checkEvent(event);
      if (event.type === "execution") running = event.data.state === "running";
      await show(event, printer);
    }
    return stream.result;
  };
  try {
    const answer = await interruptions.during({ interrupt, kill: run.kill }, execute);
    return { answer, results: await resultsOf(session, answer.executions) };
  } finally {
    printer?.end();
  }
}

async function resultsOf(
  session: Session,
  executions: readonly number[],
): Promise<ExecuteResponse[]> {
  const results: ExecuteResponse[] = [];
  for (const id of executions) {
    try {
      const { result } = await session.execution(id);
      if (result !== null) results.push(result);
    } catch (error) {
      // The server keeps a bounded number of them.
      if (!NotFoundError.isInstance(error)) throw error;
    }
  }
  return results;
}
