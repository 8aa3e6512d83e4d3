/**
 * Server-sent events on the wire, as who reads a stream holds them: `id` and `event` are lines of the frame, `data` is
 * the JSON of its one line of data.
 */

import { type TSchema, Type } from "typebox";
import { ErrorAnswer, nullable } from "./answers.js";
import { BatchCounts, BatchItemResult } from "./batch.js";
import { closed, count, described, flag, named, text } from "./common.js";
import { ExecuteAnswer } from "./execute.js";
import { FileKind } from "./files.js";
import { NotebookAnswer } from "./notebook.js";
import { counter, ExecutionError, MimeBundle, rich, StreamName } from "./outputs.js";

const id = count("Counts the events, from 1.");
const NAME = { description: "The event's name." };

function event(title: string, meaning: string, name: string, data: TSchema) {
  return named(title, meaning, Type.Object({ id, event: Type.Literal(name, NAME), data }, closed));
}

const displayId = text("Names what is shown, for updates.");

/** What happens while code runs, by the event's name. The last events are the gateway's own. */
export const ExecutionEventData = {
  execution: Type.Object(
    {
      execution_id: nullable(
        Type.Integer({ minimum: 1, description: "The session's own number; null without one." }),
      ),
      session_id: nullable(text("The session, null for a stateless run.")),
      state: Type.Union([Type.Literal("queued"), Type.Literal("running")], {
        description: "Whether it waits for others of the session.",
      }),
      queued_before: count("Executions of the session that come first."),
    },
    { ...closed, description: "Where the run stands." },
  ),
  stream: Type.Object(
    { name: StreamName, text: text("What was written. Characters are whole.") },
    { ...closed, description: "Text that was written." },
  ),
  display_data: Type.Object(
    { ...rich, display_id: Type.Optional(displayId) },
    { ...closed, description: "What is shown." },
  ),
  update_display_data: Type.Object(
    { ...rich, display_id: displayId },
    { ...closed, description: "What is shown instead of what has this `display_id`." },
  ),
  clear_output: Type.Object(
    { wait: flag("Whether to wait for the next output.") },
    { ...closed, description: "When what was shown is taken away." },
  ),
  comm: Type.Object(
    {
      kind: Type.Union([Type.Literal("open"), Type.Literal("msg"), Type.Literal("close")], {
        description: "Which of Jupyter's three messages of comms it is.",
      }),
      comm_id: text("Which of the objects."),
      target_name: Type.Optional(text("Whom to open it with.")),
      data: described(MimeBundle, "What it says; any JSON."),
      metadata: described(MimeBundle, "Beside it."),
      buffers: Type.Array(text("In base64."), { description: "Bytes that belong to it." }),
    },
    {
      ...closed,
      description:
        "What an object such as a widget says to its likeness in a front end. Only in a run that one has asked for by Jupyter's interface.",
    },
  ),
  execute_result: Type.Object(
    { ...rich, execution_count: counter },
    { ...closed, description: "The value of the last expression." },
  ),
  input_request: Type.Object(
    {
      prompt: text("What the code asks."),
      password: flag("Whether what is typed should be hidden."),
    },
    { ...closed, description: "The code waits for POST /sessions/{id}/input." },
  ),
  error: described(ExecutionError, "The exception that has ended the code."),
  gap: Type.Object(
    { missed_from: count("Id of the first."), missed_to: count("Id of the last.") },
    { ...closed, description: "Events that are no longer kept." },
  ),
};

const { execution, stream, display_data, update_display_data } = ExecutionEventData;
const { clear_output, comm, execute_result, input_request, error, gap } = ExecutionEventData;

const whileCodeRuns = [
  event("ExecutionStateEvent", "First; again when a queued run begins.", "execution", execution),
  event("StreamEvent", "The code has written text.", "stream", stream),
  event("DisplayDataEvent", "The code has shown something.", "display_data", display_data),
  event(
    "UpdateDisplayDataEvent",
    "What is shown has changed.",
    "update_display_data",
    update_display_data,
  ),
  event("ClearOutputEvent", "What was shown goes.", "clear_output", clear_output),
  event("CommEvent", "A widget has something to say.", "comm", comm),
  event("ExecuteResultEvent", "The code has a value.", "execute_result", execute_result),
  event("InputRequestEvent", "The code waits for input.", "input_request", input_request),
  event("ErrorEvent", "The code has failed.", "error", error),
  event("GapEvent", "The reader was too slow, or came too late.", "gap", gap),
];

const failure = named(
  "FailureEvent",
  "Last, where there is no result.",
  Type.Object(
    {
      id: Type.Optional(id),
      event: Type.Literal("failure", NAME),
      data: described(ErrorAnswer, "What went wrong, and what to do about it."),
    },
    closed,
  ),
);

const sameAnswer = "What the request answers without a stream.";

/** Of POST /execute, and of who follows an execution. */
export const ExecutionEvent = named(
  "ExecutionEvent",
  "What happens while code runs.",
  Type.Union([
    ...whileCodeRuns,
    event("ResultEvent", "Last.", "result", described(ExecuteAnswer, sameAnswer)),
    failure,
  ]),
);

export const BatchEvent = named(
  "BatchEvent",
  "What happens while a batch runs.",
  Type.Union([
    event(
      "BatchItemEvent",
      "An item has ended.",
      "item",
      described(BatchItemResult, "What became of it."),
    ),
    event("BatchEndEvent", "Last.", "result", described(BatchCounts, "How the items have ended.")),
    failure,
  ]),
);

/** Stands before and after the events of each cell. */
export const NotebookCellData = Type.Object(
  {
    index: count("The cell's place in `cells`, from 0."),
    state: Type.Union([Type.Literal("running"), Type.Literal("done")], {
      description: "Whether its events follow, or are over.",
    }),
  },
  { ...closed, description: "Which cell." },
);
export const NotebookEvent = named(
  "NotebookEvent",
  "What happens while a notebook runs.",
  Type.Union([
    event("NotebookCellEvent", "A cell begins or has ended.", "cell", NotebookCellData),
    ...whileCodeRuns,
    event("NotebookResultEvent", "Last.", "result", described(NotebookAnswer, sameAnswer)),
    failure,
  ]),
);

export const FileChange = Type.Object(
  {
    path: text("Relative to `/workspace`."),
    change: Type.Union(
      [Type.Literal("created"), Type.Literal("modified"), Type.Literal("deleted")],
      { description: "What became of it." },
    ),
    type: FileKind,
  },
  { ...closed, description: "What has changed." },
);
export const FileEvent = named(
  "FileEvent",
  "What changes in a folder.",
  Type.Union([
    event("FileChangeEvent", "A file or folder has changed.", "change", FileChange),
    event(
      "FilesTruncatedEvent",
      "More has changed than can be told: list the folder again.",
      "truncated",
      Type.Object({}, { ...closed, description: "Empty." }),
    ),
  ]),
);
