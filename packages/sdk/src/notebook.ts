/** Notebooks, run cell by cell. */

import { EventStream, type StreamEvent } from "./event-stream.js";
import {
  answerInput,
  EXECUTION_EVENT_NAMES,
  type OnInput,
  type StreamedEvents,
} from "./execution-stream.js";
import { type CallOptions, defined, toSeconds } from "./options.js";
import type { Transport } from "./transport.js";
import type {
  InputRequest,
  Notebook,
  NotebookCellEvent,
  RunNotebookBody,
  RunNotebookResponse,
} from "./wire.js";

/** How the cells of a notebook run. */
export interface NotebookOptions extends CallOptions {
  /** For each cell. */
  readonly timeoutMs?: number;
  /** Whether a cell that fails ends the run; default `"stop"`. */
  readonly onError?: "stop" | "continue";
}

/** As for a run of the notebook, and who answers what its code asks. */
export interface NotebookStreamOptions extends NotebookOptions {
  /** Answers `input()` of the cells; without it `Session.input()` has to. */
  readonly onInput?: OnInput;
}

/** Data of the events of a notebook's run, by their names. */
export interface NotebookEvents extends Omit<StreamedEvents, "result"> {
  /** What follows belongs to this cell. */
  readonly cell: NotebookCellEvent;
  /** The run is over. */
  readonly result: RunNotebookResponse;
}

/** One event of a notebook's run: its `type` and its `data`. */
export type NotebookEvent = StreamEvent<NotebookEvents>;
/** The events of all cells, in order, and the notebook with its outputs as its `result`. */
export type NotebookStream = EventStream<NotebookEvents>;

const NAMES: ReadonlySet<string> = new Set([...EXECUTION_EVENT_NAMES, "cell"]);

export function toNotebookBody(notebook: Notebook, options: NotebookOptions): RunNotebookBody {
  return defined({
    notebook,
    timeout: toSeconds(options.timeoutMs),
    on_error: options.onError,
  });
}

export function streamNotebook(
  transport: Transport,
  sessionId: string,
  notebook: Notebook,
  options: NotebookStreamOptions,
): NotebookStream {
  const { onInput } = options;
  const path = `sessions/${encodeURIComponent(sessionId)}/notebook`;
  const json: RunNotebookBody = { ...toNotebookBody(notebook, options), stream: true };
  return new EventStream<NotebookEvents>({
    transport,
    request: { method: "POST", path, json, timeoutMs: null },
    names: NAMES,
    signal: options.signal,
    onEvent: ({ type, data }) =>
      type === "input_request" && onInput
        ? answerInput(transport, sessionId, onInput, data as InputRequest)
        : undefined,
  });
}
