import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ApiRequest,
  type ApiResponse,
  type ErrorBody,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ env: { MAX_SESSIONS: "20", MAX_EXECUTION_TIME: "20" } });
});

afterAll(async () => {
  await server?.stop();
});

const errorDocumentation = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");

function expectErrorShape(response: ApiResponse<unknown>, status: number): ErrorBody["error"] {
  expect(response.status, response.text).toBe(status);
  expect(response.headers.get("content-type")).toContain("application/json");
  const { error } = response.body as ErrorBody;
  expect(Object.keys(response.body as object).sort()).toEqual(["detail", "error"]);
  expect((response.body as ErrorBody).detail).toBe(error.message);
  expect(error.code).toMatch(/^[A-Z][A-Z_]+$/);
  expect(error.message.length).toBeGreaterThan(5);
  expect(error.request_id.length).toBeGreaterThan(3);
  expect(response.text).not.toMatch(/\bat .+\.(js|ts|mjs):\d+|node_modules/);
  expect(errorDocumentation).toContain(error.code);
  return error;
}

async function expectRefusal(
  path: string,
  request: ApiRequest,
  status: number,
  names?: string | RegExp,
): Promise<void> {
  const error = expectErrorShape(await server.request(path, request), status);
  if (names !== undefined) {
    expect(error.message).toMatch(names);
  }
}

describe("health", () => {
  test("needs no token and says healthy", async () => {
    const response = await server.request<{ status: string }>("/health", { authenticated: false });
    expect(response.status).toBe(200);
    expect(response.body.status).toBe("healthy");
  });

  test("status needs a token and answers with JSON", async () => {
    expectErrorShape(await server.request("/status", { authenticated: false }), 401);
    const response = await server.request("/status");
    expect(response.status).toBe(200);
    expect(typeof response.body).toBe("object");
  });
});

describe("tokens", () => {
  const body = { code: "1" };

  test("each accepted header form opens the door", async () => {
    for (const headers of [
      { "x-auth-token": server.token },
      { authorization: `Bearer ${server.token}` },
      { "x-api-key": server.token },
    ]) {
      const response = await server.request("/execute", { authenticated: false, headers, body });
      expect(response.status, JSON.stringify(headers)).toBe(200);
    }
  });

  test.each<[string, (token: string) => Record<string, string>]>([
    ["no token", () => ({})],
    ["a wrong X-Auth-Token", () => ({ "x-auth-token": "wrong" })],
    ["a wrong Bearer", () => ({ authorization: "Bearer wrong" })],
    ["a wrong X-API-Key", () => ({ "x-api-key": "wrong" })],
    ["an empty token", () => ({ "x-auth-token": "" })],
    ["a prefix of the token", (token) => ({ "x-auth-token": token.slice(0, -1) })],
    ["the token and more", (token) => ({ "x-auth-token": `${token}x` })],
    ["the wrong scheme", (token) => ({ authorization: `Basic ${token}` })],
    ["a huge token", () => ({ "x-auth-token": "x".repeat(8_000) })],
  ])("%s is 401", async (_, headers) => {
    const response = await server.request("/execute", {
      authenticated: false,
      headers: headers(server.token),
      body,
    });
    expectErrorShape(response, 401);
    expect(response.text).not.toContain(server.token);
  });

  test("every route but /health asks for the token, unknown ones included", async () => {
    for (const [method, path] of [
      ["POST", "/execute"],
      ["GET", "/sessions"],
      ["POST", "/sessions"],
      ["GET", "/sessions/x"],
      ["DELETE", "/sessions/x"],
      ["POST", "/sessions/x/reset"],
      ["POST", "/release"],
      ["GET", "/status"],
    ] as const) {
      const request = method === "POST" ? { method, body: {} } : { method };
      expectErrorShape(await server.request(path, { ...request, authenticated: false }), 401);
    }
  });
});

