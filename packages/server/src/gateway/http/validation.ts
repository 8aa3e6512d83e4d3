/**
 * The check of a request by its schema. It ends with the first thing that is wrong, as only one is told: TypeBox
 * looks through all of the value for all of them.
 */

import type { FastifyError, FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Convert, Errors } from "typebox/value";
import { nearestOf } from "../../config/nearest.js";

/** As FastifyError.validation has them. */
interface Found {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message?: string;
}

interface SchemaShape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: TSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly TSchema[];
}

/**
 * In a body nothing is converted: what does not fit is an error. Null for an optional field means that it is absent,
 * and unknown fields are left out where that is wanted. Texts of an address are converted.
 */
export function validatorCompiler(
  unknownFields: "refuse" | "ignore",
): FastifySchemaCompiler<TSchema> {
  const dropsUnknown = unknownFields === "ignore";
  return ({ schema, httpPart }) => {
    const fits = checkOf(schema);
    return (given: unknown) => {
      const value = httpPart === "body" ? given : Convert(schema, given);
      if (fits(value)) return { value };
      if (httpPart === "body" && tidy(schema, value, dropsUnknown) && fits(value)) return { value };
      return { error: [firstError(schema, value)] as unknown as Error };
    };
  };
}

/** Take away, in place, what counts as absent. Returns whether there was anything. */
function tidy(schema: TSchema, value: unknown, dropsUnknown: boolean): boolean {
  const { properties, items, maxItems, anyOf } = schema as SchemaShape;
  if (anyOf) return anyOf.some((one) => tidy(one, value, dropsUnknown));
  if (items && Array.isArray(value)) {
    // More are refused anyway.
    if (maxItems === undefined || value.length > maxItems) return false;
    return value.filter((item) => tidy(items, item, dropsUnknown)).length > 0;
  }
  return properties !== undefined && isObject(value) && tidyObject(schema, value, dropsUnknown);
}

function tidyObject(
  { properties = {}, required = [], additionalProperties }: SchemaShape,
  value: Record<string, unknown>,
  dropsUnknown: boolean,
): boolean {
  let isTidied = false;
  for (const [name, part] of Object.entries(properties)) {
    if (!Object.hasOwn(value, name)) continue;
    if (value[name] !== null) isTidied = tidy(part, value[name], dropsUnknown) || isTidied;
    else if (!required.includes(name) && !checkOf(part)(null)) {
      delete value[name];
      isTidied = true;
    }
  }
  if (!dropsUnknown || additionalProperties !== false) return isTidied;
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(properties, name)) continue;
    delete value[name];
    isTidied = true;
  }
  return isTidied;
}

const checks = new WeakMap<TSchema, (value: unknown) => boolean>();

/** Parts of schemas are compiled when something is first wrong in them. */
function checkOf(schema: TSchema): (value: unknown) => boolean {
  let check = checks.get(schema);
  if (check === undefined) {
    const compiled = Compile(schema);
    check = (value) => compiled.Check(value);
    checks.set(schema, check);
  }
  return check;
}

/** Of a value that does not fit, the error that TypeBox tells first; lengths of arrays before their items. */
export function firstError(schema: TSchema, value: unknown, path = ""): Found {
  const { properties, items, anyOf } = schema as SchemaShape;
  let found: Found | undefined;
  if (anyOf?.[0] !== undefined) found = firstError(anyOf[0], value, path);
  else if (properties && isObject(value)) found = errorInObject(schema, value, path);
  else if (items && Array.isArray(value)) found = errorInArray(schema, value, path);
  return found ?? ownError(schema, value, path);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function errorInObject(
  schema: SchemaShape,
  value: Record<string, unknown>,
  path: string,
): Found | undefined {
  const { properties = {}, required = [], additionalProperties } = schema;
  const requiredProperties = required.filter((name) => !Object.hasOwn(value, name));
  if (requiredProperties.length > 0) {
    return { keyword: "required", instancePath: path, params: { requiredProperties } };
  }
  if (additionalProperties === false) {
    for (const name in value) {
      if (Object.hasOwn(properties, name)) continue;
      const params = { meant: nearestOf(name, Object.keys(properties)) };
      return { keyword: "boolean", instancePath: below(path, name), params };
    }
  }
  for (const [name, part] of Object.entries(properties)) {
    if (!Object.hasOwn(value, name) || value[name] === undefined) continue;
    if (!checkOf(part)(value[name])) return firstError(part, value[name], below(path, name));
  }
  return undefined;
}

function errorInArray(
  { items, minItems, maxItems }: SchemaShape,
  value: readonly unknown[],
  path: string,
): Found | undefined {
  const isLong = maxItems !== undefined && value.length > maxItems;
  if (isLong || value.length < (minItems ?? 0)) {
    const bounds = { type: "array", ...(isLong ? { maxItems } : { minItems }) };
    return ownError(bounds as TSchema, value, path);
  }
  const fits = checkOf(items as TSchema);
  const at = value.findIndex((item) => !fits(item));
  return at < 0 ? undefined : firstError(items as TSchema, value[at], below(path, String(at)));
}

/** Of a value that holds no others, or not many. */
function ownError(schema: TSchema, value: unknown, path: string): Found {
  const [first] = Errors(schema, value);
  if (!first) return { keyword: "", instancePath: path, params: {} };
  return { ...first, instancePath: path + first.instancePath };
}

function below(path: string, name: string): string {
  return `${path}/${short(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** Names are told as far as anybody reads them. */
const NAME_CHARACTERS_MAX = 200;

/** Names the field, as a caller would write it. */
export function describeValidation(error: FastifyError): string {
  const [first] = error.validation ?? [];
  const where = error.validationContext ?? "body";
  if (!first) return `the ${where} is not valid`;
  const path = short(first.instancePath.replace(/^\//, "").replaceAll("/", "."));
  const params = first.params as {
    additionalProperties?: string[];
    requiredProperties?: string[];
    pattern?: string;
    meant?: string;
  };
  if (first.keyword === "additionalProperties" || first.keyword === "boolean") {
    const names = short((params.additionalProperties ?? [path]).join(", "));
    const meant = params.meant === undefined ? "" : `; is ${params.meant} meant?`;
    return `unknown field in the ${where}: ${names}${meant}`;
  }
  if (first.keyword === "required") {
    return `missing in the ${where}: ${(params.requiredProperties ?? []).join(", ")}`;
  }
  if (first.keyword === "pattern" && path.endsWith("memory_limit")) {
    return `${path} must be a size such as "200m", "1.5g" or "256MiB", or a number of bytes`;
  }
  if (/^(items\.\d+\.)?env\./.test(path)) {
    return `${path}: names of variables are letters, digits and _, and values are texts`;
  }
  return `${path === "" ? `the ${where}` : path} ${first.message ?? "is not valid"}`;
}

function short(text: string): string {
  return text.length > NAME_CHARACTERS_MAX ? `${text.slice(0, NAME_CHARACTERS_MAX)}…` : text;
}
