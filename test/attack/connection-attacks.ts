/**
 * Attacks on what a client leaves behind: requests sent ahead and never waited for, bodies that are never
 * whole. Each throws when something of it outlives its client, or when it costs the others something.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { expect } from "vitest";
import { eventually } from "../support/host.ts";
import { type TestServer, uniqueId } from "../support/server.ts";
import type { HttpAttack } from "./http-attacks.ts";
import { expectHealthy, open, pause } from "./raw-connections.ts";

function request(server: TestServer, line: string, body?: string): string {
  const headers = `Host: x\r\nX-Auth-Token: ${server.token}\r\n`;
  if (body === undefined) return `${line} HTTP/1.1\r\n${headers}\r\n`;
  const type = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  return `${line} HTTP/1.1\r\n${headers}${type}\r\n${body}`;
}

/** Sends to so many connections, and resolves when that has had its effect. */
async function sendOn(
  server: TestServer,
  count: number,
  data: string | Buffer,
): Promise<(Socket & { got: string })[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(server)));
  const clients = sockets.map((socket) => Object.assign(socket, { got: "" }));
  for (const client of clients) {
    client.on("error", () => undefined);
    client.on("data", (chunk) => (client.got += chunk.toString("latin1")));
    client.write(data);
  }
  await pause(500);
  return clients;
}

function destroyAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

const gatewayOf = (server: TestServer): number => server.findProcess(/glovebox\.mjs gateway/).pid;
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

function residentKilobytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}

async function pipelinedFiles(server: TestServer): Promise<void> {
  const gateway = gatewayOf(server);
  const before = descriptors(gateway);
  const one = request(server, "GET /docs/static/swagger-ui-bundle.js");
  for (const ahead of [50, 400]) destroyAll(await sendOn(server, 10, one.repeat(ahead)));
  await eventually(() => {
    const now = descriptors(gateway);
    return now > before + 10 ? `${now} descriptors, and before ${before}` : undefined;
  }, 5_000);
  await expectHealthy(server);
}

async function pipelinedRuns(server: TestServer): Promise<void> {
  const session_id = uniqueId("pipelined");
  await server.execute({ session_id, code: "ran = 0" });
  const code = "import time\nran += 1\nfor _ in range(200): time.sleep(0.05)";
  const one = request(server, "POST /execute", JSON.stringify({ session_id, code }));
  destroyAll(await sendOn(server, 1, one.repeat(3)));
  const { stdout } = await server.execute({ session_id, code: "print(ran)" });
  expect(stdout).toBe("1\n");
  const { body } = await server.request<{ executions: { status: string }[] }>(
    `/sessions/${session_id}/executions`,
  );
  const statuses = body.executions.map(({ status }) => status);
  expect(statuses.toSorted()).toEqual(["interrupted", "ok", "ok"]);
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}

async function pipelinedDownloads(server: TestServer): Promise<void> {
  const session_id = uniqueId("downloads");
  await server.execute({ session_id, code: "open('big', 'wb').write(bytes(5_000_000))" });
  await server.request(`/sessions/${session_id}/keep-alive`, { body: { ttl: 1 } });
  const one = request(server, `GET /sessions/${session_id}/files/big`);
  const [client] = await sendOn(server, 1, one.repeat(3));
  client?.destroy();
  await eventually(async () => {
    const { status } = await server.request(`/sessions/${session_id}`);
    return status === 404 ? undefined : "the session is held by answers that nobody waits for";
  }, 5_000);
}

async function pipelinedDescriptions(server: TestServer): Promise<void> {
  const one = request(server, "GET /openapi.json");
  const some = await sendOn(server, 1, one.repeat(50));
  const many = await sendOn(server, 5, one.repeat(600));
  await expectHealthy(server);
  await eventually(() => {
    const answers = some[0]?.got.match(/HTTP\/1\.1 200/g)?.length;
    return answers === 50 ? undefined : `${answers} of 50 answers`;
  }, 5_000);
  destroyAll([...some, ...many]);
}

