/** The description of the API as generators read it: what has a name, what is told of events, and that its bounds hold. */
import { Compile } from "typebox/schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readInput } from "../packages/server/src/desk/input-reply.ts";
import { checkLimits, checkTtl, MEMORY_BYTES_MIN } from "../packages/server/src/desk/limits.ts";
import { checkName } from "../packages/server/src/desk/paths.ts";
import {
  type AppWithoutSandboxes,
  appWithoutSandboxes,
} from "../packages/server/src/gateway/app.test-support.ts";
import { ApiDescription, type Operation, type Schema } from "./fuzz/openapi.ts";

type Node = Readonly<Record<string, unknown>>;

const token = "the-right-token-0123";
let http: AppWithoutSandboxes;
let text: string;
let paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
let schemas: Readonly<Record<string, Node>>;

interface RawOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; content?: Content }>>;
  readonly "x-events"?: Node;
}
type Content = Readonly<Record<string, { readonly schema: Node }>>;

beforeAll(async () => {
  http = await appWithoutSandboxes(token);
  text = (await http.app.inject({ url: "/openapi.json" })).payload;
  ({
    paths,
    components: { schemas },
  } = JSON.parse(text));
});
afterAll(() => http.close());

const operations = () => Object.values(paths).flatMap((methods) => Object.values(methods));
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;

/** Every schema below a node but for examples, itself included. */
function* nodesIn(node: unknown): Generator<Node> {
  if (Array.isArray(node)) for (const item of node) yield* nodesIn(item);
  if (!isNode(node) || Array.isArray(node)) return;
  yield node;
  for (const [key, value] of Object.entries(node)) {
    if (!/^(example|examples|discriminator)$/.test(key)) yield* nodesIn(value);
  }
}

