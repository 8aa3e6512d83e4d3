/** What operators and load balancers ask, on the wire. */

import { Type } from "typebox";
import { Count, nullable, Timestamp } from "./answers.js";
import { closed } from "./common.js";

export const HealthAnswer = Type.Object(
  {
    status: Type.Union([Type.Literal("healthy"), Type.Literal("panicked")]),
    version: Type.String(),
    uptime_seconds: Count,
    /** How late the HTTP side has been lately: whatever holds it up holds up every request. */
    event_loop_delay_ms: Type.Object({ p99: Type.Number(), max: Type.Number() }, closed),
  },
  closed,
);

export const StatusAnswer = Type.Object(
  {
    version: Type.String(),
    panic: nullable(Type.Object({ since: Timestamp, reason: Type.String() }, closed)),
    pool: Type.Object(
      {
        size: Count,
        idle: Count,
        starting: Count,
        leased: Count,
        leases_max: Count,
        waiting: Count,
      },
      closed,
    ),
    sessions: Count,
    stateless: Count,
  },
  closed,
);
