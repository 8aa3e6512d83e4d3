/** What is wrong with a value, in words. */

import type { TSchema } from "typebox";
import { Errors } from "typebox/value";

const CHARACTERS_MAX = 200;

/** The first thing that is told about a value that does not fit. Names the field. */
export function firstProblem(schema: TSchema, value: unknown): string {
  const [first] = Errors(schema, value);
  if (!first) return "it is not valid";
  const where = first.instancePath.slice(1, CHARACTERS_MAX).replaceAll("/", ".");
  return `${where === "" ? "the content" : where} ${first.message}`;
}
