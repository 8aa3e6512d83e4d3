import { type TSchemaOptions, Type } from "typebox";
import { Compile } from "typebox/compile";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { KeyStore } from "../access/key-store.js";
import { BUILT_IN_ADMIN } from "../access/principal.js";
import { appWithoutSandboxes } from "./app.test-support.js";
import type { App } from "./app-type.js";

const adminToken = "the-right-token-0123";
let keys: KeyStore;
let app: App;
let close: () => Promise<void>;

beforeAll(async () => {
  const env = { CORS_ORIGINS: "https://listed.example" };
  ({ app, keys, close } = await appWithoutSandboxes(adminToken, env));
  app.addHook("onRoute", ({ method, url, schema }) => {
    for (const one of [method].flat()) routes.push(`${one} ${url}`);
    schemas.push(schema);
  });
  await app.ready();
});
afterAll(() => close());

/** What an executing key may do. Every other route is the admins'. */
const OPEN = [
  "POST /execute",
  "POST /execute/batch",
  "POST /generate-and-execute",
  "POST /release",
  "POST /sessions",
  "GET /sessions",
  "HEAD /sessions",
  "GET /sessions/:id",
  "HEAD /sessions/:id",
  "DELETE /sessions/:id",
  "POST /sessions/:id/packages",
  "POST /sessions/:id/reset",
  "GET /sessions/:id/notebook",
  "HEAD /sessions/:id/notebook",
  "POST /sessions/:id/notebook",
  "GET /sessions/:id/executions",
  "HEAD /sessions/:id/executions",
  "GET /sessions/:id/executions/:n",
  "HEAD /sessions/:id/executions/:n",
  "DELETE /sessions/:id/executions/:n",
  "GET /sessions/:id/executions/:n/events",
  "POST /sessions/:id/interrupt",
  "GET /sessions/:id/files",
  "HEAD /sessions/:id/files",
  "POST /sessions/:id/files",
  "GET /sessions/:id/files/*",
  "HEAD /sessions/:id/files/*",
  "PUT /sessions/:id/files/*",
  "PATCH /sessions/:id/files/*",
  "DELETE /sessions/:id/files/*",
  "GET /sessions/:id/watch",
  "POST /api/chat",
  "GET /api/chat/:id",
  "GET /api/chat/:id/stream",
  "HEAD /api/chat/:id/stream",
  "HEAD /api/chat/:id",
  "DELETE /api/chat/:id",
  "GET /tools",
  "HEAD /tools",
  "POST /sessions/:id/keep-alive",
  "POST /sessions/:id/input",
  "POST /sessions/:id/complete",
  "POST /sessions/:id/inspect",
  "POST /sessions/:id/is_complete",
  "GET /sessions/:id/variables",
  "HEAD /sessions/:id/variables",
];
const PUBLIC = ["GET /health", "HEAD /health", "GET /openapi.json", "HEAD /openapi.json"];
const isDocumentation = (route: string) => /^(GET|HEAD) \/(docs|openapi)\b/.test(route);

/** Every route there is, such as "GET /sessions/:id", noted as it is registered. */
const routes: string[] = [];
const schemas: unknown[] = [];

interface PatternSchema extends TSchemaOptions {
  readonly pattern: string;
  readonly maxLength?: number;
}

function patternSchemas(value: unknown): PatternSchema[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(patternSchemas);
  const isOne = "pattern" in value && typeof value.pattern === "string";
  return isOne ? [value as PatternSchema, ...inner] : inner;
}

describe("a pattern in a schema of a route", () => {
  test("stands beside a length, and is bounded by it in itself", () => {
    const found = patternSchemas(schemas);
    expect(found.length).toBeGreaterThan(20);
    for (const { pattern, maxLength } of found) {
      expect(maxLength, pattern).toBeLessThanOrEqual(128);
      expect(pattern, "every repetition is bounded").not.toMatch(/[^\\][+*](?![^[]*\])/);
      const long = new RegExp(pattern, "u").test("1".repeat((maxLength ?? 0) + 1));
      expect(long, pattern).toBe(false);
    }
  });

  test("is not asked about what is too long", () => {
    for (const schema of new Set(patternSchemas(schemas))) {
      const asked: string[] = [];
      const pattern = Object.assign(/^/, { test: (text: string) => asked.push(text) > 0 });
      const check = Compile(Type.Object({ field: Type.String({ ...schema, pattern }) }));
      const { maxLength = 0 } = schema;
      expect(check.Check({ field: "1".repeat(maxLength + 1) })).toBe(false);
      expect(asked).toEqual([]);
      expect(check.Check({ field: "1".repeat(maxLength) })).toBe(true);
      expect(asked).toHaveLength(1);
    }
  });
});

const split = (route: string) => {
  const [method, url = ""] = route.replace(":id", "0123456789abcdef").split(" ");
  return { method: method as "GET" | "HEAD" | "POST" | "DELETE", url };
};