describe("bad input", () => {
  test.each([
    ["not JSON", "{not json"],
    ["nothing", ""],
    ["half a body", '{"code": "1"'],
    ["a string", '"code"'],
    ["an array", "[]"],
    ["null", "null"],
    ["a number", "17"],
    ["two documents", '{"code":"1"}{"code":"2"}'],
    ["a deep nest", `${"[".repeat(50_000)}${"]".repeat(50_000)}`],
  ])("%s as the body is 400", async (_, rawBody) => {
    await expectRefusal("/execute", { method: "POST", rawBody }, 400);
  });

  test.each([
    ["code", {}],
    ["code", { code: 17 }],
    ["code", { code: null }],
    ["code", { code: ["print(1)"] }],
    ["session_id", { code: "1", session_id: 5 }],
    ["session_id", { code: "1", session_id: "" }],
    ["session_id", { code: "1", session_id: "../../etc/passwd" }],
    ["session_id", { code: "1", session_id: "a b" }],
    ["session_id", { code: "1", session_id: "a\nb" }],
    ["session_id", { code: "1", session_id: "é" }],
    ["session_id", { code: "1", session_id: "x".repeat(129) }],
    ["user_uuid", { code: "1", user_uuid: "a/b" }],
    ["user_uuid", { code: "1", user_uuid: {} }],
    ["timeout", { code: "1", timeout: 0 }],
    ["timeout", { code: "1", timeout: -1 }],
    ["timeout", { code: "1", timeout: "10" }],
    ["timeout", { code: "1", timeout: 21 }],
    ["timeout", { code: "1", timeout: 1e308 }],
    ["memory_limit", { code: "1", memory_limit: "lots" }],
    ["memory_limit", { code: "1", memory_limit: "-5m" }],
    ["memory_limit", { code: "1", memory_limit: 0 }],
    ["memory_limit", { code: "1", memory_limit: "100g" }],
    ["memory_limit", { code: "1", memory_limit: true }],
    ["cpu_limit", { code: "1", cpu_limit: 0 }],
    ["cpu_limit", { code: "1", cpu_limit: -0.5 }],
    ["cpu_limit", { code: "1", cpu_limit: 1000 }],
    ["cpu_limit", { code: "1", cpu_limit: "1" }],
    ["langauge", { code: "1", langauge: "python" }],
    ["__proto__x", { code: "1", __proto__x: 1 }],
  ])("%s is named when it is wrong: %j", async (field, body) => {
    await expectRefusal("/execute", { body }, 400, new RegExp(field));
  });

  test("__proto__ and constructor as fields are refused and change nothing", async () => {
    for (const rawBody of [
      '{"code":"1","__proto__":{"polluted":true}}',
      '{"code":"1","constructor":{"prototype":{"polluted":true}}}',
    ]) {
      await expectRefusal("/execute", { rawBody }, 400);
    }
    expect((await server.execute({ code: "1" })).status).toBe("ok");
  });

  test("session_id and user_uuid together are refused or mean the same", async () => {
    const id = uniqueId("both");
    const response = await server.request("/execute", {
      body: { code: "1", session_id: id, user_uuid: `${id}-other` },
    });
    expectErrorShape(response, 400);
  });

  test("every character that ids may have is accepted", async () => {
    for (const session_id of ["A", "user@example.org:1", "a-b_c.d", "0".repeat(128)]) {
      const response = await server.execute({ session_id, code: "1" });
      expect(response.session_id).toBe(session_id);
      await server.request(`/sessions/${encodeURIComponent(session_id)}`, { method: "DELETE" });
    }
  });

  test("ids that are property names of every object are ordinary ids", async () => {
    for (const session_id of ["__proto__", "constructor", "toString", "..", "."]) {
      const response = await server.tryExecute({ session_id, code: "1" });
      expect([200, 400], session_id).toContain(response.status);
      await server.request("/release", { body: { session_id } });
    }
  });

  test("oversized code is refused and the limit itself is accepted", async () => {
    const limit = 1024 * 1024;
    const tooLong = await server.request("/execute", { body: { code: "#".repeat(limit + 1) } });
    expect([400, 413]).toContain(tooLong.status);
    expectErrorShape(tooLong, tooLong.status);
    const enormous = await server
      .request("/execute", { body: { code: "#".repeat(20 * limit) } })
      // A server may hang up in the middle of a body that it has refused already.
      .catch(() => undefined);
    if (enormous !== undefined) {
      expectErrorShape(enormous, 413);
    }
    const longest = await server.execute({ code: "#".repeat(limit - 1) });
    expect(longest.status).toBe("ok");
  });

  test("a body of another type is refused", async () => {
    const response = await server.request("/execute", {
      rawBody: "code=1",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect([400, 415]).toContain(response.status);
    expectErrorShape(response, response.status);
  });
});

describe("routes", () => {
  test("an unknown route is 404", async () => {
    await expectRefusal("/nothing-here", {}, 404);
    await expectRefusal("/sessions/x/nothing", { method: "POST", body: {} }, 404);
  });

  test("a wrong method is 404 or 405", async () => {
    for (const [method, path] of [
      ["GET", "/execute"],
      ["DELETE", "/execute"],
      ["POST", "/health"],
      ["PUT", "/sessions"],
    ] as const) {
      const response = await server.request(path, { method });
      expect([404, 405], `${method} ${path}`).toContain(response.status);
      expectErrorShape(response, response.status);
    }
  });

  test("traversal and broken escapes in a session path are 4xx", async () => {
    for (const path of [
      "/sessions/..%2f..%2fetc%2fpasswd",
      "/sessions/%00",
      "/sessions/%ff",
      "/sessions/%",
      `/sessions/${"x".repeat(500)}`,
    ]) {
      const response = await server.request(path);
      expect([400, 404, 414], path).toContain(response.status);
      expectErrorShape(response, response.status);
    }
  });

  test("broken HTTP is answered or closed, and the server goes on", async () => {
    const { hostname, port } = new URL(server.baseUrl);
    for (const text of [
      "NONSENSE\r\n\r\n",
      "POST /execute HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
      "POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
      `GET /health HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(100_000)}\r\n\r\n`,
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.write(text));
        socket.setTimeout(5_000, () => socket.destroy());
        socket.on("data", () => socket.end());
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
      });
    }
    expect((await server.request("/health")).status).toBe(200);
  });
});

