/** Sessions as resources on the wire. */

import { Type } from "typebox";
import { Count, nullable, Timestamp } from "./answers.js";
import { CpuLimit, closed, MemoryLimit, Seconds, SessionId } from "./common.js";
import { PackageList } from "./packages.js";

export const CreateSessionBody = Type.Object(
  {
    session_id: Type.Optional(SessionId),
    limits: Type.Optional(
      Type.Object(
        { memory_limit: Type.Optional(MemoryLimit), cpu_limit: Type.Optional(CpuLimit) },
        closed,
      ),
    ),
    ttl: Type.Optional(Seconds),
    packages: Type.Optional(PackageList),
    mounts: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 32 }), { maxItems: 16 }),
    ),
  },
  { ...closed, examples: [{ session_id: "demo", limits: { memory_limit: "256m" }, ttl: 600 }] },
);

const sessionFields = {
  session_id: Type.String(),
  state: Type.Union([Type.Literal("new"), Type.Literal("idle"), Type.Literal("busy")]),
  created_at: Timestamp,
  last_used_at: Timestamp,
  expires_at: nullable(Timestamp),
  ttl: Type.Number({ description: "Seconds without use until it ends." }),
  execution_count: Count,
  queued: Count,
  limits: Type.Object({ memory_bytes: Count, cpus: Type.Number() }, closed),
};
export const SessionAnswer = Type.Object(sessionFields, closed);
export const SessionsAnswer = Type.Object({ sessions: Type.Array(SessionAnswer) }, closed);
export const ResetAnswer = Type.Object({ status: Type.Literal("ok"), ...sessionFields }, closed);

export const ReleaseBody = Type.Object(
  { session_id: Type.Optional(SessionId), user_uuid: Type.Optional(SessionId) },
  { ...closed, examples: [{ user_uuid: "demo" }] },
);
export const ReleaseAnswer = Type.Object(
  { status: Type.Literal("ok"), detail: Type.String() },
  closed,
);
