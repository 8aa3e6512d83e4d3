/** Clients that mean harm by the way they ask: they read nothing, send half, or have left things in the session. */
import assert from "node:assert/strict";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Random } from "../fuzz/random.ts";
import { openEvents, streamExecute } from "../support/events.ts";
import { type TestServer, uniqueId } from "../support/server.ts";

const MIB = 2 ** 20;
const TIMEOUT_S = 2;
/** Refusals that errors.md has; others are the service's own fault. */
const STATUSES = [200, 201, 204, 206, 400, 403, 404, 409, 413, 429, 503];

type Nuisance = (server: TestServer, session_id: string, random: Random) => Promise<void>;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function assertStatus(status: number, what: string): void {
  assert.ok(STATUSES.includes(status), `${what} answered ${status}`);
}

/** A connection that a nuisance holds in its own way. */
function open(server: TestServer, method: string, path: string, headers = {}): ClientRequest {
  const sent = request(`${server.baseUrl}/sessions/${path}`, {
    ...{ method, agent: false },
    headers: { "x-auth-token": server.token, ...headers },
  });
  return sent.on("error", () => undefined);
}

async function ask(server: TestServer, path: string, method = "GET", body?: object): Promise<void> {
  const answer = await server.request(`/sessions/${path}`, { method, ...(body ? { body } : {}) });
  assertStatus(answer.status, path);
}

function unlessBrokenOff(error: unknown): void {
  if ((error as Error).message !== "terminated") throw error;
}

/** Output by the megabyte for a client that reads none of it. */
const floodNobody: Nuisance = async (server, session_id, random) => {
  const code = random.pick([
    "while True: print('x' * 10_000)",
    "while True: display({'text/plain': 'x' * 100_000}, raw=True)",
    "import os\nwhile True: os.write(1, b'\\n' * 65536)",
  ]);
  const stream = await streamExecute(server, { session_id, code, timeout: TIMEOUT_S });
  stream.response.pause();
  await pause(random.below(4000));
  stream.leave();
};

/** A flood that goes on without its client, and is looked for when it is over. */
const floodHistory: Nuisance = async (server, session_id) => {
  const code = "while True: print('x' * 10_000)";
  const request = { session_id, code, timeout: TIMEOUT_S, on_disconnect: "continue" as const };
  (await streamExecute(server, request)).leave();
  await pause(500);
  const late = await openEvents(server, "GET", `/sessions/${session_id}/executions/1/events`);
  assertStatus(late.status, "the events of a flood");
  await late.all();
};

const halfUpload: Nuisance = async (server, session_id, random) => {
  const path = `${session_id}/files/half.bin`;
  const sent = open(server, "PUT", path, { "content-length": String(8 * MIB) });
  sent.write(Buffer.alloc(random.below(4 * MIB)));
  await pause(random.below(2000));
  sent.destroy();
  await pause(200);
  const { status } = await server.request(`/sessions/${path}`);
  assert.equal(status, 404, "half an upload has made a file");
};

const slowReader: Nuisance = async (server, session_id, random) => {
  const code = "open('large', 'wb').truncate(50_000_000)";
  await server.tryExecute({ session_id, code });
  const sent = open(server, "GET", `${session_id}/files${random.pick(["/large", "?archive=zip"])}`);
  const answered = new Promise<IncomingMessage | undefined>((resolve) => {
    sent.once("response", resolve).once("close", () => resolve(undefined));
  });
  sent.end();
  const response = await answered;
  response?.on("error", () => undefined).once("data", () => response.pause());
  await pause(random.below(2500));
  sent.destroy();
};

const HOSTILE_FILES = `
import os, threading, time
def swap(end=time.monotonic() + 1.5):
    while time.monotonic() < end:
        for name in ('a', 'b'):
            open(name, 'w').write('x' * 1000); os.truncate(name, 10)
            try: os.rename(name, 'c'); os.remove('c')
            except OSError: pass
os.mkfifo('pipe'); os.symlink('/', 'root'); os.symlink('loop', 'loop'); os.mkdir('closed', 0)
open('line\\nend', 'w').close(); open(b'\\xff\\xfe', 'w').close(); open('holes', 'w').truncate(900 << 20)
for n in range(2000): os.symlink('x' * 100, f'link{n}')
deep = os.open('.', os.O_RDONLY)
for n in range(300):
    os.mkdir('d', dir_fd=deep); deep, old = os.open('d', os.O_RDONLY, dir_fd=deep), deep; os.close(old)
swap()
`;

/** Lists, archives and watches of what code is just changing. */
const hostileFiles: Nuisance = async (server, session_id) => {
  const run = server.tryExecute({ session_id, code: HOSTILE_FILES, timeout: TIMEOUT_S + 2 });
  await pause(300);
  const watch = await openEvents(server, "GET", `/sessions/${session_id}/watch`);
  const paths = ["", "?recursive=true", "?path=closed", "?archive=tar", "/a", "/pipe", "/loop"];
  await Promise.all([
    // Reading what changes may break off, once an answer has begun.
    ...paths.map((path) => ask(server, `${session_id}/files${path}`).catch(unlessBrokenOff)),
    ask(server, `${session_id}/files/d?recursive=true`, "DELETE"),
    ask(server, `${session_id}/files/b`, "PATCH", { path: "e", overwrite: true }),
  ]);
  watch.leave();
  await run;
};

/** Questions by the thousand, each taken back at once. */
const inputFlood: Nuisance = async (server, session_id) => {
  const code = [
    "import signal",
    "def stop(*_): raise ValueError",
    "signal.signal(signal.SIGALRM, stop)",
    "while True:",
    "    try:",
    "        signal.setitimer(signal.ITIMER_REAL, 0.0005)",
    "        input('q' * 4000)",
    "    except ValueError: pass",
  ].join("\n");
  const stream = await streamExecute(server, { session_id, code, timeout: TIMEOUT_S });
  await stream.all();
};

const endlessDir: Nuisance = async (server, session_id) => {
  const code = "class A:\n    def __dir__(self):\n        while True: pass\na = A()";
  await server.tryExecute({ session_id, code });
  await Promise.all([
    ask(server, `${session_id}/complete`, "POST", { code: "a." }),
    ask(server, `${session_id}/variables`),
  ]);
};

const nuisances: Readonly<Record<string, Nuisance>> = {
  ...{ floodNobody, floodHistory, halfUpload, slowReader, hostileFiles, inputFlood, endlessDir },
};

/** One of them, in a session of its own that is deleted or left to expire. */
export async function annoyOnce(server: TestServer, random: Random): Promise<void> {
  const name = random.pick(Object.keys(nuisances));
  const session_id = uniqueId("nuisance");
  try {
    await nuisances[name]?.(server, session_id, random);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
  if (random.chance(0.7)) await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}