const nameIn = ({ $ref }: Node) => String($ref).replace(/^#\/components\/schemas\//, "");

describe("names", () => {
  test("has every body, answer, event and error", () => {
    let count = 0;
    for (const { operationId, requestBody, responses, ...operation } of operations()) {
      const contents = [
        requestBody?.content,
        ...Object.values(responses).map((one) => one.content),
      ];
      const found = contents.map((content) => content?.["application/json"]?.schema);
      for (const schema of [...found, operation["x-events"]]) {
        if (schema === undefined) continue;
        expect(Object.keys(schemas), operationId).toContain(nameIn(schema));
        count++;
      }
      expect(responses["default"]?.content, operationId).toEqual({
        "application/json": { schema: { $ref: "#/components/schemas/ErrorAnswer" } },
      });
    }
    expect(count).toBeGreaterThan(100);
  });

  test("are those that a person would choose", () => {
    const execute = paths["/execute"]?.["post"];
    expect(execute).toMatchObject({ operationId: "execute", tags: ["execute"] });
    expect(execute?.requestBody?.content["application/json"]?.schema).toEqual({
      $ref: "#/components/schemas/ExecuteRequest",
    });
    expect(execute?.responses["200"]?.content?.["application/json"]?.schema).toEqual({
      $ref: "#/components/schemas/ExecutionResult",
    });
    for (const name of Object.keys(schemas)) expect(name).toMatch(/^[A-Z][a-z]+([A-Z][a-z]+)*$/);
    const ids = operations().map(({ operationId }) => operationId);
    for (const id of ids) expect(id).toMatch(/^[a-z]+([A-Z][a-z]+)*$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("are all there, and all used", () => {
    const all = [...nodesIn(paths), ...nodesIn(schemas)];
    const used = all.filter(({ $ref }) => $ref !== undefined).map(nameIn);
    expect([...new Set(used)].sort()).toEqual(Object.keys(schemas).sort());
    expect(Object.values(schemas).filter(({ description }) => !description)).toEqual([]);
  });

  test("stand for everything that occurs twice", () => {
    const bodies = [...Object.values(schemas).flatMap((schema) => Object.values(schema)), paths];
    const inline = bodies.flatMap((node) => [...nodesIn(node)]).filter(isNamedSomewhere);
    expect(inline.length).toBeGreaterThan(20);
    const times = new Map<string, number>();
    for (const { description: _, ...shape } of inline) {
      const key = JSON.stringify(shape);
      times.set(key, (times.get(key) ?? 0) + 1);
    }
    expect([...times].filter(([, count]) => count > 1)).toEqual([]);
  });

  test("and nothing of how they came about is told", () => {
    expect(text).not.toMatch(/"x-(told|meaning|optional-body)"|"title":"(?!Glovebox")[A-Z]/);
  });
});

/** What a generator makes a type of: an object with fields, or constants to choose from. */
function isNamedSomewhere({ type, properties, enum: constants }: Node): boolean {
  const hasFields = type === "object" && isNode(properties) && Object.keys(properties).length > 0;
  return hasFields || (Array.isArray(constants) && constants.length > 1);
}

describe("events", () => {
  test("are told wherever there are some, and how they are framed", () => {
    const told = operations().filter((operation) => operation["x-events"]);
    expect(told.map(({ operationId }) => operationId).sort()).toEqual([
      ...["chat", "execute", "executeBatch", "followExecution", "runNotebook", "watchFiles"],
    ]);
    for (const { responses } of told) expect(responses["200"]?.description).toContain("x-events");
  });

  test.each(["Output", "ExecutionEvent", "BatchEvent", "NotebookEvent", "FileEvent", "ChatChunk"])(
    "%s: a field tells the alternatives apart",
    (name) => {
      const { anyOf, discriminator } = schemas[name] as {
        anyOf: Node[];
        discriminator: { propertyName: string; mapping: Record<string, string> };
      };
      expect(anyOf.length).toBeGreaterThan(1);
      const { propertyName, mapping } = discriminator;
      for (const { $ref } of anyOf) {
        const { properties, required } = schemas[nameIn({ $ref })] as {
          properties: Record<string, { const?: string; enum?: string[] }>;
          required: string[];
        };
        expect(required).toContain(propertyName);
        const { const: constant, enum: constants } = properties[propertyName] ?? {};
        for (const value of constants ?? [constant]) expect(mapping[String(value)]).toBe($ref);
      }
    },
  );
});

describe("bounds", () => {
  const headers = { "x-auth-token": token };
  const described = () => new ApiDescription(text);
  const find = (id: string) =>
    described().operations.find((one) => one.operationId === id) as Operation;
  const fieldOf = (id: string, name: string) => find(id).body?.properties?.[name] as Schema;
  const accepts = (check: () => unknown) => {
    try {
      check();
      return true;
    } catch {
      return false;
    }
  };

  test("are kept by the example of every body", () => {
    for (const { operationId, body, examples } of described().operations) {
      if (!body) continue;
      for (const example of examples) {
        expect([...Compile(body).Errors(example)[1]], operationId).toEqual([]);
      }
    }
  });

  // Neither a model nor a panic is wanted here, a batch waits for sandboxes, and routes below a session answer 404 for what they check later.
  test.each(["execute", "createSession", "releaseSession", "createKey"])(
    "%s refuses what is beyond them, and nothing else",
    async (id) => {
      const { body, method, path, examples } = find(id);
      const fits = Compile(body as Schema);
      let refused = 0;
      const bodies = nearBounds(body as Schema, examples[0] as Node);
      for (const payload of bodies) {
        const { statusCode, payload: answer } = await http.app.inject({
          ...{ method: method as "POST", url: path, headers, payload },
        });
        const isRefused = !fits.Check(payload);
        refused += Number(isRefused);
        const what = `${JSON.stringify(payload).slice(0, 300)}\n${answer.slice(0, 300)}`;
        expect(statusCode === 400, what).toBe(isRefused);
      }
      expect(refused).toBeGreaterThan(2);
      expect(bodies.length - refused).toBeGreaterThan(2);
    },
  );

  test.each([
    ["keepSessionAlive", "ttl", (ttl: unknown) => checkTtl(ttl as number), [1, 604_800, 604_801]],
    [
      "renameFile",
      "path",
      (path: unknown) => checkName(path as string),
      ["", "a", "a/".repeat(2001)],
    ],
    [
      ...(["execute", "cpu_limit"] as const),
      (limit: unknown) => checkLimits({ cpuCores: limit as number }, config),
      [0.04, 0.05, 1],
    ],
    [
      ...(["execute", "memory_limit"] as const),
      (limit: unknown) => checkLimits({ memory: limit as number }, config),
      [MEMORY_BYTES_MIN - 1, MEMORY_BYTES_MIN, "32m"],
    ],
  ])("of %s.%s are the server's", (id, name, check, values) => {
    const fits = Compile(fieldOf(id, name));
    const verdicts = values.map((value) => fits.Check(value));
    expect(verdicts).toEqual(values.map((value) => accepts(() => check(value))));
    expect(new Set(verdicts).size).toBe(2);
  });

  test("of an input are those of its check", () => {
    const fits = Compile(find("answerInput").body as Schema);
    const values: Node = { text: "a", data: "YQ==", encoding: "base64", eof: true };
    const all = subsetsOf(values);
    const told = all.filter((body) => fits.Check(body));
    expect(told).toHaveLength(6);
    for (const body of told) expect(() => readInput(body)).not.toThrow();
    const more = all.filter((body) => !fits.Check(body) && accepts(() => readInput(body)));
    // Of nothing, which an encoding harms as little.
    expect(more).toEqual([{ encoding: "base64", eof: true }]);
  });

  test("of texts in an address are those of numbers and flags", async () => {
    const n = find("getExecution").parameters.find(({ name }) => name === "n")?.schema as Schema;
    const fits = Compile(n);
    for (const value of [-1, 0, 1, 1.5, 10 ** 15 - 1, 10 ** 15]) {
      const url = `/sessions/nobody/executions/${value}`;
      const { statusCode } = await http.app.inject({ url, headers });
      expect(statusCode, url).toBe(fits.Check(value) ? 404 : 400);
    }
    for (const value of [true, false, "yes"]) {
      const url = `/sessions/nobody/files?recursive=${value}`;
      const { statusCode } = await http.app.inject({ url, headers });
      expect(statusCode, url).toBe(typeof value === "boolean" ? 404 : 400);
    }
  });
});

const config = { memoryBytesMax: 2 ** 30, cpuCoresMax: 2 } as Parameters<typeof checkLimits>[1];

function subsetsOf(fields: Node): Node[] {
  const subsets: Node[] = [{}];
  for (const [name, value] of Object.entries(fields)) {
    for (const one of subsets.slice()) subsets.push({ ...one, [name]: value });
  }
  return subsets;
}

/** The example with one thing changed: a field left out, or at a bound of its, or beyond. */
function nearBounds(body: Schema, example: Node): Node[] {
  const alternatives = body.anyOf ?? [body];
  const fields = Object.assign({}, ...alternatives.map((one) => one.properties)) as Record<
    string,
    Schema
  >;
  const without = Object.keys(example).map((name) => {
    const { [name]: _, ...rest } = example;
    return rest;
  });
  const changed = Object.entries(fields).flatMap(([name, schema]) => {
    const { session_id: _, ...elsewhere } = example;
    // Two names of one session would have to be the same.
    const rest = name === "user_uuid" ? elsewhere : example;
    return atBounds(schema).map((value) => ({ ...rest, [name]: value }));
  });
  return [...without, ...changed, { ...example, no_such_field: 1 }];
}

interface Bounded extends Schema {
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

function atBounds(schema: Bounded): unknown[] {
  const { minimum, maximum, exclusiveMinimum, minLength, maxLength, minItems, maxItems } = schema;
  const around = (bound: number | undefined, step: number) =>
    bound === undefined ? [] : [bound - step, bound, bound + step].filter((size) => size >= 0);
  const textOf = (length: number) => (schema.pattern ? "a" : "a/").repeat(length).slice(0, length);
  const values: unknown[] = [
    ...(schema.anyOf ?? []).flatMap((one) => atBounds(one)),
    ...(schema.enum ?? []),
    ...around(exclusiveMinimum, 0.5),
    ...around(minimum, 0.01),
    ...(maximum !== undefined && maximum < 10 ** 5 ? around(maximum, 1) : []),
    ...[minLength, maxLength].flatMap((length) => around(length, 1)).map(textOf),
    ...[minItems, maxItems]
      .flatMap((count) => around(count, 1))
      .filter((count) => count < 200)
      .map((count) => new Array(count).fill(atBounds(schema.items ?? {})[0] ?? "a")),
  ];
  if (schema.type === "object") {
    const whole = Object.entries(schema.properties ?? {}).map(([name, one]) => [
      name,
      (schema.required ?? []).includes(name) ? (atBounds(one).at(-1) ?? "a") : undefined,
    ]);
    const base = Object.fromEntries(whole.filter(([, value]) => value !== undefined)) as Node;
    values.push(...nearBounds(schema, base));
  }
  return values;
}