interface SessionView {
  readonly session_id: string;
}

async function listSessionIds(): Promise<string[]> {
  const { body, status } = await server.request<{ sessions: SessionView[] }>("/sessions");
  expect(status).toBe(200);
  return body.sessions.map((session) => session.session_id);
}

describe("sessions", () => {
  test("create, list, get and delete", async () => {
    const session_id = uniqueId("crud");
    const created = await server.request<SessionView>("/sessions", { body: { session_id } });
    expect([200, 201]).toContain(created.status);
    expect(created.body.session_id).toBe(session_id);
    expect(await listSessionIds()).toContain(session_id);
    const got = await server.request<SessionView>(`/sessions/${session_id}`);
    expect(got.status).toBe(200);
    expect(got.body.session_id).toBe(session_id);
    await server.execute({ session_id, code: "x = 1" });
    const deleted = await server.request(`/sessions/${session_id}`, { method: "DELETE" });
    expect([200, 204]).toContain(deleted.status);
    expectErrorShape(await server.request(`/sessions/${session_id}`), 404);
    expect(await listSessionIds()).not.toContain(session_id);
    const again = await server.execute({ session_id, code: "'x' in globals()" });
    expect(again.result_text).toContain("False");
  });

  test("a session without a name gets one that works", async () => {
    for (const request of [{ body: {} }, { method: "POST" }]) {
      const created = await server.request<SessionView>("/sessions", request);
      expect([200, 201]).toContain(created.status);
      const { session_id } = created.body;
      expect(session_id).toMatch(/^[A-Za-z0-9._:@-]{1,128}$/);
      const run = await server.execute({ session_id, code: "print('named')" });
      expect(run.stdout).toBe("named\n");
      await server.request(`/sessions/${session_id}`, { method: "DELETE" });
    }
  });

  test("creating a session twice is a conflict or hands back the same one", async () => {
    const session_id = uniqueId("twice");
    await server.request("/sessions", { body: { session_id } });
    await server.execute({ session_id, code: "kept = 1" });
    const second = await server.request("/sessions", { body: { session_id } });
    expect([200, 201, 409]).toContain(second.status);
    const run = await server.execute({ session_id, code: "print(kept)" });
    expect(run.stdout).toBe("1\n");
  });

  test("bad fields of a new session are named", async () => {
    await expectRefusal("/sessions", { body: { session_id: "a/b" } }, 400, /session_id/);
    await expectRefusal("/sessions", { body: { colour: "red" } }, 400, /colour/);
  });

  test("reset keeps the id and empties interpreter and workspace", async () => {
    const session_id = uniqueId("reset");
    await server.execute({ session_id, code: "x = 1\nopen('f', 'w').write('x')" });
    const reset = await server.request(`/sessions/${session_id}/reset`, { method: "POST" });
    expect(reset.status).toBe(200);
    const run = await server.execute({
      session_id,
      code: "import os\nprint('x' in globals(), os.listdir('.'))",
    });
    expect(run.stdout).toBe("False []\n");
    expect(run.execution_count).toBe(1);
  });

  test("release ends the session of a user and of a session_id", async () => {
    const user_uuid = uniqueId("release");
    await server.execute({ user_uuid, code: "x = 1" });
    const released = await server.request<{ status: string; detail: string }>("/release", {
      body: { user_uuid },
    });
    expect(released.status).toBe(200);
    expect(released.body.status).toBe("ok");
    expect(typeof released.body.detail).toBe("string");
    const run = await server.execute({ user_uuid, code: "print('x' in globals())" });
    expect(run.stdout).toBe("False\n");
    const session_id = uniqueId("release");
    await server.execute({ session_id, code: "x = 1" });
    const second = await server.request("/release", { body: { session_id } });
    expect(second.status).toBe(200);
    expectErrorShape(await server.request(`/sessions/${session_id}`), 404);
  });

  test("release of bad bodies is 400", async () => {
    await expectRefusal("/release", { body: {} }, 400);
    await expectRefusal("/release", { body: { user_uuid: 1 } }, 400, /user_uuid/);
    await expectRefusal("/release", { body: { user_uuid: "u", extra: 1 } }, 400, /extra/);
  });

  test("an unknown session is 404 everywhere", async () => {
    const session_id = uniqueId("unknown");
    await expectRefusal(`/sessions/${session_id}`, {}, 404);
    await expectRefusal(`/sessions/${session_id}`, { method: "DELETE" }, 404);
    await expectRefusal(`/sessions/${session_id}/reset`, { method: "POST" }, 404);
  });

  test("deleting a session in the middle of a run answers the run", async () => {
    const session_id = uniqueId("delete-running");
    const running = server.tryExecute({
      session_id,
      code: "import time\nprint('started', flush=True)\ntime.sleep(15)",
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const start = performance.now();
    const deleted = await server.request(`/sessions/${session_id}`, { method: "DELETE" });
    expect([200, 204]).toContain(deleted.status);
    const answer = await running;
    expect(performance.now() - start).toBeLessThan(4_000);
    if (answer.status === 200) {
      expect(["killed", "interrupted"]).toContain(answer.body.status);
    } else {
      expectErrorShape(answer, answer.status);
    }
  });

  test("a client that goes away does not keep its session busy for ever", async () => {
    const session_id = uniqueId("gone");
    const { hostname, port } = new URL(server.baseUrl);
    const body = JSON.stringify({ session_id, code: "import time\ntime.sleep(3)" });
    const request = httpRequest({
      hostname,
      port,
      path: "/execute",
      method: "POST",
      headers: { "content-type": "application/json", "x-auth-token": server.token },
    });
    request.on("error", () => undefined);
    request.end(body);
    await new Promise((resolve) => setTimeout(resolve, 300));
    request.destroy();
    const next = await server.execute({ session_id, code: "print('next')" });
    expect(next.stdout).toBe("next\n");
  });
});

describe("bounds", () => {
  test("a session's queue is bounded: 429 with Retry-After", async () => {
    const session_id = uniqueId("queue");
    const slow = server.execute({ session_id, code: "import time\ntime.sleep(2)" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const waiting = await Promise.all(
      Array.from({ length: 150 }, () => server.tryExecute({ session_id, code: "1" })),
    );
    await slow;
    const refused = waiting.filter((response) => response.status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(150);
    for (const response of refused) {
      const error = expectErrorShape(response, 429);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(error.retry_after_ms).toBeGreaterThan(0);
    }
    const after = await server.execute({ session_id, code: "print('open again')" });
    expect(after.stdout).toBe("open again\n");
  });
});

describe("capacity", () => {
  let small: TestServer;

  beforeAll(async () => {
    small = await startServer({ env: { MAX_SESSIONS: "2", POOL_SIZE: "1", ACQUIRE_TIMEOUT: "1" } });
  });

  afterAll(async () => {
    await small?.stop();
  });

  test("more sessions than MAX_SESSIONS is 503 or 429 with Retry-After, and passes", async () => {
    await small.execute({ session_id: "one", code: "x = 1" });
    await small.execute({ session_id: "two", code: "x = 2" });
    const refused = await small.tryExecute({ session_id: "three", code: "x = 3" });
    expect([429, 503]).toContain(refused.status);
    const error = expectErrorShape(refused, refused.status);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(error.retry_after_ms).toBeGreaterThan(0);
    const existing = await small.execute({ session_id: "one", code: "print(x)" });
    expect(existing.stdout).toBe("1\n");
    await small.request("/sessions/one", { method: "DELETE" });
    const admitted = await small.execute({ session_id: "three", code: "print('in')" });
    expect(admitted.stdout).toBe("in\n");
  });
});
