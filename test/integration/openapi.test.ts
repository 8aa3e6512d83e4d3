/** The description of the API against the API: requests are made from it, answers judged by it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDescription } from "../fuzz/openapi.ts";
import { fuzzDescription } from "../fuzz/openapi-requests.ts";
import { chosenSeed, Random, withSeed } from "../fuzz/random.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type FieldSchema, fieldsOf, meaningOf } from "../support/wire-fields.ts";

const seed = chosenSeed();
const ROUNDS = 25;
let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    env: { MAX_SESSIONS: "20", MAX_EXECUTION_TIME: "2", ACQUIRE_TIMEOUT: "2" },
  });
});

afterAll(() => server?.stop());

test("describes every operation with a summary, an area and an example of its body", async () => {
  const { operations } = await readDescription(server);
  expect(operations.length).toBeGreaterThan(14);
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(operations.length);
  for (const operation of operations) {
    const name = `${operation.method} ${operation.path}`;
    expect(operation, name).toMatchObject({
      summary: expect.any(String),
      tags: [expect.any(String)],
    });
    if (operation.body) expect(operation.examples.length, name).toBeGreaterThan(0);
  }
});

test("says of every parameter and every field of a body or an answer what it means", async () => {
  const { operations } = await readDescription(server);
  const fields = operations.flatMap(({ method, path, body, parameters, responses }) => {
    const answers = Object.values(responses).flatMap(({ content }) => Object.values(content ?? {}));
    const schemas = [body, ...answers.map(({ schema }) => schema)].filter(
      (one) => one !== undefined,
    );
    return [
      ...schemas.flatMap((schema) => [...fieldsOf(schema as FieldSchema)]),
      ...parameters.map(({ name, schema, description }) => ({
        name,
        schema: { ...(schema as FieldSchema), ...(description && { description }) },
      })),
    ].map((field) => ({ ...field, name: `${method} ${path}: ${field.name}` }));
  });
  expect(fields.length).toBeGreaterThan(500);
  expect(fields.filter(({ schema }) => !meaningOf(schema)).map(({ name }) => name)).toEqual([]);
});

test("what is asked as described, or nearly, is answered as described, and never by a failure", () =>
  withSeed(seed, async () => {
    const { statuses } = await fuzzDescription(server, new Random(seed), ROUNDS);
    for (const [operation, counts] of statuses) {
      const answered = [...counts.values()].reduce((sum, count) => sum + count, 0);
      expect(answered, operation).toBe(ROUNDS);
    }
    const executed = statuses.get("POST /execute");
    expect(executed?.get(200), "runs that went well").toBeGreaterThan(3);
    expect(executed?.get(400), "requests that were refused").toBeGreaterThan(1);
  }));

test("panic and resume answer as described", async () => {
  const description = await readDescription(server);
  for (const path of ["/api/security/panic", "/api/security/resume"]) {
    const operation = description.operations.find((one) => one.path === path);
    expect(operation, path).toBeDefined();
    if (!operation) continue;
    const response = await fetch(`${server.baseUrl}${path}`, {
      method: "POST",
      headers: { "x-auth-token": server.token },
    });
    expect(response.status).toBe(200);
    const type = response.headers.get("content-type") ?? "";
    description.judge(operation, response.status, type, await response.text());
  }
});

test("the page is shown to a browser that sends the token as a password, and nothing else is", async () => {
  const basic = `Basic ${Buffer.from(`anybody:${server.token}`).toString("base64")}`;
  const get = (path: string, authorization?: string) =>
    fetch(`${server.baseUrl}${path}`, authorization ? { headers: { authorization } } : {});

  const asked = await get("/docs");
  expect(asked.status).toBe(401);
  expect(asked.headers.get("www-authenticate")).toMatch(/^Basic /);

  const page = await get("/docs", basic);
  expect(page.status).toBe(200);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(await page.text()).toContain("swagger-ui");
  expect((await get("/openapi.json", basic)).status).toBe(200);

  // A browser sends passwords along with requests that other pages have started.
  const elsewhere = await get("/sessions", basic);
  expect(elsewhere.status).toBe(401);
  expect(elsewhere.headers.get("www-authenticate")).toBeNull();
});

test("a user_uuid without timeout is answered within MAX_EXECUTION_TIME, whatever its code heeds", async () => {
  const user_uuid = "answered-in-time";
  await server.execute({ user_uuid, code: "x = 1" });
  const code = "while True:\n    try:\n        while True: pass\n    except BaseException: pass";
  const begun = performance.now();
  const { status, body } = await server.tryExecute({ user_uuid, code });
  expect(performance.now() - begun).toBeLessThan(2000);
  expect([status, body.status]).toEqual([504, "timeout"]);
});
