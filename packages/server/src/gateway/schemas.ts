/** The wire contract of the HTTP API as schemas. Unknown fields are refused by all of them. */

import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;

/** Both the name of a session and, in source 004's dialect, of a user. */
export const SessionId = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: "^[A-Za-z0-9._:@-]+$",
});

/** "200m", "1g", or bytes. */
const MemoryLimit = Type.Union([
  Type.String({ pattern: "^[0-9]+(\\.[0-9]+)?\\s*([kKmMgG]([iI]?[bB])?|[bB])?$", maxLength: 32 }),
  Type.Integer({ minimum: 1 }),
]);
const CpuLimit = Type.Number({ exclusiveMinimum: 0 });
const Seconds = Type.Number({ exclusiveMinimum: 0 });

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

export const PanicBody = Type.Object(
  // Cut by the route: nobody shall have to count characters at that moment.
  { reason: Type.Optional(Type.String({ minLength: 1 })) },
  closed,
);

export const ContainerParams = Type.Object(
  { id: Type.String({ pattern: "^[a-z0-9]{8,32}$" }) },
  closed,
);

export const SessionParams = Type.Object({ id: SessionId }, closed);

export type MemoryLimit = Static<typeof MemoryLimit>;
