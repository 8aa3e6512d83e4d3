/** The audit log of a real server: what is in it, what never is, and that changes to it show. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { readDescription } from "../fuzz/openapi.ts";
import { auditedRoutes } from "../support/audited-routes.ts";
import { streamExecute } from "../support/events.ts";
import { eventually } from "../support/host.ts";
import { startModelServer } from "../support/model-server.ts";
import type { ErrorBody, TestServer } from "../support/server.ts";
import { startServersPerTest } from "../support/servers.ts";
import { writeWheel } from "../support/wheels.ts";

const commandLine = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../packages/server/bin/glovebox.mjs",
);

const start = startServersPerTest();

function auditDirectory(server: TestServer): string {
  return join(server.stateDir, "gateway/audit");
}

function auditText(server: TestServer): string {
  const directory = auditDirectory(server);
  const names = readdirSync(directory).sort();
  return names.map((name) => readFileSync(join(directory, name), "utf8")).join("");
}

function auditRecords(server: TestServer): Record<string, unknown>[] {
  const lines = auditText(server).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function verify(server: TestServer, ...args: string[]): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, [commandLine, "audit", "verify", ...args], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", STATE_DIR: server.stateDir },
  });
}

test("who ran what, when and how it ended is recorded, and no code, output or secret", async () => {
  const server = await start();
  const key = await server.request<{ id: string; key: string }>("/api/keys", {
    body: { name: "ci", role: "execute", quotas: { sessions: 5 } },
  });
  const headers = { "x-auth-token": key.body.key };
  const code = "print('canary-' + str(6 * 7))";
  await server.request("/execute", {
    body: { session_id: "s1", code },
    authenticated: false,
    headers,
  });
  await server.execute({ code: "raise ValueError('canary-error')" });
  await server.execute({ code: "while True: pass", timeout: 0.3 });
  await server.request("/sessions", {
    authenticated: false,
    headers: { "x-auth-token": "canary" },
  });
  await server.request(`/api/keys/${key.body.id}`, { method: "DELETE" });
  expect(await server.end("SIGTERM")).toBe(0);

  const who = { principal: key.body.id, name: "ci" };
  const records = auditRecords(server);
  expect(records.map(({ event }) => event)).toEqual([
    "server_started",
    "key_created",
    "session_created",
    "execution",
    "execution",
    "execution",
    "auth_failed",
    "session_ended",
    "key_revoked",
    "server_stopped",
  ]);
  expect(records[1]).toMatchObject({ principal: "admin", key: key.body.id, role: "execute" });
  expect(records[2]).toMatchObject({ ...who, session: "s1" });
  expect(records[3]).toMatchObject({
    ...who,
    session: "s1",
    client: "127.0.0.1",
    request_id: expect.stringMatching(/^req-/),
    code_sha256: createHash("sha256").update(code).digest("hex"),
    code_bytes: code.length,
    status: "ok",
    exit_code: 0,
    cpu_time: expect.any(Number),
    memory_peak_bytes: expect.any(Number),
    wall_time: expect.any(Number),
  });
  expect(records[4]).toMatchObject({ principal: "admin", session: null, status: "error" });
  expect(records[5]).toMatchObject({ status: "timeout", exit_code: 124 });
  expect(records[6]).toMatchObject({ count: 1, clients: [{ client: "127.0.0.1", count: 1 }] });
  expect(records[7]).toMatchObject({ ...who, session: "s1", reason: "its key was revoked" });
  expect(records[8]).toMatchObject({ principal: "admin", key: key.body.id, key_name: "ci" });
  const text = auditText(server);
  for (const secret of ["canary", "print", "while", server.token, key.body.key.slice(8)]) {
    expect(text).not.toContain(secret);
  }
});

test("streams, runs that were left and runs that were cancelled are recorded as well", async () => {
  const server = await start();
  await (await streamExecute(server, { session_id: "s", code: "print(1)" })).all();
  const sleep = "import time\nprint('begun')\ntime.sleep(25)";
  const left = await streamExecute(server, { session_id: "s", code: sleep });
  await left.until(({ data }) => data.text === "begun\n");
  const waiting = server.tryExecute({ session_id: "s", code: "2" });
  const queued = async () =>
    (await server.request(`/sessions/s/executions/3`)).text.includes('"queued"');
  await expect.poll(queued).toBe(true);
  await server.request("/sessions/s/executions/3", { method: "DELETE" });
  expect((await waiting).status).toBe(409);
  left.leave();
  const executions = () => auditRecords(server).filter(({ event }) => event === "execution");
  await expect.poll(() => executions().length, { timeout: 20_000 }).toBe(3);
  expect(executions()).toMatchObject([
    { session: "s", status: "ok", exit_code: 0 },
    { session: "s", status: "not_run", error: "EXECUTION_CANCELLED" },
    { session: "s", status: "interrupted", exit_code: 130 },
  ]);
});

test("what admins do in an emergency is recorded", async () => {
  const server = await start();
  await server.execute({ session_id: "s", code: "1" });
  const { body } = await server.request<{ containers: { id: string; session_id: string }[] }>(
    "/api/security/containers",
  );
  const container = body.containers.find(({ session_id }) => session_id === "s")?.id ?? "";
  await server.request(`/api/security/containers/${container}`, { method: "DELETE" });
  await server.execute({ session_id: "t", code: "1" });
  await server.request("/api/security/sessions/t", { method: "DELETE" });
  await server.request("/api/security/panic", { body: { reason: "a test" } });
  await server.request("/api/security/resume", { method: "POST" });
  await server.end("SIGTERM");
  const records = auditRecords(server).slice(3);
  expect(records).toMatchObject([
    { event: "container_killed", principal: "admin", container, session: "s" },
    { event: "session_created", session: "t" },
    { event: "execution", session: "t" },
    { event: "session_ended", session: "t", reason: "an admin ended it" },
    { event: "session_killed", principal: "admin", session: "t", owners: ["admin"] },
    { event: "session_ended", session: "s", reason: "a panic: a test" },
    { event: "panic", principal: "admin", reason: "a test", sessions: 1, verified: true },
    { event: "resume", principal: "admin", client: "127.0.0.1" },
    { event: "server_stopped" },
  ]);
});

test("each route leaves the records that it must, and there is no route that this does not try", {
  timeout: 120_000,
}, async () => {
  const model = await startModelServer();
  const base = mkdtempSync(join(tmpdir(), "glovebox-wheels-"));
  // Sandboxes read it, so it is not as private as the one around it.
  const wheels = join(base, "wheels");
  mkdirSync(wheels);
  onTestFinished(async () => {
    rmSync(base, { recursive: true });
    await model.stop();
  });
  writeWheel(wheels, { name: "gbxaudited", version: "1.0", source: "" });
  const server = await start({
    env: {
      ...{ LLM_BASE_URL: model.baseUrl, LLM_MODEL: "scripted", WHEEL_DIR: wheels },
      ...{ VALIDATION_POLICY: "network=deny", MAX_CPUS: "1" },
    },
  });
  const { operations } = await readDescription(server);
  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(new Set(auditedRoutes.map(({ route }) => route))).toEqual(new Set(described));

  const hashOf = (source: string) => createHash("sha256").update(source).digest("hex");
  for (const [place, one] of auditedRoutes.entries()) {
    await one.ask(server, model);
    // What it leaves stands before the record of this, unless nothing runs just now.
    await server.tryExecute({ code: `# row ${place}` });
  }
  await server.end("SIGTERM");

  const left: string[][] = [[]];
  const told = auditRecords(server).slice(1, -1);
  for (const { event, code_sha256, status } of told) {
    if (code_sha256 === hashOf(`# row ${left.length - 1}`)) left.push([]);
    else left.at(-1)?.push(String(event === "execution" ? status : event));
  }
  for (const [place, { route, leaves }] of auditedRoutes.entries()) {
    expect(left[place]?.sort(), `${place}: ${route}`).toEqual([...leaves].sort());
  }
  const planted = told.filter(({ path }) => path === "planted.csv");
  expect(planted).toMatchObject([
    { event: "files_changed", session: null, change: "created", bytes: 4, client: "127.0.0.1" },
    { event: "files_changed", session: "s", change: "created", request_id: expect.any(String) },
    { event: "files_changed", session: null, change: "created" },
  ]);
  const fields = readFileSync(join(dirname(commandLine), "../../../docs/access.md"), "utf8");
  for (const record of told) {
    for (const field of Object.keys(record)) {
      expect(fields, `${record["event"]} has ${field}`).toContain(`\`${field}\``);
    }
  }
});

test("verify finds the chain intact after a run, and broken after one byte is changed", async () => {
  const server = await start();
  for (let i = 0; i < 20; i++) await server.execute({ session_id: "s", code: `${i}` });
  await server.end("SIGTERM");
  const intact = verify(server);
  expect(intact.stdout).toContain("the chain is intact");
  expect(intact.status).toBe(0);
  const head = /^head +([0-9a-f]{64})$/m.exec(intact.stdout)?.[1] ?? "";
  expect(verify(server, "--contains", head).status).toBe(0);
  expect(verify(server, "--contains", "0".repeat(63)).status).toBe(1);

  const path = join(auditDirectory(server), "audit-000000000001.jsonl");
  expect(verify(server, path).status).toBe(0);
  const good = readFileSync(path, "utf8");
  writeFileSync(path, good.replace('"exit_code":0', '"exit_code":1'));
  const broken = verify(server);
  expect(broken.stdout).toMatch(/BROKEN: audit-000000000001\.jsonl line 3: modified/);
  expect(broken.status).toBe(1);
});

test("after kill -9 the chain goes on, a torn last line included", async () => {
  const first = await start();
  for (let i = 0; i < 20; i++) await first.execute({ code: `${i}` });
  await eventually(
    () => (auditText(first).split("execution").length > 20 ? undefined : "not written yet"),
    10_000,
  );
  for (const member of first.processes()) {
    if (member.commandLine.includes("node")) process.kill(member.pid, "SIGKILL");
  }
  await first.end("SIGKILL");
  expect(verify(first).status).toBe(0);
  const path = join(auditDirectory(first), "audit-000000000001.jsonl");
  writeFileSync(path, readFileSync(path).subarray(0, -50));
  expect(verify(first).stdout).toContain("torn");

  const second = await start({ stateDir: first.stateDir });
  await second.execute({ code: "1" });
  await second.end("SIGTERM");
  const verdict = verify(second);
  expect(verdict.stdout).toMatch(/recovered +1 times/);
  expect(verdict.status).toBe(0);
});

test("a log that cannot be written stops no work, or all of it if it is required", async () => {
  const first = await start({ env: { AUDIT: "off" } });
  await first.execute({ code: "1" });
  await first.end("SIGTERM");
  const directory = auditDirectory(first);
  expect(readdirSync(dirname(directory))).toEqual([]);
  const { uid, gid } = statSync(dirname(directory));
  mkdirSync(directory);
  chownSync(directory, uid, gid);
  chmodSync(directory, 0o500);

  const serving = await start({ stateDir: first.stateDir });
  await eventually(
    () => (serving.log().includes("the audit log cannot be written") ? undefined : "not said"),
    10_000,
  );
  await serving.execute({ code: "1" });
  await serving.end("SIGTERM");
  expect(serving.log()).toContain("records of the audit log were lost");

  const strict = await start({ stateDir: first.stateDir, env: { AUDIT_REQUIRED: "true" } });
  const refused = async () => {
    const { status, body } = await strict.tryExecute({ code: "1" });
    return status === 503 && body.error.code === "AUDIT_UNAVAILABLE";
  };
  await eventually(async () => ((await refused()) ? undefined : "it runs code"), 10_000);
  for (const [path, body] of [
    ["/sessions", {}],
    ["/api/keys", { name: "a", role: "execute" }],
  ] as const) {
    const response = await strict.request<ErrorBody>(path, { body });
    expect(response.status, path).toBe(503);
  }
  chmodSync(directory, 0o700);
  await eventually(async () => ((await refused()) ? "it is refused" : undefined), 10_000);
  expect(await strict.end("SIGTERM")).toBe(0);
  expect(verify(strict).status).toBe(0);
});
