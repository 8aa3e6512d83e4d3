/**
 * Every command in a folder of somebody else, whose `.env` says where to go, what to send and what is
 * believed: nothing of it counts, nothing is sent there, and only `serve` and `config` look at it.
 */
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ownProcess } from "../packages/server/src/cli/instance-lock.ts";
import { COMMANDS, main } from "../packages/server/src/cli/main.ts";
import { type StubServer, startStub } from "./support/stub-server.ts";

const TOKEN = "the-admin-token-of-this-machine";
const base = mkdtempSync(join(tmpdir(), "glovebox-folder-"));
const stateDir = join(base, "state");
const plain = join(base, "plain");
const hostile = join(base, "hostile");
const program = join(base, "program.py");
const tasks = join(base, "tasks.jsonl");
const before = process.cwd();

let stub: StubServer;
let printed: string;
let stolen: string[];
const thief = createServer((request, response) => {
  stolen.push(JSON.stringify(request.headers));
  response.writeHead(500).end("{}");
});

/** Commands by name, with what they are asked; those that ask a server must all be here. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  ask: ["Hello?", "--json"],
  run: [program, "--json"],
  batch: [tasks],
  repl: ["--help"],
  ps: ["--json"],
  logs: ["s1", "--json"],
  files: ["ls", "s1", "--json"],
  kill: ["s1"],
  status: ["--json"],
  keys: ["list", "--json"],
  panic: ["--json"],
  resume: ["--json"],
  audit: ["verify", "--json"],
  data: ["list", "--json"],
  doctor: ["--json"],
  version: [],
  help: [],
};

beforeAll(async () => {
  stub = await startStub();
  await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve));
  for (const folder of [stateDir, plain, hostile, join(base, "theirs")]) mkdirSync(folder);
  writeFileSync(program, "print('out')");
  writeFileSync(tasks, '{"code": "1"}\n{"code": "2"}\n');
  recordServer(stub.url);
  const { port } = thief.address() as AddressInfo;
  writeFileSync(join(base, "theirs/server.pid"), pidLine());
  const lines = {
    ...{ HOST: "127.0.0.1", PORT: port, STATE_DIR: join(base, "theirs"), AUTH: "none" },
    ...{ AUTH_TOKEN: "a-token-of-the-thief", AUTH_TOKEN_FILE: "/etc/hostname" },
    ...{ ROOTFS_DIR: hostile, DATA_MOUNTS: `x=${hostile}`, MAX_SESSIONS: "nonsense" },
    ...{ HF_ENDPOINT: `http://127.0.0.1:${port}`, GLOVEBOX_URL: `http://127.0.0.1:${port}` },
    ...{ GLOVEBOX_TOKEN: "thief", LLM_BASE_URL: `http://127.0.0.1:${port}`, LLM_MODEL: "m" },
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(hostile, ".env"), text.join(""));
});
afterAll(async () => {
  process.chdir(before);
  thief.closeAllConnections();
  thief.close();
  await stub.close();
  rmSync(base, { recursive: true });
});
beforeEach(() => {
  stolen = [];
  // Each call listens to the end of its reader.
  process.stdout.setMaxListeners(100);
  vi.stubEnv("STATE_DIR", stateDir);
  vi.stubEnv("ROOTFS_DIR", join(base, "nowhere"));
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.chdir(before);
  process.exitCode = undefined;
});

function pidLine(): string {
  const { pid, started } = ownProcess();
  return `${pid} ${started}\n`;
}

/** As the supervisor does, which here is this process. */
function recordServer(url: string): void {
  const record = { ...ownProcess(), url, auth: "token", token_file: join(stateDir, "admin-token") };
  writeFileSync(join(stateDir, "server.pid"), pidLine());
  writeFileSync(join(stateDir, "server.json"), JSON.stringify(record));
  writeFileSync(join(stateDir, "admin-token"), `${TOKEN}\n`, { mode: 0o600 });
}

interface Outcome {
  readonly code: number | string | null | undefined;
  readonly printed: string;
  readonly asked: readonly string[];
}

async function run(folder: string, ...args: readonly string[]): Promise<Outcome> {
  process.chdir(folder);
  printed = "";
  stub.seen.length = 0;
  process.exitCode = undefined;
  await main(args);
  const asked = stub.seen.map(({ what, headers }) => `${what} ${headers.authorization}`);
  return { code: process.exitCode, printed, asked };
}

test("every command that asks a server is tried here", () => {
  for (const name of Object.keys(COMMANDS)) expect(LINES).toHaveProperty(name);
});

