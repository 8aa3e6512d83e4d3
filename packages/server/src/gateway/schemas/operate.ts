/** What operators and load balancers ask, on the wire. */

import { Type } from "typebox";
import { nullable } from "./answers.js";
import { closed, count, described, named, text, time } from "./common.js";

const version = text("The server's version.");

export const HealthAnswer = named(
  "Health",
  "Whether the server is up.",
  Type.Object(
    {
      status: Type.Union([Type.Literal("healthy"), Type.Literal("panicked")], {
        description: "`panicked`: new work is refused, and the HTTP status is 503.",
      }),
      version,
      uptime_seconds: count("Seconds since the HTTP side has started."),
      event_loop_delay_ms: Type.Object(
        {
          p99: Type.Number({ description: "The 99th percentile, in milliseconds." }),
          max: Type.Number({ description: "The largest, in milliseconds." }),
        },
        {
          ...closed,
          description:
            "How late the HTTP side's event loop has been in the last ten to twenty seconds: whatever holds it up holds up every request.",
        },
      ),
    },
    closed,
  ),
);

const Panic = named(
  "PanicNote",
  "A panic.",
  Type.Object({ since: time("When it began."), reason: text("Why, as it was told.") }, closed),
);

export const StatusAnswer = named(
  "Status",
  "What the server is doing.",
  Type.Object(
    {
      version,
      panic: described(nullable(Panic), "The panic in force, or null."),
      pool: Type.Object(
        {
          size: count("Warm sandboxes to keep (`POOL_SIZE`)."),
          idle: count("Warm now."),
          starting: count("Being made now."),
          leased: count("In use or being destroyed."),
          leases_max: count("The most there may be in use (`MAX_SESSIONS`)."),
          waiting: count("Requests that wait for a sandbox."),
        },
        { ...closed, description: "The pool of warm sandboxes." },
      ),
      sessions: count("Named sessions."),
      stateless: count("Stateless runs under way."),
    },
    closed,
  ),
);
