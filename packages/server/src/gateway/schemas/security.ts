/** The panic button and its kin on the wire. */

import { Type } from "typebox";
import { nullable } from "./answers.js";
import {
  closed,
  count,
  described,
  duration,
  flag,
  LimitsInForce,
  named,
  text,
  texts,
  time,
} from "./common.js";

export const PanicBody = named(
  "PanicRequest",
  "Why there is a panic.",
  Type.Object(
    // Cut by the route: a panic must not fail because its reason is too long.
    {
      reason: Type.Optional(
        Type.String({ minLength: 1, description: "Why, for those who meet the panic." }),
      ),
    },
    { ...closed, examples: [{ reason: "something leaves the sandbox" }] },
  ),
);

export const ContainerParams = Type.Object(
  {
    id: Type.String({
      maxLength: 32,
      pattern: "^[a-z0-9]{8,32}$",
      description: "The sandbox's id, as the list of containers has it.",
    }),
  },
  closed,
);

const milliseconds = (description: string) => Type.Number({ minimum: 0, description });
const total_ms = milliseconds("Milliseconds that all of it took.");

const Remaining = named(
  "RemainingProcesses",
  "What is left after a panic.",
  Type.Object(
    { sandboxes: count("Sandboxes that are left."), processes: count("Processes that are left.") },
    closed,
  ),
);

export const PanicAnswer = named(
  "PanicResult",
  "What a panic has ended.",
  Type.Object(
    {
      status: Type.Literal("panicked", {
        description: "New work is refused, until it is resumed.",
      }),
      since: time("When the panic began."),
      reason: text("Why, as it was told."),
      sandboxes: nullable(count("Sandboxes that there were; null where nobody could say.")),
      processes: nullable(count("Processes that there were; null where nobody could say.")),
      sessions: count("Sessions that have ended."),
      frozen_ms: nullable(milliseconds("Milliseconds until everything stood still, or null.")),
      gone_ms: nullable(milliseconds("Milliseconds until everything was gone, or null.")),
      total_ms,
      verified: flag("Whether everything was seen to be gone; the HTTP status is 500 where not."),
      remaining: described(nullable(Remaining), "What is left; null where nobody could say."),
      problem: Type.Optional(text("Why not everything could be seen to be gone.")),
    },
    closed,
  ),
);

export const ResumeAnswer = named(
  "ResumeResult",
  "Whether there was a panic, which has ended.",
  Type.Object(
    {
      status: Type.Literal("running", { description: "Work is let in again." }),
      was_panicked: flag("Whether there was a panic."),
      panicked_since: Type.Optional(time("When it began.")),
      reason: Type.Optional(text("Why, as it was told.")),
    },
    closed,
  ),
);

const Protection = named(
  "Protection",
  "A protection that was tried.",
  Type.Object(
    {
      name: text("`inside.` or `outside.`, from where it was tried, and what it protects."),
      verified: flag("Whether it holds."),
      detail: text("What was seen."),
    },
    closed,
  ),
);
const FaultySandbox = named(
  "FaultySandbox",
  "A sandbox that is not as it was made.",
  Type.Object(
    { id: text("The sandbox's id."), problem: text("What is not as it was made.") },
    closed,
  ),
);

export const SecurityHealthAnswer = named(
  "SecurityHealth",
  "Which protections hold.",
  Type.Object(
    {
      status: Type.Union([Type.Literal("verified"), Type.Literal("failed")], {
        description: "Whether every protection holds; the HTTP status is 503 where not.",
      }),
      failed: texts("Names of the protections that do not hold."),
      protections: Type.Array(Protection, { description: "Each that was tried." }),
      sandboxes: Type.Object(
        {
          checked: count("Sandboxes that were looked at."),
          faulty: Type.Array(FaultySandbox, {
            description: "Those that are not as they were made. They are destroyed.",
          }),
        },
        { ...closed, description: "A cheaper look at each sandbox there is." },
      ),
      total_ms,
    },
    closed,
  ),
);

const Container = named(
  "Container",
  "A sandbox.",
  Type.Object(
    {
      id: text("The sandbox's id."),
      state: Type.Union([Type.Literal("warm"), Type.Literal("in_use")], {
        description: "`warm`: it waits for work and has run no code.",
      }),
      owner: nullable(text("The id of a key, or `admin`; null for a warm sandbox.")),
      session_id: nullable(text("Its session; null for a warm sandbox and for a stateless run.")),
      cpu_time: duration("CPU seconds so far."),
      memory_bytes: count("Memory in use now."),
      memory_peak_bytes: count("Highest memory use so far."),
      processes: count("Processes now."),
      limits: described(LimitsInForce, "Its limits at the moment."),
    },
    closed,
  ),
);
export const ContainersAnswer = named(
  "ContainerList",
  "Every sandbox.",
  Type.Object(
    { containers: Type.Array(Container, { description: "Every sandbox there is." }) },
    closed,
  ),
);

export const KilledAnswer = named(
  "KilledContainer",
  "The sandbox that was killed.",
  Type.Object(
    {
      status: Type.Literal("killed", { description: "Its processes are gone." }),
      id: text("The sandbox's id."),
      session_id: nullable(text("The session that it was of, or null.")),
      total_ms,
    },
    closed,
  ),
);

export const EndedAnswer = named(
  "EndedSessions",
  "The sessions that were ended.",
  Type.Object(
    {
      status: Type.Literal("ended", { description: "Their processes are gone." }),
      owners: texts("Ids of the keys whose sessions of this name have ended."),
      session_id: text("The name."),
      total_ms,
    },
    closed,
  ),
);