describe("every route", () => {
  test("is noted", () => {
    expect(routes).toEqual(
      expect.arrayContaining([...OPEN, ...PUBLIC, "DELETE /api/security/containers/:id"]),
    );
  });

  test("is described, so that what tries every described route tries every route", async () => {
    const headers = { "x-auth-token": adminToken };
    const { paths } = (await app.inject({ url: "/openapi.json", headers })).json();
    const described = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const written = (route: string) => route.replace(/:(\w+)/g, "{$1}").replace(/\*$/, "{path}");
    const expected = routes
      .filter((one) => !one.startsWith("HEAD ") && !isDocumentation(one))
      .map(written);
    expect(new Set(described)).toEqual(new Set(expected));
  });

  test("refuses whoever has no token, but for the public ones", async () => {
    for (const route of routes.filter((one) => !PUBLIC.includes(one))) {
      expect((await app.inject(split(route))).statusCode, route).toBe(401);
    }
  });

  test("refuses an executing key, but for those that it may use", async () => {
    const { secret } = await keys.create(BUILT_IN_ADMIN, { name: "executes", role: "execute" });
    const admins = routes.filter(
      (one) => ![...OPEN, ...PUBLIC].includes(one) && !isDocumentation(one),
    );
    expect(admins.length).toBeGreaterThan(10);
    for (const route of admins) {
      const headers = { "x-auth-token": secret };
      expect((await app.inject({ ...split(route), headers })).statusCode, route).toBe(403);
    }
  });
});

describe("a key with a quota of requests", () => {
  async function keyWith(requests_per_minute: number): Promise<{ "x-auth-token": string }> {
    const wanted = { name: "asks", role: "admin", quotas: { requests_per_minute } } as const;
    return { "x-auth-token": (await keys.create(BUILT_IN_ADMIN, wanted)).secret };
  }

  test("is counted on every route, before its body is read, and where there is no route", async () => {
    const counted = routes.filter((one) => !PUBLIC.includes(one));
    // The bucket shall not fill up meanwhile.
    const clock = vi.spyOn(performance, "now").mockReturnValue(performance.now());
    onTestFinished(() => clock.mockRestore());
    const headers = { ...(await keyWith(counted.length + 1)), "content-type": "application/json" };
    const nowhere = { method: "GET", url: "/nowhere", headers } as const;
    // What is asked for may not be there, or not be well put: it is counted all the same.
    for (const route of counted) {
      const { statusCode } = await app.inject({ ...split(route), headers, payload: "{" });
      expect(statusCode, route).not.toBe(429);
    }
    expect((await app.inject(nowhere)).statusCode).toBe(404);
    for (const route of counted) {
      const answer = await app.inject({ ...split(route), headers, payload: "{" });
      expect(answer.statusCode, route).toBe(429);
      expect(Number(answer.headers["retry-after"]), route).toBeGreaterThan(0);
    }
    expect((await app.inject(nowhere)).statusCode).toBe(429);
    for (const url of ["/docs/nowhere", "/sessions/a/nowhere"]) {
      expect((await app.inject({ ...nowhere, url })).statusCode, url).toBe(429);
    }
    expect((await app.inject({ ...nowhere, url: "/health" })).statusCode).toBe(200);
  });
});

describe("a panic", () => {
  test.each([
    [{}, undefined],
    [{ "content-type": "application/json" }, ""],
    [{ "content-type": "application/x-www-form-urlencoded" }, ""],
    [{ "content-type": "text/plain" }, ""],
  ])("needs no body, with %j", async (headers, payload) => {
    const { statusCode } = await app.inject({
      ...{ method: "POST", url: "/api/security/panic" },
      headers: { ...headers, "x-auth-token": adminToken },
      ...(payload === undefined ? {} : { payload }),
    });
    expect(statusCode).toBe(200);
  });

  test("neither converts nor drops what does not fit", async () => {
    for (const [url, payload] of [
      ["/execute", { code: 1 }],
      ["/execute", { code: "1", netwrok: false }],
      ["/sessions", { session_id: 1 }],
      ["/sessions/x/input", { text: 1 }],
      ["/sessions/x/complete", { code: "a", cursor_pos: "1" }],
    ] as const) {
      const headers = { "x-auth-token": adminToken };
      const answer = await app.inject({ method: "POST", url, headers, payload });
      expect(answer.json().error.code, JSON.stringify(payload)).toBe("INVALID_REQUEST");
    }
  });

  test("does not guess what a body of another type means", async () => {
    const answer = await app.inject({
      ...{ method: "POST", url: "/api/security/panic", payload: "reason=x" },
      headers: { "x-auth-token": adminToken, "content-type": "application/x-www-form-urlencoded" },
    });
    expect(answer.statusCode).toBe(415);
    expect(answer.json().error.code).toBe("UNSUPPORTED_MEDIA_TYPE");
  });
});

