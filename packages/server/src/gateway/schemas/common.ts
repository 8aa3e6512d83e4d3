/** What many of the wire's schemas are made of. Unknown fields are refused by all of them. */

import { type Static, Type } from "typebox";

export const closed = { additionalProperties: false } as const;

/** Both the name of a session and, in source 004's dialect, of a user. */
export const SessionId = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: "^[A-Za-z0-9._:@-]{1,128}$",
});

/** "200m", "1g", or bytes. */
export const MemoryLimit = Type.Union([
  Type.String({
    maxLength: 32,
    pattern: "^[0-9]{1,32}(\\.[0-9]{1,32})?\\s{0,32}([kKmMgG]([iI]?[bB])?|[bB])?$",
  }),
  Type.Integer({ minimum: 1 }),
]);

export const CpuLimit = Type.Number({ exclusiveMinimum: 0 });
export const Seconds = Type.Number({ exclusiveMinimum: 0 });

export const SessionParams = Type.Object({ id: SessionId }, closed);
export type SessionParams = Static<typeof SessionParams>;
