/** Objects whose names are whoever's who sends them. */

import { type Static, type TSchema, type TUnsafe, Type } from "typebox";

/**
 * An object of any names with values of one schema, all of which are checked. TypeBox's own Record takes names by
 * `^.*$`, or by a pattern of theirs, and passes over the values of all others, such as those with a line end in their name.
 */
export function recordOf<Values extends TSchema>(
  values: Values,
  options: {
    readonly maxProperties?: number;
    readonly propertyNames?: TSchema;
    readonly description?: string;
  } = {},
): TUnsafe<Record<string, Static<Values>>> {
  return Type.Unsafe(Type.Object({}, { additionalProperties: values, ...options }));
}
