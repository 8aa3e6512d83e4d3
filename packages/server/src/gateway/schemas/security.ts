/** The panic button and its kin on the wire. */

import { Type } from "typebox";
import { Count, nullable, Timestamp } from "./answers.js";
import { closed } from "./common.js";

export const PanicBody = Type.Object(
  // Cut by the route: a panic must not fail because its reason is too long.
  { reason: Type.Optional(Type.String({ minLength: 1 })) },
  { ...closed, examples: [{ reason: "something leaves the sandbox" }] },
);

export const ContainerParams = Type.Object(
  { id: Type.String({ maxLength: 32, pattern: "^[a-z0-9]{8,32}$" }) },
  closed,
);

const Milliseconds = Type.Number({ minimum: 0 });

export const PanicAnswer = Type.Object(
  {
    status: Type.Literal("panicked"),
    since: Timestamp,
    reason: Type.String(),
    sandboxes: nullable(Count),
    processes: nullable(Count),
    sessions: Count,
    frozen_ms: nullable(Milliseconds),
    gone_ms: nullable(Milliseconds),
    total_ms: Milliseconds,
    verified: Type.Boolean({ description: "Whether everything was seen to be gone." }),
    remaining: nullable(Type.Object({ sandboxes: Count, processes: Count }, closed)),
    problem: Type.Optional(Type.String()),
  },
  closed,
);

export const ResumeAnswer = Type.Object(
  {
    status: Type.Literal("running"),
    was_panicked: Type.Boolean(),
    panicked_since: Type.Optional(Timestamp),
    reason: Type.Optional(Type.String()),
  },
  closed,
);

export const SecurityHealthAnswer = Type.Object(
  {
    status: Type.Union([Type.Literal("verified"), Type.Literal("failed")]),
    failed: Type.Array(Type.String()),
    protections: Type.Array(
      Type.Object({ name: Type.String(), verified: Type.Boolean(), detail: Type.String() }, closed),
    ),
    sandboxes: Type.Object(
      {
        checked: Count,
        faulty: Type.Array(Type.Object({ id: Type.String(), problem: Type.String() }, closed)),
      },
      closed,
    ),
    total_ms: Milliseconds,
  },
  closed,
);

export const ContainersAnswer = Type.Object(
  {
    containers: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          state: Type.Union([Type.Literal("warm"), Type.Literal("in_use")]),
          owner: nullable(Type.String()),
          session_id: nullable(Type.String()),
          cpu_time: Type.Number({ minimum: 0 }),
          memory_bytes: Count,
          memory_peak_bytes: Count,
          processes: Count,
          limits: Type.Object({ memory_bytes: Count, cpus: Type.Number() }, closed),
        },
        closed,
      ),
    ),
  },
  closed,
);

export const KilledAnswer = Type.Object(
  {
    status: Type.Literal("killed"),
    id: Type.String(),
    session_id: nullable(Type.String()),
    total_ms: Milliseconds,
  },
  closed,
);

export const EndedAnswer = Type.Object(
  {
    status: Type.Literal("ended"),
    owners: Type.Array(Type.String()),
    session_id: Type.String(),
    total_ms: Milliseconds,
  },
  closed,
);
