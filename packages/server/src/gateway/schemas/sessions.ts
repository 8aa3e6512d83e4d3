/** Sessions as resources on the wire. */

import { Type } from "typebox";
import { CpuLimit, closed, MemoryLimit, Seconds, SessionId } from "./common.js";

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
  },
  closed,
);

export const ReleaseBody = Type.Object(
  { session_id: Type.Optional(SessionId), user_uuid: Type.Optional(SessionId) },
  closed,
);
