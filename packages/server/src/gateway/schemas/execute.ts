/** POST /execute on the wire. */

import { type Static, Type } from "typebox";
import { CpuLimit, closed, MemoryLimit, Seconds, SessionId } from "./common.js";

export const ExecuteBody = Type.Object(
  {
    code: Type.String(),
    session_id: Type.Optional(SessionId),
    user_uuid: Type.Optional(SessionId),
    timeout: Type.Optional(Seconds),
    memory_limit: Type.Optional(MemoryLimit),
    cpu_limit: Type.Optional(CpuLimit),
  },
  closed,
);
export type ExecuteBody = Static<typeof ExecuteBody>;
