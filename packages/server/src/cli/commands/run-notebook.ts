/** A notebook, cell by cell, with the output of its cells printed as it comes. */

import {
  type ExecuteResponse,
  type Notebook,
  NotFoundError,
  type RunNotebookResponse,
  type Session,
} from "@glovebox/sdk";
import type { Printer } from "../terminal/printer.js";
import type { Interruptions } from "./interruptions.js";
import { show } from "./live-run.js";

export interface NotebookRun {
  readonly session: Session;
  readonly notebook: Notebook;
  readonly timeoutMs: number | undefined;
  readonly printer: Printer | undefined;
  readonly interruptions: Interruptions;
  readonly kill: () => Promise<unknown>;
}

export interface FinishedNotebook {
  readonly answer: RunNotebookResponse;
  /** Of the cells that ran and are still known, in their order. */
  readonly results: readonly ExecuteResponse[];
}

export async function runNotebook(run: NotebookRun): Promise<FinishedNotebook> {
  const { session, notebook, timeoutMs, printer, interruptions } = run;
  const execute = async (): Promise<RunNotebookResponse> => {
    const stream = session.streamNotebook(notebook, {
      signal: interruptions.signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    for await (const event of stream) await show(event, printer);
    return stream.result;
  };
  const target = { interrupt: () => session.interrupt(), kill: run.kill };
  try {
    const answer = await interruptions.during(target, execute);
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