describe.each(Object.entries(LINES))("glovebox %s", (name, words) => {
  test("is not changed by a .env file", async () => {
    const expected = await run(plain, name, ...words);
    const found = await run(hostile, name, ...words);
    // How much is free on a machine changes by itself.
    const steady = ({ printed, ...rest }: Outcome) => ({
      ...rest,
      printed: printed.replaceAll(/\d+(\.\d+)?/g, "N"),
    });
    expect(steady(found)).toEqual(steady(expected));
    expect(stolen).toEqual([]);
    if (name in COMMANDS && name !== "repl") {
      expect(found.code, found.printed).toBe(0);
      expect(found.asked.length).toBeGreaterThan(0);
      for (const request of found.asked) expect(request).toContain(`Bearer ${TOKEN}`);
    }
  }, 30_000);
});

test("glovebox data download asks where the environment says", async () => {
  vi.stubEnv("HF_ENDPOINT", stub.url);
  const { printed } = await run(hostile, "data", "download", "hf:a/b", "--to", join(base, "to"));
  expect(printed).toContain(stub.url);
  expect(stolen).toEqual([]);
});

test.each(["config", "serve"])(
  "glovebox %s believes no .env that others could write",
  async (name) => {
    chownSync(hostile, 12345, 12345);
    const { code, printed } = await run(hostile, name);
    chownSync(hostile, 0, 0);
    expect(code).toBe(2);
    expect(printed).toMatch(/^glovebox: .*\.env is not trusted: .*another user.*\n$/);
    const own = await run(hostile, "config");
    expect(own.printed).toMatch(/^glovebox: MAX_SESSIONS/);
  },
);

describe("the server of this machine", () => {
  const file = (name: string) => join(stateDir, name);
  afterEach(() => {
    for (const name of ["server.pid", "server.json", "admin-token"]) rmSync(file(name));
    chownSync(stateDir, 0, 0);
    recordServer(stub.url);
  });

  test.each<[string, RegExp, () => void]>([
    ["whose folder is somebody else's", /another user/, () => chownSync(stateDir, 12345, 12345)],
    ["whose pid somebody else has written", /another user/, () => chown("server.pid")],
    ["whose address somebody else has written", /another user/, () => chown("server.json")],
    ["whose token others can read", /others can read/, () => open("admin-token")],
    ["whose token is somebody else's file", /another user/, () => chown("admin-token")],
    [
      "whose token file holds something else",
      /must hold a token/,
      () => writeFileSync(file("admin-token"), "root:x:0:0\nbin:x:1:1\n"),
    ],
    [
      "whose pid has been used again",
      /no server runs/,
      () => writeFileSync(file("server.pid"), `${process.pid} 1\n`),
    ],
    ["whose address is an earlier one's", /does not serve/, () => rewrite({ started: "1" })],
    ["whose address is nonsense", /does not serve/, () => rewrite({ url: 7 })],
  ])("%s is sent nothing", async (_, reason, change) => {
    change();
    const { code, printed, asked } = await run(plain, "ps");
    expect(code).toBe(2);
    expect(printed).toMatch(reason);
    expect(asked).toEqual([]);
  });

  test("is asked where it serves, whatever HOST and PORT of the caller say", async () => {
    const { port } = thief.address() as AddressInfo;
    vi.stubEnv("HOST", "localhost");
    vi.stubEnv("PORT", String(port));
    vi.stubEnv("AUTH_TOKEN_FILE", "/etc/hostname");
    expect((await run(plain, "ps")).code).toBe(0);
    expect(stolen).toEqual([]);
  });

  test("leads with a redirect nowhere", async () => {
    const { port } = thief.address() as AddressInfo;
    vi.spyOn(stub, "change").mockImplementation(() => ({
      ...{ status: 307, body: "" },
      headers: { location: `http://127.0.0.1:${port}/` },
    }));
    const create = ["keys", "create", "--name", "ci", "--role", "execute"];
    for (const words of [["ps"], create, ["panic"]]) {
      expect((await run(plain, ...words)).code, words.join(" ")).toBe(1);
    }
    expect(stolen).toEqual([]);
  });

  function chown(name: string): void {
    chownSync(file(name), 12345, 12345);
  }
  function open(name: string): void {
    writeFileSync(file(name), `${TOKEN}\n`);
    rmSync(file(name));
    writeFileSync(file(name), `${TOKEN}\n`, { mode: 0o644 });
  }
  function rewrite(change: object): void {
    const record = { ...ownProcess(), url: stub.url, auth: "token", token_file: null, ...change };
    writeFileSync(file("server.json"), JSON.stringify(record));
  }
});
