/** What many of the wire's schemas are made of. Unknown fields are refused by all of them. */

import { type Static, type TSchema, Type } from "typebox";
import { CPU_CORES_MIN, MEMORY_BYTES_MIN, TTL_SECONDS_MAX } from "../../desk/limits.js";
import { PATH_BYTES_MAX } from "../../desk/paths.js";

export const closed = { additionalProperties: false } as const;

/** Both the name of a session and, in source 004's dialect, of a user. */
export const SessionId = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: "^[A-Za-z0-9._:@-]{1,128}$",
});

/** What a field means is told here and nowhere else: `/openapi.json` and the tables in docs/ have it from here. */
export function described<T extends TSchema>(schema: T, description: string): T {
  return Type.With(schema, { description }) as T;
}

/** What a schema with a name means, whatever is said of it where it is used. */
export const MEANING = "x-meaning";

/** `/openapi.json` has it once, under this name. Of one name there is one shape. */
export function named<T extends TSchema>(name: string, meaning: string, schema: T): T {
  return Type.With(schema, { title: name, description: meaning, [MEANING]: meaning }) as T;
}

/** What `/openapi.json` tells instead of a schema, where that is not how requests are checked. */
export const TOLD = "x-told";

/** For bounds whose check says more than a schema could, and for texts of an address that are numbers or flags. */
export function told<T extends TSchema>(schema: T, description: TSchema): T {
  return Type.With(schema, { [TOLD]: description }) as T;
}

/** "200m", "1g", or bytes. */
const MemorySize = Type.String({
  maxLength: 32,
  pattern: "^[0-9]{1,32}(\\.[0-9]{1,32})?\\s{0,32}([kKmMgG]([iI]?[bB])?|[bB])?$",
});
export const MemoryLimit = named(
  "MemoryLimit",
  "A size with a unit, or bytes.",
  Type.Union([
    MemorySize,
    told(Type.Integer({ minimum: 1 }), Type.Integer({ minimum: MEMORY_BYTES_MIN })),
  ]),
);

const positive = Type.Number({ exclusiveMinimum: 0 });
export const CpuLimit = told(positive, Type.Number({ minimum: CPU_CORES_MIN }));
export const Seconds = positive;
export const TimeToLive = told(
  positive,
  Type.Number({ exclusiveMinimum: 0, maximum: TTL_SECONDS_MAX }),
);
/** Of a file or a folder, not of /workspace itself. */
export const FilePath = told(
  Type.String(),
  Type.String({ minLength: 1, maxLength: PATH_BYTES_MAX }),
);
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

export const LimitsInForce = named(
  "LimitsInForce",
  "What a sandbox may use.",
  Type.Object(
    { memory_bytes: count("Bytes."), cpus: Type.Number({ description: "Cores." }) },
    closed,
  ),
);

/** The route's own session. */
export const PathSession = described(SessionId, "The session's name.");
export const SessionParams = Type.Object({ id: PathSession }, closed);
export type SessionParams = Static<typeof SessionParams>;