test.each([
  [{ "A=B": "1" }, /^env\.A=B: names of variables/],
  [{ "": "1" }, /^env\.: names/],
  [{ "A\nB": "1" }, /names of variables are letters/],
  [{ "A\nB": 1 }, /names of variables are letters/],
  [{ A: "\0" }, /^env\.A holds a NUL/],
  [{ A: 1 }, /^env\.A: /],
  [["A=1"], /^env must be object/],
])("variables such as %j are refused", async (env, told) => {
  const headers = { "x-auth-token": adminToken };
  const answer = await app.inject({
    method: "POST",
    url: "/execute",
    headers,
    payload: { code: "1", env },
  });
  expect([answer.statusCode, answer.json().error.code]).toEqual([400, "INVALID_REQUEST"]);
  expect(answer.json().error.message).toMatch(told);
});

test("no field of names passes over the values of some", () => {
  const open: string[] = [];
  const walk = (node: unknown, path: string) => {
    if (typeof node !== "object" || node === null) return;
    const { patternProperties, additionalProperties } = node as Record<string, object | boolean>;
    // Of values that may be anything nothing is passed over.
    const checked = Object.values(patternProperties ?? {}).some(
      (one) => Object.keys(one).length > 0,
    );
    if (checked && additionalProperties !== false) open.push(path);
    // What documents alone are told says what it likes.
    for (const [name, part] of Object.entries(node))
      if (name !== "x-told") walk(part, `${path}/${name}`);
  };
  for (const schema of schemas) {
    const { body, querystring, params } = (schema ?? {}) as Record<string, unknown>;
    walk({ body, querystring, params }, "");
  }
  expect(open).toEqual([]);
});

test.each([
  [
    "POST",
    "/execute",
    { code: "1", memory_limit: "lots" },
    /memory_limit must be a size such as "200m"/,
  ],
  ["POST", "/sessions", { limits: { memory_limit: "1t" } }, /limits.memory_limit must be a size/],
  ["GET", "/sessions/a/files/%ff", undefined, /not valid UTF-8.*Write % as %25/],
  ["GET", "/nowhere", undefined, /GET \/openapi.json lists the routes/],
] as const)(
  "%s %s says what is wrong in words, and what to do",
  async (method, url, payload, told) => {
    const headers = { "x-auth-token": adminToken };
    const response = await app.inject({ method, url, headers, ...(payload && { payload }) });
    const { message, hint } = response.json().error;
    expect(`${message} ${hint}`).toMatch(told);
    expect(response.statusCode).toBe(url === "/nowhere" ? 404 : 400);
  },
);

