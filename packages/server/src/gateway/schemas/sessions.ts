/** Sessions as resources on the wire. */

import { Type } from "typebox";
import { nullable } from "./answers.js";
import {
  CPU_LIMIT_MEANING,
  CpuLimit,
  closed,
  count,
  described,
  MEMORY_LIMIT_MEANING,
  MemoryLimit,
  Seconds,
  SessionId,
  text,
  time,
} from "./common.js";
import { PackageList } from "./packages.js";

export const CreateSessionBody = Type.Object(
  {
    session_id: Type.Optional(
      described(
        SessionId,
        "Its name, 1 to 128 characters of `A-Za-z0-9._:@-`. Absent: a random one.",
      ),
    ),
    limits: Type.Optional(
      Type.Object(
        {
          memory_limit: Type.Optional(described(MemoryLimit, MEMORY_LIMIT_MEANING)),
          cpu_limit: Type.Optional(described(CpuLimit, CPU_LIMIT_MEANING)),
        },
        { ...closed, description: "The session's limits. Default: the server's." },
      ),
    ),
    ttl: Type.Optional(
      described(
        Seconds,
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
);

const sessionFields = {
  session_id: text("Its name."),
  state: Type.Union([Type.Literal("new"), Type.Literal("idle"), Type.Literal("busy")], {
    description:
      "`new`: no sandbox yet, or the last one is gone; `idle`: a sandbox waits; `busy`: an execution runs.",
  }),
  created_at: time("When it was made."),
  last_used_at: time("When it was last used."),
  expires_at: nullable(time("When it ends unless it is used; null while it is busy.")),
  ttl: Type.Number({ description: "Seconds without use until it ends." }),
  execution_count: count("Executions that were answered since the session was made or reset."),
  queued: count("Executions that wait behind the running one."),
  limits: Type.Object(
    {
      memory_bytes: count("Bytes."),
      cpus: Type.Number({ description: "Cores." }),
    },
    { ...closed, description: "The session's own limits." },
  ),
};
export const SessionAnswer = Type.Object(sessionFields, closed);
export const SessionsAnswer = Type.Object(
  {
    sessions: Type.Array(SessionAnswer, { description: "In the order of their making." }),
  },
  closed,
);
export const ResetAnswer = Type.Object(
  {
    status: Type.Literal("ok", { description: "The old sandbox is gone." }),
    ...sessionFields,
  },
  closed,
);

export const ReleaseBody = Type.Object(
  {
    session_id: Type.Optional(
      described(SessionId, "The session. Counts if both are sent; one of them is required."),
    ),
    user_uuid: Type.Optional(described(SessionId, "Another name for `session_id`.")),
  },
  { ...closed, examples: [{ user_uuid: "demo" }] },
);
export const ReleaseAnswer = Type.Object(
  {
    status: Type.Literal("ok", { description: "The session has ended." }),
    detail: text("One sentence for people."),
  },
  closed,
);
