/** Requests made from the API's description: such as it asks for, and such as it does not. */
import assert from "node:assert/strict";
import type { TestServer } from "../support/server.ts";
import { STOPS_EVERYBODY, schemaText } from "./http-cases.ts";
import { type ApiDescription, type Operation, type Parameter, readDescription } from "./openapi.ts";
import type { Random } from "./random.ts";

export interface DescriptionReport {
  /** Answers by status, for each operation that was asked. */
  readonly statuses: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

const ODD_TEXTS = [
  ...["", "\0", "ä\u202e😀", "../../etc/passwd", "x".repeat(5000), "%00", "-1", "1.5"],
  ...["9".repeat(40), "true", "null", "__proto__", ".", "..", "a/../../b", "a\r\nb: c"],
];
const ODD_VALUES: readonly unknown[] = [
  ...[null, true, -1, 0, 1e308, 1.5, [], {}, [[]], { __proto__: null }, "\ud800", ...ODD_TEXTS],
];

/** Ids that exist are worth more than ids that do not. */
const IDS = ["fuzz-1", "fuzz-2", "fuzz-3", "nobody"];
const NAMES = ["a.txt", "folder/b.csv", "folder", "ä ö.bin", "1", "2"];

function parameterText(random: Random, { name, schema }: Parameter): string {
  if (random.chance(0.08)) return random.pick(ODD_TEXTS);
  if (name === "id") return random.pick(IDS);
  if (schema.type === "string" && !schema.enum && !schema.anyOf) return random.pick(NAMES);
  const value = JSON.parse(schemaText(random, schema)) as unknown;
  return String(value);
}

interface Body {
  readonly content: string | FormData;
  /** A form brings its own. */
  readonly type?: string;
}

function uploadFor(random: Random, { uploads }: Operation): Body | undefined {
  if (!uploads) return undefined;
  const content = random.pick(["", "a,b\n1,2\n", "x".repeat(random.below(100_000))]);
  if (random.chance(0.1)) return { content, type: random.pick(["", "text/plain", "x"]) };
  if (uploads !== "multipart/form-data") return { content, type: uploads };
  const form = new FormData();
  for (const name of random.list(3, () => random.pick([...NAMES, ...ODD_TEXTS]))) {
    form.append("file", new Blob([content]), name);
  }
  return { content: form };
}

function jsonFor(random: Random, operation: Operation): Body | undefined {
  const value = valueFor(random, operation);
  return value === undefined
    ? undefined
    : { content: JSON.stringify(value), type: "application/json" };
}

function valueFor(random: Random, operation: Operation): unknown {
  const { body, examples } = operation;
  if (!body) return undefined;
  const example =
    examples.length > 0 && random.chance(0.4)
      ? structuredClone(random.pick(examples))
      : (JSON.parse(schemaText(random, body)) as unknown);
  if (typeof example !== "object" || example === null) return example;
  const fields = example as Record<string, unknown>;
  if ("session_id" in fields) fields["session_id"] = random.pick(IDS);
  if (random.chance(0.25)) {
    const names = [...Object.keys(body.properties ?? {}), "unknown_field"];
    fields[random.pick(names)] = random.pick(ODD_VALUES);
  }
  const present = Object.keys(fields);
  if (present.length > 0 && random.chance(0.05)) delete fields[random.pick(present)];
  return random.chance(0.03) ? random.pick(ODD_VALUES) : fields;
}

function urlFor(random: Random, operation: Operation): string {
  let path = operation.path;
  const query = new URLSearchParams();
  for (const parameter of operation.parameters) {
    if (parameter.in === "path") {
      const drawn = parameterText(random, parameter);
      // fetch would take such a part away, and ask another route.
      const text = drawn === "." || drawn === ".." ? `${drawn}x` : drawn;
      path = path.replace(`{${parameter.name}}`, text.split("/").map(encodeURIComponent).join("/"));
    } else if (parameter.in === "query" && random.chance(0.4)) {
      query.set(parameter.name, parameterText(random, parameter));
    }
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

/** As a person would read it, and cut: what streams is read to its end, or given up. */
async function ask(
  server: TestServer,
  description: ApiDescription,
  operation: Operation,
  random: Random,
): Promise<number> {
  const url = urlFor(random, operation);
  const body = uploadFor(random, operation) ?? jsonFor(random, operation);
  const controller = new AbortController();
  const response = await fetch(`${server.baseUrl}${url}`, {
    method: operation.method,
    headers: {
      "x-auth-token": server.token,
      ...(body?.type === undefined ? {} : { "content-type": body.type }),
    },
    ...(body === undefined ? {} : { body: body.content }),
    signal: controller.signal,
  });
  const { status } = response;
  const contentType = response.headers.get("content-type") ?? "";
  const shown = () => `${operation.method} ${url} ${String(body?.content).slice(0, 500)}`;
  try {
    // A watch has no end, and what it says is looked at elsewhere.
    const isEndless = contentType.startsWith("text/event-stream");
    const text = isEndless ? "" : await response.text();
    if (isEndless) controller.abort();
    // 503 and 504 are answers like others: no place is free, the code ran too long.
    assert.ok(status < 500 || status === 503 || status === 504, `status ${status}: ${text}`);
    if (!isEndless) description.judge(operation, status, contentType, text);
  } catch (error) {
    throw new Error(`${shown()}\n${(error as Error).message}`, { cause: error });
  }
  return status;
}

/** Ask every operation `rounds` times, a few at a time. */
export async function fuzzDescription(
  server: TestServer,
  random: Random,
  rounds: number,
): Promise<DescriptionReport> {
  const description = await readDescription(server);
  const operations = description.operations.filter(({ path }) => !STOPS_EVERYBODY.test(path));
  const statuses = new Map<string, Map<number, number>>();
  for (let round = 0; round < rounds; round++) {
    for (const operation of operations) {
      const status = await ask(server, description, operation, random);
      const name = `${operation.method} ${operation.path}`;
      const counts = statuses.get(name) ?? new Map<number, number>();
      statuses.set(name, counts.set(status, (counts.get(status) ?? 0) + 1));
    }
  }
  return { statuses };
}