describe("a body of the largest size that is wrong", () => {
  const many = (count: number, item: string) => `[${`${item},`.repeat(count - 1)}${item}]`;
  const fields = () => Array.from({ length: 450_000 }, (_, index) => `"f${index}":1`).join();
  const message = (item: string) => `{"role":"user","parts":${many(2000, item)}}`;
  const part = '{"type":"text"}';
  test.each([
    ["/sessions/x/packages", "packages", () => `{"packages":${many(3_000_000, "1")}}`, 413],
    ["/execute", "files", () => `{"code":"1","files":${many(3_000_000, "1")}}`, 400],
    ["/execute", "fields", () => `{${fields()}}`, 400],
    ["/execute", "brackets", () => "[".repeat(6_000_000), 400],
    ["/execute", "half a string", () => `"${String.raw`\"`.repeat(2_900_000)}`, 400],
    ["/execute", "white space", () => " ".repeat(6_000_000), 400],
    ["/execute", "a long name", () => `{"code":"1","${"x".repeat(5_900_000)}":1}`, 400],
    ["/execute", "a long id", () => `{"code":"1","session_id":"${"/".repeat(5_900_000)}"}`, 400],
    ["/api/chat", "no model", () => `{"messages":${many(190, message(part))}}`, 503],
    ["/sessions/x/inspect", "no session", () => `{"code":"${"x".repeat(5_900_000)}"}`, 404],
  ])("costs next to nothing: %s with %s", async (url, _, make, expected) => {
    const payload = Buffer.from(make());
    const headers = { "x-auth-token": adminToken, "content-type": "application/json" };
    const tookMs: number[] = [];
    for (let count = 0; count < 3; count++) {
      const before = process.cpuUsage();
      const { statusCode } = await app.inject({ method: "POST", url, headers, payload });
      tookMs.push(process.cpuUsage(before).user / 1000);
      expect(statusCode).toBe(expected);
    }
    // By the processor's clock and the best of three: neighbours of the test take their share.
    expect(Math.min(...tookMs)).toBeLessThan(50);
  });
});

test("the description is written once, for the page as well", async () => {
  const headers = { "x-auth-token": adminToken };
  const described = vi.spyOn(JSON, "stringify");
  const bodies: string[] = [];
  for (const url of ["/openapi.json", "/docs/json", "/openapi.json"]) {
    const answer = await app.inject({ url, headers });
    expect(answer.headers["content-type"], url).toBe("application/json; charset=utf-8");
    bodies.push(answer.body);
  }
  const written = described.mock.results.filter(({ value }) => String(value).length > 10_000);
  described.mockRestore();
  expect(written.length).toBeLessThanOrEqual(1);
  expect(new Set(bodies).size).toBe(1);
  expect(JSON.parse(bodies[0] ?? "").openapi).toBe("3.1.0");
});

describe("what clients send in other ways", () => {
  const headers = { "x-auth-token": adminToken, "content-type": "application/json" };
  const post = (url: string, payload: object | string | Buffer) =>
    app.inject({ method: "POST", url, headers, payload });

  test("null for an optional field is an absent one, nested ones included", async () => {
    const { statusCode, json } = await post("/api/keys", {
      ...{ name: "nulls", role: "execute" },
      quotas: { sessions: null, requests_per_minute: 5 },
    });
    expect(statusCode).toBe(201);
    expect(json().quotas).toEqual({ requests_per_minute: 5 });
    const missing = await post("/api/keys", { name: null, role: "execute" });
    expect([missing.statusCode, missing.json().error.message]).toEqual([
      400,
      expect.stringContaining("name"),
    ]);
  });

  test("an unknown field is refused with the one that may be meant", async () => {
    const { json } = await post("/api/keys", { name: "typo", roel: "execute", role: "execute" });
    expect(json()).toMatchObject({
      detail: "unknown field in the body: roel; is role meant?",
      error: {
        code: "INVALID_REQUEST",
        message: "unknown field in the body: roel; is role meant?",
      },
    });
  });

  test("a slash at the end of an address changes nothing", async () => {
    expect((await app.inject({ url: "/health/" })).json().status).toBeDefined();
    expect((await app.inject({ url: "/api/keys/", headers })).statusCode).toBe(200);
  });

  test("a slash at the end deletes nothing, as clients shorten a path of dots to that", async () => {
    const answer = await app.inject({ method: "DELETE", url: "/sessions/a/", headers });
    expect([answer.statusCode, answer.json().error.code]).toEqual([404, "NOT_FOUND"]);
  });

  test("bytes that are not UTF-8 are refused", async () => {
    const body = Buffer.from('{"name": "a\xff", "role": "execute"}', "latin1");
    const { statusCode, json } = await post("/api/keys", body);
    expect([statusCode, json().detail]).toEqual([400, "the body is not valid UTF-8"]);
  });

  test("the description says which bodies may be left out, and types an answer as JSON alone", async () => {
    const { paths } = (await app.inject({ url: "/openapi.json" })).json();
    const { requestBody, responses } = paths["/execute"].post;
    expect(Object.keys(responses[200].content)).toEqual(["application/json"]);
    expect(requestBody.required).toBe(true);
    expect(paths["/sessions"].post.requestBody.required).toBe(false);
  });

  test("the description of the API needs no token", async () => {
    const { statusCode, json } = await app.inject({ url: "/openapi.json" });
    expect([statusCode, json().servers]).toEqual([200, [{ url: "/" }]]);
  });
});

describe("pages of other origins", () => {
  const origin = "https://listed.example";
  const preflight = {
    ...{ origin, "access-control-request-method": "POST" },
    "access-control-request-headers": "x-auth-token,content-type",
  };

  test("of the listed ones may ask, and read errors too", async () => {
    const asked = await app.inject({ method: "OPTIONS", url: "/execute", headers: preflight });
    expect(asked.statusCode).toBe(204);
    expect(asked.headers).toMatchObject({
      ...{ "access-control-allow-origin": origin, "access-control-max-age": "600" },
      "access-control-allow-methods": expect.stringContaining("DELETE"),
      "access-control-allow-headers": "x-auth-token,content-type",
      vary: expect.stringContaining("Origin"),
    });
    const refused = await app.inject({ url: "/status", headers: { origin } });
    expect([refused.statusCode, refused.headers["access-control-allow-origin"]]).toEqual([
      401,
      origin,
    ]);
    expect(refused.headers["access-control-expose-headers"]).toContain("retry-after");
    expect(refused.headers["access-control-allow-credentials"]).toBeUndefined();
  });

  test("of any other get nothing", async () => {
    const headers = { ...preflight, origin: "https://other.example" };
    const asked = await app.inject({ method: "OPTIONS", url: "/execute", headers });
    expect(asked.statusCode).toBe(401);
    expect(asked.headers["access-control-allow-origin"]).toBeUndefined();
    expect(asked.headers["vary"]).toBe("Origin");
  });
});
