/** Keys on a real server: who may do what, whose sessions are whose, quotas, and what survives. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEvents } from "../support/events.ts";
import { eventually } from "../support/host.ts";
import {
  type ApiRequest,
  type ApiResponse,
  type ErrorBody,
  type ExecutionRequest,
  type ExecutionResponse,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";
import { startServersPerTest } from "../support/servers.ts";

const commandLine = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../packages/server/bin/glovebox.mjs",
);

interface Key {
  readonly id: string;
  readonly key: string;
  readonly prefix: string;
}

interface KeyOptions {
  readonly role?: "execute" | "admin";
  readonly quotas?: Readonly<Record<string, number>>;
}

async function createKey(server: TestServer, options: KeyOptions = {}): Promise<Key> {
  const body = { name: uniqueId("test"), role: "execute", ...options };
  const response = await server.request<Key>("/api/keys", { body });
  expect(response.status, response.text).toBe(201);
  return response.body;
}

function ask<Body = ErrorBody>(
  server: TestServer,
  { key }: Key,
  path: string,
  request: ApiRequest = {},
): Promise<ApiResponse<Body>> {
  return server.request<Body>(path, {
    ...request,
    authenticated: false,
    headers: { "x-auth-token": key },
  });
}

function run(
  server: TestServer,
  key: Key,
  body: ExecutionRequest,
): Promise<ApiResponse<ExecutionResponse & ErrorBody>> {
  return ask(server, key, "/execute", { body });
}

const loop = "while True: pass";

describe("on one server", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  test("an executing key runs code, and every admin route refuses it", async () => {
    const key = await createKey(server);
    expect((await run(server, key, { code: "print(6 * 7)" })).body.stdout).toBe("42\n");
    for (const [method, path] of [
      ["GET", "/status"],
      ["POST", "/api/keys"],
      ["GET", "/api/keys"],
      ["DELETE", `/api/keys/${key.id}`],
      ["POST", "/api/security/panic"],
      ["POST", "/api/security/resume"],
      ["GET", "/api/security/health"],
      ["GET", "/api/security/containers"],
      ["DELETE", "/api/security/containers/0123456789abcdef"],
      ["DELETE", "/api/security/sessions/any"],
    ] as const) {
      const response = await ask(server, key, path, { method });
      expect(response.status, `${method} ${path}`).toBe(403);
      expect(response.body.error.code).toBe("FORBIDDEN");
    }
  });

  test("whatever is not a key cannot be revoked, and loses no session by the attempt", async () => {
    await server.execute({ session_id: "of-the-admin", code: "x = 1" });
    const answer = await server.request("/api/keys/admin", { method: "DELETE" });
    expect(answer.status).toBe(404);
    expect((await server.execute({ session_id: "of-the-admin", code: "x" })).status).toBe("ok");
    await server.request("/sessions/of-the-admin", { method: "DELETE" });
  });

  test("a key of the role admin may do what the admin token may", async () => {
    const admin = await createKey(server, { role: "admin" });
    expect((await ask(server, admin, "/status")).status).toBe(200);
    const body = { name: "made by a key", role: "execute" };
    const made = await ask<Key & { created_by: string }>(server, admin, "/api/keys", { body });
    expect(made.status).toBe(201);
    expect(made.body.created_by).toBe(admin.id);
    const gone = await ask(server, admin, `/api/keys/${made.body.id}`, { method: "DELETE" });
    expect(gone.status).toBe(204);
  });

  test("the list tells of use, and neither secrets nor hashes", async () => {
    const key = await createKey(server, { quotas: { sessions: 3, requests_per_minute: 2 } });
    await run(server, key, { session_id: "one", code: "sum(range(10**6))" });
    const { body, text } = await server.request<{ keys: Record<string, unknown>[] }>("/api/keys");
    expect(body.keys.find(({ id }) => id === key.id)).toEqual({
      id: key.id,
      name: expect.any(String),
      role: "execute",
      prefix: key.key.slice(0, 8),
      created_at: expect.stringMatching(/Z$/),
      created_by: "admin",
      last_used_at: expect.stringMatching(/Z$/),
      quotas: { sessions: 3, requests_per_minute: 2 },
      usage: { sessions: 1, requests_per_minute: 1, cpu_seconds_per_hour: expect.any(Number) },
    });
    expect(text).not.toContain(key.key.slice(8));
    expect(text).not.toContain("hash");
  });

  test("requests for keys that make no sense are refused and name the field", async () => {
    for (const [body, field] of [
      [{}, "name"],
      [{ name: "a" }, "role"],
      [{ name: "a", role: "root" }, "role"],
      [{ name: "", role: "admin" }, "name"],
      [{ name: "a\nb", role: "admin" }, "name"],
      [{ name: "a", role: "admin", secret: "x" }, "secret"],
      [{ name: "a", role: "admin", quotas: { sessions: 0 } }, "sessions"],
      [{ name: "a", role: "admin", quotas: { sessions: "1" } }, "sessions"],
      [{ name: "a", role: "admin", quotas: { minutes: 1 } }, "minutes"],
    ] as const) {
      const response = await server.request<ErrorBody>("/api/keys", { body });
      expect(response.status, response.text).toBe(400);
      expect(response.body.error.message).toContain(field);
    }
    const unknown = await server.request<ErrorBody>("/api/keys/key_0", { method: "DELETE" });
    expect(unknown.body.error.code).toBe("KEY_NOT_FOUND");
  });

  test("sessions belong to the key that made them", async () => {
    const [a, b] = [await createKey(server), await createKey(server)];
    const session_id = uniqueId("shared");
    await run(server, a, { session_id, code: "mine = 'a'" });
    await run(server, b, { session_id, code: "mine = 'b'" });
    await server.execute({ session_id, code: "mine = 'admin'" });
    expect((await run(server, a, { session_id, code: "print(mine)" })).body.stdout).toBe("a\n");
    expect((await run(server, b, { session_id, code: "print(mine)" })).body.stdout).toBe("b\n");
    expect((await server.execute({ session_id, code: "print(mine)" })).stdout).toBe("admin\n");
    const listed = await ask<{ sessions: unknown[] }>(server, a, "/sessions");
    expect(listed.body.sessions).toHaveLength(1);

    const own = uniqueId("own");
    const created = await ask(server, a, "/sessions", { body: { session_id: own } });
    expect(created.status).toBe(201);
    for (const [method, path, body] of [
      ["GET", `/sessions/${own}`, undefined],
      ["DELETE", `/sessions/${own}`, undefined],
      ["POST", `/sessions/${own}/reset`, undefined],
      ["POST", "/release", { session_id: own }],
    ] as const) {
      const [asKey, asAdmin] = await Promise.all([
        ask(server, b, path, { method, body }),
        server.request<ErrorBody>(path, { method, body }),
      ]);
      expect(asKey.body.error.code, `${method} ${path}`).toBe("SESSION_NOT_FOUND");
      expect(asAdmin.body.error.code, `${method} ${path}`).toBe("SESSION_NOT_FOUND");
    }
    expect((await ask(server, a, `/sessions/${own}`)).status).toBe(200);
  });

  test("revoking ends what runs, at once, and nobody else's", async () => {
    const [key, other] = [await createKey(server), await createKey(server)];
    await run(server, other, { session_id: "kept", code: "x = 1" });
    await run(server, key, { session_id: "running", code: "x = 1" });
    const before = performance.now();
    const running = [
      run(server, key, { session_id: "running", code: loop }),
      run(server, key, { code: loop }),
    ];
    await eventually(async () => {
      const { body } = await ask<{ state: string }>(server, key, "/sessions/running");
      return body.state === "busy" ? undefined : body.state;
    }, 10_000);
    expect((await server.request(`/api/keys/${key.id}`, { method: "DELETE" })).status).toBe(204);
    for (const response of await Promise.all(running)) {
      // Work that had not begun by then is refused instead.
      expect(["killed", undefined]).toContain(response.body.status);
      expect(response.body.status === "killed" || response.status >= 400).toBe(true);
    }
    expect(performance.now() - before).toBeLessThan(20_000);
    expect((await run(server, key, { code: "1" })).status).toBe(401);
    const still = await run(server, other, { session_id: "kept", code: "print(x)" });
    expect(still.body.stdout).toBe("1\n");
  });

  /** Sends the headers and the first byte of a body; what it resolves with sends the rest. */
  function slowly({ key }: Key, method: string, path: string, body: object) {
    const payload = JSON.stringify(body);
    const sent = request(`${server.baseUrl}${path}`, {
      ...{ method, agent: false },
      headers: {
        "x-auth-token": key,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(payload),
      },
    });
    const answer = new Promise<number>((resolve, reject) => {
      sent.on("error", reject).on("response", (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
    });
    sent.write(payload.slice(0, 1));
    return async () => {
      sent.end(payload.slice(1));
      return answer;
    };
  }

  test("a revoked admin does nothing more with requests that were under way", async () => {
    const [admin, other] = [await createKey(server, { role: "admin" }), await createKey(server)];
    await run(server, other, { session_id: "kept", code: "x = 1" });
    const name = uniqueId("successor");
    const underWay = [
      ["POST", "/api/keys", { name, role: "admin" }],
      ["POST", "/api/security/panic", { reason: "mine" }],
      ["POST", "/api/security/resume", {}],
      ["DELETE", `/api/keys/${other.id}`, {}],
      ["DELETE", "/api/security/sessions/kept", {}],
      ["POST", "/sessions", {}],
      ["POST", "/execute", { code: "1" }],
    ] as const;
    const rests = underWay.map(([method, path, body]) => slowly(admin, method, path, body));
    // Their headers have come by then.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await server.request(`/api/keys/${admin.id}`, { method: "DELETE" })).status).toBe(204);
    expect(await Promise.all(rests.map((rest) => rest()))).toEqual(underWay.map(() => 401));
    expect((await server.request("/api/keys")).text).not.toContain(name);
    expect((await server.request<{ panic: unknown }>("/status")).body.panic).toBeNull();
    expect((await run(server, other, { session_id: "kept", code: "print(x)" })).body.stdout).toBe(
      "1\n",
    );
  });

  test("an admin key revokes itself, and is told", async () => {
    const admin = await createKey(server, { role: "admin" });
    expect((await ask(server, admin, `/api/keys/${admin.id}`, { method: "DELETE" })).status).toBe(
      204,
    );
    expect((await ask(server, admin, "/status")).status).toBe(401);
  });

  test("no code runs and no session lives after the revocation, whatever was looked at", async () => {
    const key = await createKey(server);
    const sleep = (seconds: number) => ({ code: `import time; time.sleep(${seconds})` });
    const first = run(server, key, { session_id: "s", ...sleep(1) });
    const body = { session_id: "s", code: "print('ran')", validate_code: true };
    await eventually(async () => {
      const { status } = await ask(server, key, "/sessions/s");
      return status === 200 ? undefined : `the session answers ${status}`;
    }, 5000);
    const looked = ask<ExecutionResponse>(server, key, "/execute", { body });
    const blocking = run(server, key, { session_id: "s", ...sleep(20) });
    await first;
    expect((await server.request(`/api/keys/${key.id}`, { method: "DELETE" })).status).toBe(204);
    const answer = await looked;
    expect([401, 404], answer.text).toContain(answer.status);
    await blocking;
    const { text } = await server.request("/api/security/containers");
    expect(text).not.toContain(key.id);
  });

  test("streams and downloads of a revoked key end", async () => {
    const key = await createKey(server);
    const headers = { "x-auth-token": key.key };
    const made =
      "import time\nopen('large', 'wb').write(bytes(60_000_000))\nprint('begun', flush=True)";
    await run(server, key, { session_id: "s", code: made });
    const watch = await openEvents(server, "GET", "/sessions/s/watch", { headers });
    const past = await openEvents(server, "GET", "/sessions/s/executions/1/events", { headers });
    const body = { session_id: "s", code: loop, stream: true };
    const live = await openEvents(server, "POST", "/execute", { body, headers });
    const download = await openEvents(server, "GET", "/sessions/s/files/large", { headers });
    expect(await past.all()).not.toEqual([]);
    expect([watch.status, live.status, download.status]).toEqual([200, 200, 200]);
    const ends = [watch, live, download].map(
      ({ response }) => new Promise((resolve) => response.once("close", resolve)),
    );
    watch.response.resume();
    live.response.resume();
    expect((await server.request(`/api/keys/${key.id}`, { method: "DELETE" })).status).toBe(204);
    // Whoever does not read learns of it when it does.
    setTimeout(() => download.response.resume(), 3000);
    await Promise.all(ends);
    expect(download.response.complete).toBe(false);
  });

  test("stateless runs hold no more places than the quota, those that are cleared up included", async () => {
    const leased = async () =>
      (await server.request<{ pool: { leased: number } }>("/status")).body.pool.leased;
    const key = await createKey(server, { quotas: { sessions: 1 } });
    let before = await leased();
    await eventually(async () => {
      const now = await leased();
      const isStill = now === before;
      before = now;
      return isStill ? undefined : "places are still being freed";
    }, 5000);
    let most = 0;
    let isOver = false;
    const watching = (async () => {
      while (!isOver) most = Math.max(most, (await leased()) - before);
    })();
    for (let i = 0; i < 8; i++) expect((await run(server, key, { code: "1" })).status).toBe(200);
    isOver = true;
    await watching;
    expect(most).toBe(1);
  });

  test("the quota of sessions counts sessions and stateless runs", async () => {
    const key = await createKey(server, { quotas: { sessions: 1 } });
    await run(server, key, { session_id: "one", code: "1" });
    for (const refused of [
      await run(server, key, { session_id: "two", code: "1" }),
      await run(server, key, { code: "1" }),
      await ask(server, key, "/sessions", { body: {} }),
    ]) {
      expect(refused.status).toBe(429);
      expect(refused.body.error).toMatchObject({ code: "QUOTA_EXCEEDED" });
      expect(refused.body.error.hint).toContain("sessions");
    }
    expect((await run(server, key, { session_id: "one", code: "1" })).status).toBe(200);
    await ask(server, key, "/sessions/one", { method: "DELETE" });
    expect((await run(server, key, { code: "1" })).status).toBe(200);
    expect((await ask(server, key, "/sessions", { body: {} })).status).toBe(201);
  });

  test("the quota of requests says when to come back", async () => {
    const key = await createKey(server, { quotas: { requests_per_minute: 2 } });
    await run(server, key, { session_id: "one", code: "1" });
    await run(server, key, { session_id: "one", code: "1" });
    const refused = await run(server, key, { session_id: "one", code: "1" });
    expect(refused.status).toBe(429);
    expect(refused.body.error).toMatchObject({ code: "QUOTA_EXCEEDED" });
    const seconds = Number(refused.headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(30);
    // Nothing that the key may ask for is free, a page and what does not exist included.
    for (const path of ["/sessions", "/docs/static/swagger-ui.css", "/tools", "/nowhere"]) {
      expect((await ask(server, key, path)).status, path).toBe(429);
    }
  });

  test("the quota of CPU time is charged by what was used, stopped runs included", async () => {
    const key = await createKey(server, { quotas: { cpu_seconds_per_hour: 0.05 } });
    const stopped = await run(server, key, { code: loop, timeout: 2 });
    expect(stopped.body.status).toBe("timeout");
    const refused = await run(server, key, { code: "1" });
    expect(refused.status).toBe(429);
    expect(refused.body.error.hint).toContain("cpu_seconds_per_hour");
    const seconds = Number(refused.headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(59 * 60 - 10);
    expect(seconds).toBeLessThanOrEqual(3600);
  });

  test("a stream is charged like any run, and refused with an ordinary error", async () => {
    const key = await createKey(server, { quotas: { cpu_seconds_per_hour: 0.05 } });
    const headers = { "x-auth-token": key.key };
    const stream = (body: object) =>
      openEvents(server, "POST", "/execute", { body: { stream: true, ...body }, headers });
    const stopped = await (await stream({ code: loop, timeout: 2 })).all();
    expect(stopped.at(-1)?.data.status).toBe("timeout");
    const refused = await stream({ code: "1" });
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { code: "QUOTA_EXCEEDED" } });
  });

  test("a session that burns on between runs uses up the quota while it lives", async () => {
    const key = await createKey(server, { quotas: { cpu_seconds_per_hour: 0.3 } });
    const code = "import os\nif os.fork() == 0:\n  while True: pass";
    expect((await run(server, key, { session_id: "burner", code })).status).toBe(200);
    await eventually(async () => {
      const { status } = await run(server, key, { code: "1" });
      return status === 429 ? undefined : `the answer is ${status}`;
    }, 30_000);
    await ask(server, key, "/sessions/burner", { method: "DELETE" });
  });

  test("CPU time between runs is charged as well", async () => {
    const key = await createKey(server);
    const code =
      "import threading\ndef burn():\n  while True: pass\nthreading.Thread(target=burn).start()";
    const started = await run(server, key, { session_id: "burner", code });
    await eventually(async () => {
      const { body } = await server.request<{
        keys: { id: string; usage: { cpu_seconds_per_hour: number } }[];
      }>("/api/keys");
      const charged = body.keys.find(({ id }) => id === key.id)?.usage.cpu_seconds_per_hour ?? 0;
      return charged > started.body.usage.cpu_time + 0.1 ? undefined : `${charged} s are charged`;
    }, 20_000);
    await ask(server, key, "/sessions/burner", { method: "DELETE" });
  });

  test("no sandbox, log or file has a key's secret", async () => {
    const key = await createKey(server);
    const code = "import os\nprint(dict(os.environ), open('/proc/self/cmdline').read())";
    const seen = await run(server, key, { code });
    expect(seen.body.stdout).not.toContain(key.key.slice(8));
    await ask(server, { ...key, key: `${key.key}x` }, "/sessions");
    expect(server.log()).not.toContain(key.key.slice(8));
    const directory = join(server.stateDir, "gateway");
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(directory).uid).not.toBe(0);
    for (const file of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
      const path = join(directory, file);
      if (!statSync(path).isFile()) continue;
      expect(statSync(path).mode & 0o777, file).toBe(0o600);
      expect(readFileSync(path, "utf8"), file).not.toContain(key.key.slice(8));
      expect(readFileSync(path, "utf8"), file).not.toContain(server.token);
    }
  });

  test("glovebox keys creates, lists and revokes", async () => {
    const glovebox = (...args: string[]) =>
      spawnSync(process.execPath, [commandLine, "keys", ...args], {
        encoding: "utf8",
        env: {
          PATH: process.env["PATH"] ?? "",
          STATE_DIR: server.stateDir,
          PORT: new URL(server.baseUrl).port,
          AUTH_TOKEN: server.token,
        },
      });
    const created = glovebox("create", "--name", "ci", "--role", "execute", "--sessions", "2");
    expect(created.stderr).toContain("key_");
    expect(created.status).toBe(0);
    const id = /key_[0-9a-f]+/.exec(created.stderr)?.[0] ?? "";
    const key = { id, key: created.stdout.trim(), prefix: "" };
    expect((await run(server, key, { code: "1" })).status).toBe(200);
    expect(glovebox("list").stdout).toMatch(
      new RegExp(`${id} .*execute +ci +made by admin .*sessions 0/2`),
    );
    expect(glovebox("revoke", id).status).toBe(0);
    expect((await run(server, key, { code: "1" })).status).toBe(401);
    expect(glovebox("revoke", id)).toMatchObject({ status: 1 });
    expect(glovebox("revoke", id).stderr).toContain("no key of this id");
    expect(glovebox("create", "--name", "x", "--role", "king").stderr).toContain("role");
    expect(glovebox("create", "--sessions", "many")).toMatchObject({ status: 2 });
    expect(glovebox()).toMatchObject({ status: 2 });
  });
});

