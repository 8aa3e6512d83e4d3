/** What many of the wire's schemas are made of. Unknown fields are refused by all of them. */

import { type Static, type TSchema, Type } from "typebox";

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

/** What a field means is told here and nowhere else: `/openapi.json` and the tables in docs/ have it from here. */
export function described<T extends TSchema>(schema: T, description: string): T {
  return Type.With(schema, { description }) as T;
}
export const text = (description: string) => Type.String({ description });
export const flag = (description: string) => Type.Boolean({ description });
export const count = (description: string) => Type.Integer({ minimum: 0, description });
/** Of answers: seconds that have passed. */
export const duration = (description: string) => Type.Number({ minimum: 0, description });
export const time = (description: string) => Type.String({ format: "date-time", description });
export const texts = (description: string) => Type.Array(Type.String(), { description });

export const MEMORY_LIMIT_MEANING =
  '`"200m"`, `"1g"`, `"1.5g"`, `"256MiB"` or bytes; units are powers of 1024. From 32m to `MAX_MEMORY_MB`.';
export const CPU_LIMIT_MEANING = "Cores, from 0.05 to `MAX_CPUS`.";

/** The route's own session. */
export const PathSession = described(SessionId, "The session's name.");
export const SessionParams = Type.Object({ id: PathSession }, closed);
export type SessionParams = Static<typeof SessionParams>;
