/** The executions of a session on the wire. */

import { Type } from "typebox";
import { nullable, Timestamp } from "./answers.js";
import { closed, Seconds, SessionId } from "./common.js";
import { ExecuteAnswer, ExecutionStatus } from "./execute.js";

/** In a path or a query everything is text. */
const WholeNumber = Type.String({ maxLength: 15, pattern: "^(0|[1-9][0-9]{0,14})$" });

export const ExecutionParams = Type.Object({ id: SessionId, n: WholeNumber }, closed);

export const EventsQuery = Type.Object({ after: Type.Optional(WholeNumber) }, closed);

export const KeepAliveBody = Type.Object(
  { ttl: Type.Optional(Seconds) },
  { ...closed, examples: [{ ttl: 600 }] },
);

/** The session's own number; only runs of sessions are listed. */
const ExecutionId = Type.Integer({ minimum: 1 });
const executionFields = {
  execution_id: ExecutionId,
  state: Type.Enum(["queued", "running", "done", "cancelled"]),
  status: nullable(ExecutionStatus),
  code: Type.String(),
  created_at: Timestamp,
  started_at: nullable(Timestamp),
  finished_at: nullable(Timestamp),
  dropped: Type.Boolean({ description: "Its result and the rest of its code are no longer kept." }),
};

export const ExecutionsAnswer = Type.Object(
  { executions: Type.Array(Type.Object(executionFields, closed)) },
  closed,
);
export const ExecutionAnswer = Type.Object(
  { ...executionFields, result: nullable(ExecuteAnswer) },
  closed,
);
export const InterruptAnswer = Type.Object(
  { status: Type.Literal("ok"), execution_id: ExecutionId },
  closed,
);
