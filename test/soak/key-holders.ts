/**
 * Clients with a key of the smallest quotas, who try to take from everybody what their key does not give:
 * the gateway's time, its memory, its descriptors and connections, and other keys' results.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import type { Random } from "../fuzz/random.ts";
import { type TestServer, uniqueId } from "../support/server.ts";
import { firstStatus, openSockets, type RawRequest, rawRequest } from "./raw-client.ts";

const MIB = 2 ** 20;
const ANSWER_MS_MAX = 5000;
/** 0 is a connection that was closed. A fault of the service's own, or a success that none may have, is missing. */
const REFUSALS = [0, 400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 431, 503];

export interface KeyHolder {
  readonly server: Pick<TestServer, "baseUrl">;
  readonly secret: string;
  readonly random: Random;
}

type Abuse = (holder: KeyHolder) => Promise<void>;
type Asked = Omit<RawRequest, "secret">;

export interface KeyQuotas {
  readonly sessions: number;
  readonly requests_per_minute: number;
  readonly cpu_seconds_per_hour?: number;
}

/** The least that a key can be given. */
export const SMALLEST: KeyQuotas = {
  sessions: 1,
  requests_per_minute: 1,
  cpu_seconds_per_hour: 0.001,
};
/** A key that gets through the door, and has one session behind it. */
export const ONE_SESSION: KeyQuotas = { sessions: 1, requests_per_minute: 100_000 };

