/** The fields of a schema, as rows of a table and for the test that each of them is described. */
import { dirname, relative } from "node:path";

export interface FieldSchema {
  readonly description?: string | undefined;
  readonly type?: string | undefined;
  readonly const?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly anyOf?: readonly FieldSchema[] | undefined;
  readonly items?: FieldSchema | undefined;
  readonly properties?: Readonly<Record<string, FieldSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
}

export interface Field {
  /** With the names of what it is in: `usage.cpu_time`, `files[].path`. */
  readonly name: string;
  readonly schema: FieldSchema;
  readonly required: boolean;
}

/** A schema that may be null, without that. */
function notNull(schema: FieldSchema): FieldSchema {
  const others = schema.anyOf?.filter(({ type }) => type !== "null") ?? [];
  return others.length === 1 && others[0] ? others[0] : schema;
}

const isNullable = ({ anyOf }: FieldSchema) => anyOf?.some(({ type }) => type === "null") ?? false;

export function meaningOf(schema: FieldSchema): string | undefined {
  return schema.description ?? (isNullable(schema) ? notNull(schema).description : undefined);
}

/** All fields at all depths, alternatives included. `whole` names those that are not looked into. */
export function* fieldsOf(
  schema: FieldSchema,
  whole: readonly string[] = [],
  prefix = "",
): Generator<Field> {
  const { properties, required = [], anyOf = [], items } = schema;
  for (const alternative of anyOf) yield* fieldsOf(alternative, whole, prefix);
  if (items) yield* fieldsOf(items, whole, prefix.replace(/\.$/, "[]."));
  for (const [key, field] of Object.entries(properties ?? {})) {
    const name = `${prefix}${key}`;
    yield { name, schema: field, required: required.includes(key) };
    if (!whole.includes(name)) yield* fieldsOf(field, whole, `${name}.`);
  }
}

function typeOf(schema: FieldSchema): string {
  const { type, anyOf, enum: names } = schema;
  if ("const" in schema) return `\`${schema.const}\``;
  if (names) return names.map((name) => `\`${name}\``).join(", ");
  if (anyOf) return [...new Set(anyOf.map(typeOf))].join(anyOf.length > 2 ? ", " : " or ");
  return type ?? "any JSON";
}

/** References in descriptions are written from the repository's root. */
const PAGE = /\bdocs\/([a-z/-]{1,40}\.md)(#[a-z-]{1,60})?/g;

export function pagesIn(description: string): { page: string; anchor: string | undefined }[] {
  return [...description.matchAll(PAGE)].map(([, page, anchor]) => ({
    page: `docs/${page}`,
    anchor: anchor?.slice(1),
  }));
}

function withLinks(description: string, document: string): string {
  return description.replace(PAGE, (_, page: string, anchor = "") => {
    const path = relative(dirname(document), `docs/${page}`);
    return `[${page}](${path}${anchor})`;
  });
}

/** Rows for `document`, with a head. Of a request it is said what is required, of an answer what may be absent. */
export function fieldRows(
  document: string,
  of: "request" | "answer",
  schema: FieldSchema,
  whole: readonly string[] = [],
): string[][] {
  const rows = [...fieldsOf(schema, whole)].map(({ name, schema: field, required }) => {
    const isRequest = of === "request";
    const remark = isRequest ? ", required" : ", may be absent";
    const type = `${typeOf(field)}${required === isRequest ? remark : ""}`;
    return [`\`${name}\``, type, withLinks(meaningOf(field) ?? "", document)];
  });
  return [["field", "type", "meaning"], ...rows];
}