describe("over a restart", () => {
  const start = startServersPerTest();

  test.each(["SIGTERM", "SIGKILL"] as const)("by %s keys and revocations last", async (signal) => {
    const first = await start();
    const [kept, lost] = [await createKey(first), await createKey(first)];
    await first.request(`/api/keys/${lost.id}`, { method: "DELETE" });
    await first.end(signal);
    const second = await start({ stateDir: first.stateDir });
    expect((await run(second, kept, { code: "1" })).status).toBe(200);
    expect((await run(second, lost, { code: "1" })).status).toBe(401);
  });

  test("a damaged file of keys stops the start and says so", async () => {
    const first = await start();
    await createKey(first);
    await first.end("SIGTERM");
    const path = join(first.stateDir, "gateway/keys.json");
    const { writeFileSync } = await import("node:fs");
    writeFileSync(path, readFileSync(path, "utf8").slice(0, -10));
    await expect(startServer({ stateDir: first.stateDir })).rejects.toThrow(/file of keys/);
  });

  test("glovebox keys without a server says that none runs", async () => {
    const server = await start();
    await server.end("SIGTERM");
    const list = spawnSync(process.execPath, [commandLine, "keys", "list"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"] ?? "", STATE_DIR: server.stateDir },
    });
    expect(list.status).toBe(2);
    expect(list.stderr).toContain("no server runs");
  });
});
