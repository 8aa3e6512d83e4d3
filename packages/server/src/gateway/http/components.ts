/**
 * The API's description as clients are made from it: every schema that has a name stands once, among the components,
 * and what is checked in another way than it is told is told.
 */

import { MEANING, TOLD } from "../schemas/common.js";

type Node = Readonly<Record<string, unknown>>;

const PLACE = "#/components/schemas/";

/** Values of callers, in which nothing is a schema. */
const VALUES: ReadonlySet<string> = new Set(["const", "enum", "default", "example", "examples"]);

/** What is in these has names of its own, which are no keywords. */
const NAMES: ReadonlySet<string> = new Set(["properties", "responses"]);

/** By the name that `named` has given them. */
export class Components {
  readonly #found = new Map<string, Node>();

  /** A copy of a part of the description, with references instead of what has a name. */
  describe(node: unknown): unknown {
    if (Array.isArray(node)) return node.map((item) => this.describe(item));
    if (!isNode(node)) return node;
    const instead = node[TOLD];
    if (isNode(instead)) {
      const { title, description, [MEANING]: meaning } = node;
      return this.describe(defined({ ...instead, title, description, [MEANING]: meaning }));
    }
    const described: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(node)) {
      if (NAMES.has(key) && isNode(value)) described[key] = this.#describeEach(value);
      else described[key] = VALUES.has(key) ? value : this.describe(value);
    }
    return this.#refer(this.#tellApart(asEnum(asMap(described))));
  }

  /** All that was found so far, by name. */
  schemas(): Node {
    return Object.fromEntries([...this.#found].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #describeEach(fields: Node): Node {
    return Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, this.describe(field)]),
    );
  }

  /** Of alternatives with names: the field of each whose constant tells it from the others. */
  #tellApart(schema: Node): Node {
    const { anyOf } = schema;
    if (!Array.isArray(anyOf) || anyOf.length < 2) return schema;
    const shapes = anyOf.map(({ $ref }: Node) => this.#shapeOf($ref));
    for (const propertyName of Object.keys(fieldsOf(shapes[0]))) {
      const values = shapes.map((shape) => constantsOf(fieldsOf(shape)[propertyName]));
      const all = values.flat();
      if (values.some(({ length }) => length === 0) || new Set(all).size < all.length) continue;
      const mapping = Object.fromEntries(
        anyOf.flatMap(({ $ref }: Node, at) => (values[at] ?? []).map((value) => [value, $ref])),
      );
      return { ...schema, discriminator: { propertyName, mapping } };
    }
    return schema;
  }

  #shapeOf($ref: unknown): Node | undefined {
    return typeof $ref === "string" ? this.#found.get($ref.slice(PLACE.length)) : undefined;
  }

  #refer(schema: Node): Node {
    const { title: name, description, [MEANING]: meaning = description, ...shape } = schema;
    if (typeof name !== "string") return schema;
    const component = { ...(meaning === undefined ? {} : { description: meaning }), ...shape };
    const known = this.#found.get(name) ?? component;
    if (JSON.stringify(known) !== JSON.stringify(component)) {
      throw new Error(`two schemas have the name ${name}`);
    }
    this.#found.set(name, known);
    const said = description === meaning || description === undefined ? {} : { description };
    return { $ref: `${PLACE}${name}`, ...said };
  }
}

/** As the plugin has it where it gets a schema into its hands, which it does not where a field begins with `x-`. */
function asMap(schema: Node): Node {
  const { patternProperties, ...rest } = schema;
  if (!isNode(patternProperties)) return schema;
  return { ...rest, additionalProperties: Object.values(patternProperties)[0] };
}

/** Constants to choose from, which generators make something of when they stand in a list. */
function asEnum(schema: Node): Node {
  const { anyOf, ...rest } = schema;
  if (Array.isArray(schema["enum"])) return { ...typeOf(schema["enum"]), ...schema };
  if (!Array.isArray(anyOf)) return schema;
  const constants = anyOf.map((one: Node) => one["const"]);
  if (constants.includes(undefined)) return schema;
  return { ...rest, ...typeOf(constants), enum: constants };
}

function typeOf(values: readonly unknown[]): { type?: string } {
  const [type, ...others] = new Set(values.map((value) => typeof value));
  return others.length > 0 || type === undefined ? {} : { type };
}

function fieldsOf(shape: Node | undefined): Readonly<Record<string, Node>> {
  return (shape?.["properties"] ?? {}) as Readonly<Record<string, Node>>;
}

function constantsOf(field: Node | undefined): readonly string[] {
  const { const: constant, enum: constants } = field ?? {};
  const all = Array.isArray(constants) ? constants : [constant];
  return all.filter((value) => typeof value === "string");
}

function defined(schema: Node): Node {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}
