/** The executions of a session on the wire. */

import { Type } from "typebox";
import { nullable } from "./answers.js";
import {
  closed,
  described,
  flag,
  named,
  PathSession,
  TimeToLive,
  text,
  time,
  told,
} from "./common.js";
import { ExecuteAnswer, ExecutionStatus } from "./execute.js";

/** In a path or a query everything is text. */
const WholeNumber = told(
  Type.String({ maxLength: 15, pattern: "^(0|[1-9][0-9]{0,14})$" }),
  Type.Integer({ minimum: 0, maximum: 10 ** 15 - 1 }),
);

export const ExecutionParams = Type.Object(
  { id: PathSession, n: described(WholeNumber, "The execution's number in its session.") },
  closed,
);

export const EventsQuery = Type.Object(
  {
    after: Type.Optional(
      described(
        WholeNumber,
        "The id of the last event that is known. The header `Last-Event-ID` counts before it. Default: from the beginning.",
      ),
    ),
  },
  closed,
);

export const KeepAliveBody = named(
  "KeepAliveRequest",
  "How long a session may live without use.",
  Type.Object(
    {
      ttl: Type.Optional(
        described(
          TimeToLive,
          "Seconds without use until the session ends, from now on, up to 604800. Default: as it was.",
        ),
      ),
    },
    { ...closed, examples: [{ ttl: 600 }] },
  ),
);

/** Only runs of sessions are listed. */
const ExecutionId = Type.Integer({ minimum: 1, description: "The session's own number of it." });
const executionFields = {
  execution_id: ExecutionId,
  state: named(
    "ExecutionState",
    "`queued`, `running`, `done`, or `cancelled` for one that never ran: it was taken back, or there was no sandbox for it.",
    Type.Enum(["queued", "running", "done", "cancelled"]),
  ),
  status: described(nullable(ExecutionStatus), "How it ended; null until it is done."),
  code: text("The code; in a list, and where it was dropped, its first 200 characters."),
  created_at: time("When it was asked for."),
  started_at: nullable(time("When it began to run; null before.")),
  finished_at: nullable(time("When it ended; null before.")),
  dropped: flag("Whether its result, its events and the rest of its code are no longer kept."),
};

const ExecutionSummary = named(
  "ExecutionSummary",
  "An execution in a list.",
  Type.Object(executionFields, closed),
);
export const ExecutionsAnswer = named(
  "ExecutionList",
  "The executions of a session.",
  Type.Object(
    {
      executions: Type.Array(ExecutionSummary, {
        description: "All that are kept, the oldest first.",
      }),
    },
    closed,
  ),
);
export const ExecutionAnswer = named(
  "ExecutionDetail",
  "An execution and its result.",
  Type.Object(
    {
      ...executionFields,
      result: described(
        nullable(ExecuteAnswer),
        "What was answered; null until it is done, and where it was dropped.",
      ),
    },
    closed,
  ),
);
export const InterruptAnswer = named(
  "InterruptResult",
  "What was interrupted.",
  Type.Object(
    {
      status: Type.Literal("ok", { description: "The code was asked to end; it may refuse." }),
      execution_id: described(ExecutionId, "The execution that was interrupted."),
    },
    closed,
  ),
);
