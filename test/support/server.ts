/**
 * Starts a real server for a suite: the built command line, the real driver, a throw-away state
 * directory, a free port. Nothing is mocked and nothing is skipped; where the host cannot run the
 * product, the suite fails and says what is missing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, connectClient } from "./client.ts";
import { type Footprint, watchFootprint } from "./footprint.ts";
import { eventually, listProcesses, processKey } from "./host.ts";
import { findFreePort } from "./ports.ts";
import { noteServerStart } from "./server-count.ts";

export type {
  ApiRequest,
  ApiResponse,
  ErrorBody,
  ExecutionOutput,
  ExecutionRequest,
  ExecutionResponse,
  ExecutionStatus,
  MimeBundle,
} from "./client.ts";

export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Reuses the state of an earlier server instead of making a directory. */
  readonly stateDir?: string;
}

export interface TestServer extends Client, Footprint {
  readonly stateDir: string;
  readonly rootfsDir: string;
  /** Part of the names of its control groups and run-time files. */
  readonly instance: string;
  /** The process that was started; the gateway and the zygote are it or its descendants. */
  readonly pid: number;
  /** All that has been printed so far. */
  log(): string;
  /** SIGTERM; resolves after the exit and fails unless the exit code is 0 and nothing is left. */
  stop(): Promise<void>;
  /** Only sends the signal and waits for the exit; for suites that judge the ending themselves. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");
export const commandLinePath = join(repositoryRoot, "packages/server/bin/glovebox.mjs");
const startTimeoutMs = 45_000;
const stopTimeoutMs = 20_000;

export function rootfsDirectory(): string {
  const { ROOTFS_DIR, STATE_DIR } = process.env;
  return ROOTFS_DIR ?? join(STATE_DIR ?? "/var/lib/glovebox", "rootfs");
}

/** The suites of one file share a session name space, so names are made unique per call. */
export function uniqueId(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString("hex")}`;
}

export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  assertHostIsReady();
  const startedAt = performance.now();
  const rootfsDir = rootfsDirectory();
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), "glovebox-test-"));
  const token = `gbx-canary-${randomBytes(16).toString("hex")}`;
  const instance = instanceName(stateDir);
  const processesBefore = new Set(listProcesses().map(processKey));
  const port = await findFreePort();
  const { child, log } = spawnServer({
    PORT: String(port),
    HOST: "127.0.0.1",
    STATE_DIR: stateDir,
    ROOTFS_DIR: rootfsDir,
    AUTH_TOKEN: token,
    POOL_SIZE: "2",
    ...options.env,
  });
  const pid = child.pid;
  if (pid === undefined) {
    throw new Error(`the server could not be spawned:\n${log()}`);
  }
  const baseUrl = `http://127.0.0.1:${port}`;
  const footprint = watchFootprint({ pid, stateDir, instance, processesBefore });
  try {
    await waitUntilHealthy(child, baseUrl, log);
  } catch (error) {
    child.kill("SIGTERM");
    await expectNothingLeft(child, footprint, log);
    if (options.stateDir === undefined) rmSync(stateDir, { recursive: true, force: true });
    throw error;
  }
  footprint.processes();
  noteServerStart(performance.now() - startedAt);

  const end = async (signal: NodeJS.Signals): Promise<number | NodeJS.Signals> => {
    footprint.processes();
    if (child.exitCode === null && child.signalCode === null) {
      const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill(signal);
      await withTimeout(exit, stopTimeoutMs, () => {
        // The next suite must not measure itself against a server that hangs.
        child.kill("SIGKILL");
        return `no exit after ${signal}:\n${log()}`;
      });
    }
    return child.exitCode ?? child.signalCode ?? -1;
  };

  const stop = async (): Promise<void> => {
    const outcome = await end("SIGTERM");
    if (outcome !== 0) {
      throw new Error(`the server ended with ${outcome} instead of 0:\n${log()}`);
    }
    await eventually(() => footprint.leftovers().join("\n") || undefined, 3_000);
    rmSync(stateDir, { recursive: true, force: true });
  };

  return {
    ...connectClient(baseUrl, token),
    ...footprint,
    ...{ stateDir, rootfsDir, instance, pid, log, stop, end },
  };
}

/** The same server, as whoever has this key sees it. */
export function asKey(server: TestServer, key: string): TestServer {
  const request: TestServer["request"] = (path, asked = {}) =>
    server.request(path, {
      ...asked,
      authenticated: false,
      headers: { "x-auth-token": key, ...asked.headers },
    });
  const tryExecute: TestServer["tryExecute"] = (body) => request("/execute", { body });
  const execute: TestServer["execute"] = async (body) => {
    const answer = await tryExecute(body);
    if (answer.status === 200) return answer.body;
    throw new Error(`POST /execute answered ${answer.status}: ${answer.text}`);
  };
  return { ...server, token: key, request, tryExecute, execute };
}

function assertHostIsReady(): void {
  if (process.getuid?.() !== 0) {
    throw new Error("these suites start real sandboxes and need root; run `npm test` as root");
  }
  const rootfs = join(rootfsDirectory(), "current");
  if (!existsSync(rootfs)) {
    throw new Error(
      `the sandbox root filesystem ${rootfs} is missing; \`npm test\` builds it, ` +
        "or set ROOTFS_DIR to a directory that holds one",
    );
  }
  const built = join(repositoryRoot, "packages/server/dist/main.js");
  if (!existsSync(built)) {
    throw new Error(`${built} is missing; run \`npm run build\` first`);
  }
}

/** Other servers may run on this host; the name tells their groups, files and mounts from ours. */
function instanceName(stateDir: string): string {
  return createHash("sha256").update(stateDir).digest("hex").slice(0, 8);
}

function spawnServer(env: Readonly<Record<string, string>>): {
  child: ChildProcess;
  log: () => string;
} {
  const { PATH, HOME, LANG } = process.env;
  const child = spawn(process.execPath, [commandLinePath, "serve"], {
    cwd: tmpdir(),
    env: { PATH: PATH ?? "", HOME: HOME ?? "/", LANG: LANG ?? "C.UTF-8", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const keep = (chunk: Buffer): void => {
    // A suite that makes the server talk for minutes must not hold all of it.
    printed = (printed + chunk.toString("utf8")).slice(-200_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return { child, log: () => printed };
}

async function waitUntilHealthy(
  child: ChildProcess,
  baseUrl: string,
  log: () => string,
): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the server ended (${child.exitCode ?? child.signalCode}):\n${log()}`);
    }
    const response = await fetch(`${baseUrl}/health`).catch(() => undefined);
    if (response?.ok) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the server is not healthy after ${startTimeoutMs} ms:\n${log()}`);
}

/** A server that could not start leaves as little as one that was stopped. */
async function expectNothingLeft(
  child: ChildProcess,
  footprint: Footprint,
  log: () => string,
): Promise<void> {
  const what = (): string => {
    if (child.exitCode === null && child.signalCode === null) return "the server itself";
    return footprint.leftovers().join("\n");
  };
  await eventually(() => {
    const left = what();
    return left ? `${left}\nof a server that did not start:\n${log()}` : undefined;
  }, 15_000);
}

async function withTimeout(
  promise: Promise<void>,
  timeoutMs: number,
  reason: () => string,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(reason())), timeoutMs);
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