async function abandonedFollowers(server: TestServer): Promise<void> {
  const session_id = uniqueId("followed");
  await server.execute({ session_id, code: "import time" });
  const long = server.tryExecute({ session_id, code: "for _ in range(400): time.sleep(0.05)" });
  await pause(300);
  const waiting = server.tryExecute({ session_id, code: "print('its turn')" });
  await pause(100);
  const follow = request(server, `GET /sessions/${session_id}/executions/3/events?after=9`);
  // Of what it has not told yet there is nothing; sixteen may follow it.
  destroyAll(await sendOn(server, 16, follow));
  const [last] = await sendOn(server, 1, follow);
  expect(last?.got).toBe("");
  await server.request(`/sessions/${session_id}/interrupt`, { method: "POST" });
  await eventually(
    () => (last?.got.includes("its turn") ? undefined : `told: ${last?.got}`),
    5_000,
  );
  last?.destroy();
  await Promise.all([long, waiting]);
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}

async function unfinishedBodies(server: TestServer): Promise<void> {
  const gateway = gatewayOf(server);
  const before = residentKilobytes(gateway);
  const head =
    `POST /sessions/none/notebook HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${server.token}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${16 * 2 ** 20}\r\n\r\n`;
  const most = Buffer.concat([Buffer.from(head), Buffer.alloc(15 * 2 ** 20, " ")]);
  const clients = await sendOn(server, 20, most);
  await expectHealthy(server);
  await eventually(() => {
    const refused = clients.filter(({ got }) => got.includes("TOO_MANY_BODIES")).length;
    return refused >= 18 ? undefined : `${refused} of 20 were refused`;
  }, 5_000);
  expect(residentKilobytes(gateway) - before).toBeLessThan(150_000);
  destroyAll(clients);
  // The room is there again at once.
  await eventually(async () => {
    const { status } = await server.request("/sessions/none/notebook", {
      rawBody: " ".repeat(16 * 2 ** 20),
    });
    return status === 400 ? undefined : `${status} for a body of the largest size`;
  }, 5_000);
}

/** Each piece costs what a whole one does, whoever reads it: routes, refusals, and nobody at all. */
async function bodiesInCrumbs(server: TestServer): Promise<void> {
  const gateway = gatewayOf(server);
  const before = residentKilobytes(gateway);
  const session_id = uniqueId("crumbs");
  const token = `X-Auth-Token: ${server.token}\r\n`;
  const json = `${token}Content-Type: application/json\r\n`;
  const form = `${token}Content-Type: multipart/form-data; boundary=x\r\n`;
  for (const [line, headers] of [
    ["GET /health", ""],
    ["GET /sessions", token],
    ["POST /execute", ""],
    ["POST /execute", json],
    ["POST /nowhere", token],
    [`PUT /sessions/${session_id}/files/a`, token],
    [`PUT /sessions/${session_id}/files/b?type=directory`, token],
    [`POST /sessions/${session_id}/files`, form],
  ]) {
    const head = `${line} HTTP/1.1\r\nHost: x\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`;
    const clients = await sendOn(server, 4, head + "1\r\na\r\n".repeat(500_000));
    await expectHealthy(server);
    destroyAll(clients);
  }
  expect(residentKilobytes(gateway) - before).toBeLessThan(300_000);
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}

async function wrongBodies(server: TestServer): Promise<void> {
  const message = { role: "user", parts: Array(2000).fill({ type: "text" }) };
  for (const [path, rawBody, expected] of [
    ["/sessions/x/packages", JSON.stringify({ packages: Array(3_000_000).fill(1) }), 413],
    ["/execute", JSON.stringify({ code: "1", files: Array(3_000_000).fill(1) }), 400],
    ["/execute", "[".repeat(3_000_000), 400],
    ["/api/chat", JSON.stringify({ messages: Array(150).fill(message) }), 400],
    ["/api/chat", JSON.stringify({ messages: Array(5).fill(message), wrong: 1 }), 400],
  ] as const) {
    const asked = server.request(path, { rawBody });
    await expectHealthy(server);
    expect((await asked).status, path).toBe(expected);
  }
}

export const connectionAttacks: Readonly<Record<string, HttpAttack>> = {
  pipelinedFiles,
  pipelinedRuns,
  pipelinedDownloads,
  pipelinedDescriptions,
  abandonedFollowers,
  unfinishedBodies,
  bodiesInCrumbs,
  wrongBodies,
};
