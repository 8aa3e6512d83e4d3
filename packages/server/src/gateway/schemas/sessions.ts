/** Sessions as resources on the wire. */

import { Type } from "typebox";
import { nullable } from "./answers.js";
import {
  CPU_LIMIT_MEANING,
  CpuLimit,
  closed,
  count,
  described,
  LimitsInForce,
  MEMORY_LIMIT_MEANING,
  MemoryLimit,
  named,
  SessionId,
  TimeToLive,
  text,
  time,
  told,
} from "./common.js";
import { PackageList } from "./packages.js";

export const CreateSessionBody = named(
  "CreateSessionRequest",
  "A session to make.",
  Type.Object(
    {
      session_id: Type.Optional(
        described(
          SessionId,
          "Its name, 1 to 128 characters of `A-Za-z0-9._:@-`. Absent: a random one.",
        ),
      ),
      limits: Type.Optional(
        named(
          "SessionLimits",
          "The session's limits. Default: the server's.",
          Type.Object(
            {
              memory_limit: Type.Optional(described(MemoryLimit, MEMORY_LIMIT_MEANING)),
              cpu_limit: Type.Optional(described(CpuLimit, CPU_LIMIT_MEANING)),
            },
            closed,
          ),
        ),
      ),
      ttl: Type.Optional(
        described(
          TimeToLive,
          "Seconds without use after which the session ends, up to 604800; default `SESSION_TTL`.",
        ),
      ),
      packages: Type.Optional(
        described(
          PackageList,
          "Packages to install from the server's wheels, see docs/data.md#packages.",
        ),
      ),
      mounts: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 32 }), {
          maxItems: 16,
          description:
            "Names of folders that are shown to who asks, see docs/data.md#folders-of-the-host.",
        }),
      ),
    },
    { ...closed, examples: [{ session_id: "demo", limits: { memory_limit: "256m" }, ttl: 600 }] },
  ),
);

const sessionFields = {
  session_id: text("Its name."),
  state: named(
    "SessionState",
    "`new`: no sandbox yet, or the last one is gone; `idle`: a sandbox waits; `busy`: an execution runs.",
    Type.Union([Type.Literal("new"), Type.Literal("idle"), Type.Literal("busy")]),
  ),
  created_at: time("When it was made."),
  last_used_at: time("When it was last used."),
  expires_at: nullable(time("When it ends unless it is used; null while it is busy.")),
  ttl: Type.Number({ description: "Seconds without use until it ends." }),
  execution_count: count("Executions that were answered since the session was made or reset."),
  queued: count("Executions that wait behind the running one."),
  limits: described(LimitsInForce, "The session's own limits."),
};
export const SessionAnswer = named("SessionInfo", "A session.", Type.Object(sessionFields, closed));
export const SessionsAnswer = named(
  "SessionList",
  "Sessions.",
  Type.Object(
    {
      sessions: Type.Array(SessionAnswer, { description: "In the order of their making." }),
    },
    closed,
  ),
);
export const ResetAnswer = named(
  "ResetResult",
  "The session, which begins afresh.",
  Type.Object(
    {
      status: Type.Literal("ok", { description: "The old sandbox is gone." }),
      ...sessionFields,
    },
    closed,
  ),
);

const releasedSession = described(
  SessionId,
  "The session. Counts if both are sent; one of them is required.",
);
const releasedUser = described(SessionId, "Another name for `session_id`.");
export const ReleaseBody = named(
  "ReleaseRequest",
  "The session to end, by one of its names.",
  told(
    Type.Object(
      { session_id: Type.Optional(releasedSession), user_uuid: Type.Optional(releasedUser) },
      { ...closed, examples: [{ user_uuid: "demo" }] },
    ),
    Type.Union([
      named(
        "ReleaseBySessionId",
        "By `session_id`.",
        Type.Object(
          { session_id: releasedSession, user_uuid: Type.Optional(releasedUser) },
          closed,
        ),
      ),
      named(
        "ReleaseByUserUuid",
        "By `user_uuid`.",
        Type.Object(
          { user_uuid: releasedUser, session_id: Type.Optional(releasedSession) },
          closed,
        ),
      ),
    ]),
  ),
);
export const ReleaseAnswer = named(
  "ReleaseResult",
  "The session has ended.",
  Type.Object(
    {
      status: Type.Literal("ok", { description: "The session has ended." }),
      detail: text("One sentence for people."),
    },
    closed,
  ),
);