/** Make a key. Its secret comes back. */
export async function makeKey(
  server: TestServer,
  name: string,
  quotas?: KeyQuotas,
): Promise<string> {
  const body = { name, role: "execute", ...(quotas ? { quotas } : {}) };
  const made = await server.request<{ key: string }>("/api/keys", { body });
  assert.equal(made.status, 201, made.text);
  return made.body.key;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Where a right request may stand among the wrong ones. */
const ANSWERS = [...REFUSALS, 200, 201, 204];

/** Send the same on several connections and look at each first answer. */
async function ask(
  { server, secret }: KeyHolder,
  asked: Asked,
  connections = 1,
  allowed: readonly number[] = REFUSALS,
): Promise<void> {
  const sockets = await openSockets(server, connections);
  const bytes = rawRequest({ secret, ...asked });
  await Promise.all(
    sockets.map(async (socket) => {
      const status = firstStatus(socket, ANSWER_MS_MAX);
      socket.write(bytes);
      const { method = "GET", path } = asked;
      const answered = await status;
      assert.ok(allowed.includes(answered), `${method} ${path.slice(0, 80)} answered ${answered}`);
      socket.destroy();
    }),
  );
}

function leave(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

const execute = (body: object): Asked => ({
  method: "POST",
  path: "/execute",
  body: JSON.stringify(body),
});

/** Text at which a pattern that tries again and again would stand still. */
const longTexts: readonly ((length: number) => Asked)[] = [
  (length) => {
    const content = `${" ".repeat(length)}!`;
    return execute({ code: "1", files: [{ path: "a", content, encoding: "base64" }] });
  },
  (length) => execute({ code: "1", files: [{ path: `${"/".repeat(length)}a`, content: "" }] }),
  (length) => execute({ code: "1", memory_limit: `${"1".repeat(length)}!` }),
  (length) => execute({ code: "1", session_id: `${"a".repeat(length)}!` }),
  (length) => ({
    method: "PATCH",
    path: "/sessions/x/files/a",
    body: JSON.stringify({ path: `${"/".repeat(length)}a` }),
  }),
  (length) => ({
    method: "POST",
    path: "/sessions/x/packages",
    body: JSON.stringify({ packages: [`${"a-".repeat(length / 2)}!`] }),
  }),
  () => ({ path: `/sessions/x/files?path=${"/".repeat(14_000)}a` }),
  () => ({ path: "/sessions/x/files/a", headers: { Range: `bytes=${"0-,".repeat(4500)}` } }),
  () => ({
    path: "/sessions/x/executions/1/events",
    headers: { "Last-Event-ID": `${" ".repeat(14_000)}!` },
  }),
  () => ({ path: "/sessions", headers: { Accept: `${" ,;".repeat(4000)}text/event-stream` } }),
  () => ({
    method: "POST",
    path: "/sessions/x/files",
    headers: { "Content-Type": `multipart/form-data; boundary=x${" ".repeat(12_000)}` },
  }),
];

const longText: Abuse = async (holder) => {
  const length = holder.random.pick([50_000, 200_000, 1_500_000, 6_000_000]);
  await ask(holder, holder.random.pick(longTexts)(length), 1, ANSWERS);
};

const ones = () => `[${"1,".repeat(3_000_000)}1]`;
const wrong: readonly (() => Asked)[] = [
  () => ({ method: "POST", path: "/sessions/x/packages", body: `{"packages":${ones()}}` }),
  () => ({ method: "POST", path: "/execute", body: `{"code":"1","files":${ones()}}` }),
  () => {
    const fields = Array.from({ length: 400_000 }, (_, at) => `"f${at}":1`).join(",");
    return { method: "POST", path: "/execute", body: `{${fields}}` };
  },
  () => ({ method: "POST", path: "/execute", body: "[".repeat(3_000_000) }),
  () => ({ method: "POST", path: "/execute", body: '{"a":'.repeat(1_000_000) }),
  () => ({ method: "POST", path: "/sessions/x/notebook", body: `{"cells":${ones()}}` }),
  () => ({ method: "POST", path: "/api/chat", body: `{"messages":${ones()}}` }),
  () => ({ method: "POST", path: "/api/keys", body: `{"name":${ones()}}` }),
];

/** Megabytes that parse well and are wrong a hundred thousand times. */
const wrongBodies: Abuse = async (holder) => {
  await ask(holder, holder.random.pick(wrong)());
};

/** Many requests in one write, and gone before any is answered. */
const pipelines: Abuse = async ({ server, secret, random }) => {
  const asked = random.pick<Asked>([
    { path: "/docs/static/swagger-ui-bundle.js" },
    { path: "/openapi.json" },
    { path: "/sessions" },
    { path: "/nowhere" },
    execute({ code: "import time\ntime.sleep(1)", timeout: 2 }),
  ]);
  const one = rawRequest({ secret, ...asked });
  const all = Buffer.concat(Array.from({ length: random.between(3, 300) }, () => one));
  const sockets = await openSockets(server, 20);
  for (const socket of sockets) socket.write(all);
  await pause(random.below(300));
  leave(sockets);
};

/** Bodies that are all but whole, on many connections. */
const halfBodies: Abuse = async ({ server, secret, random }) => {
  const path = random.pick(["/sessions/z/notebook", "/execute", "/api/chat", "/api/keys"]);
  const declaredBytes = random.pick([100_000, 4 * MIB, 15 * MIB]);
  const head = rawRequest({ method: "POST", path, secret, declaredBytes });
  const sockets = await openSockets(server, 40);
  for (const socket of sockets) socket.write(head);
  const part = Buffer.alloc(Math.min(MIB, declaredBytes - 1), 0x20);
  for (let sent = 0; sent + part.length < declaredBytes; sent += part.length) {
    for (const socket of sockets) if (socket.writable) socket.write(part);
    await pause(20);
  }
  await pause(random.below(1500));
  leave(sockets);
};

/** Bodies in chunks of one byte, for whoever may read them. */
const crumbs: Abuse = async ({ server, secret, random }) => {
  const [method, path] = random.pick([
    ["GET", "/health"],
    ["POST", "/execute"],
    ["POST", "/nowhere"],
    ["PUT", "/sessions/crumbs/files/a"],
  ] as const);
  const headers = { "Transfer-Encoding": "chunked", "Content-Type": "application/json" };
  const head = rawRequest({ method, path, secret, headers });
  const sockets = await openSockets(server, 4);
  const body = Buffer.from("1\r\na\r\n".repeat(200_000));
  for (const socket of sockets) socket.write(Buffer.concat([head, body]));
  await pause(200 + random.below(800));
  leave(sockets);
};

/** More requests than a key has, as fast as they are refused. */
const overQuota: Abuse = async ({ server, secret }) => {
  const one = rawRequest({ secret, path: "/sessions" });
  const [socket] = await openSockets(server, 1);
  for (let n = 0; n < 200 && socket?.writable; n++) {
    const status = firstStatus(socket, ANSWER_MS_MAX);
    socket.write(one);
    assert.ok([0, 200, 429].includes(await status), `GET /sessions answered ${await status}`);
  }
  socket?.destroy();
};

/** Connections that say nothing, or not enough, or nothing any more. */
const heldConnections: Abuse = async ({ server, secret, random }) => {
  const sockets = await openSockets(server, 150);
  const started = random.pick([
    "",
    "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    rawRequest({ secret, path: "/health" }),
    rawRequest({ secret, path: "/sessions" }),
  ]);
  for (const socket of sockets) if (started.length > 0) socket.write(started);
  await pause(500 + random.below(1500));
  leave(sockets);
};

const LARGE_DISPLAYS = `from IPython.display import display
import time; time.sleep(1)
for i in range(2): display({'text/plain': '\\ud800' * 700_000}, raw=True)`;

/** One large output for as many followers as a run lets. */
const followers: Abuse = async (holder) => {
  const { server, secret } = holder;
  const session_id = uniqueId("followed");
  const [runner] = await openSockets(server, 1);
  runner?.write(rawRequest({ secret, ...execute({ session_id, code: LARGE_DISPLAYS }) }));
  await pause(300);
  const following = await openSockets(server, 20);
  const path = `/sessions/${session_id}/executions/1/events`;
  for (const socket of following) socket.resume().write(rawRequest({ secret, path }));
  await (runner && firstStatus(runner, 4 * ANSWER_MS_MAX));
  leave([...following, ...(runner ? [runner] : [])]);
  await deleteSession(holder, session_id);
};

/** Results kept until they push out what others keep, in sessions that are made one after the other. */
const keptResults: Abuse = async (holder) => {
  const code = "display({'text/plain': 'x' * 1_900_000}, raw=True)";
  for (let n = 0; n < 6; n++) {
    const session_id = uniqueId("kept");
    await ask(holder, execute({ session_id, code }), 1, ANSWERS);
    if (holder.random.chance(0.5)) await deleteSession(holder, session_id);
  }
};

/** Started, deleted and started again before the last one is gone. */
const quickSessions: Abuse = async (holder) => {
  for (let n = 0; n < 5; n++) {
    const session_id = uniqueId("quick");
    await Promise.all([
      ask(holder, execute({ session_id, code: "1" }), 4, ANSWERS),
      deleteSession(holder, session_id),
    ]);
  }
};

async function deleteSession(holder: KeyHolder, id: string): Promise<void> {
  await ask(holder, { method: "DELETE", path: `/sessions/${id}` }, 1, ANSWERS);
}

/** Each needs no more than any key has, and what it costs others is the question. */
export const abuses: Readonly<Record<string, Abuse>> = {
  ...{ longText, wrongBodies, pipelines, halfBodies, crumbs, overQuota, heldConnections },
  ...{ followers, keptResults, quickSessions },
};

/** One of them, chosen by chance, or by name. */
export async function abuseOnce(holder: KeyHolder, name?: string): Promise<void> {
  const chosen = name ?? holder.random.pick(Object.keys(abuses));
  try {
    await abuses[chosen]?.(holder);
  } catch (error) {
    throw new Error(`${chosen}: ${(error as Error).message}`, { cause: error });
  }
}
