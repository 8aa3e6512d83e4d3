/**
 * Starts a real server for a suite: the built command line, the real driver, a throw-away state
 * directory, a free port. Nothing is mocked and nothing is skipped; where the host cannot run the
 * product, the suite fails and says what is missing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstHostId, IDS_PER_INSTANCE } from "../../packages/server/src/config/agreement.ts";
import {
  describeProcess,
  eventually,
  type HostProcess,
  listCgroups,
  listMounts,
  listProcesses,
  listProcessTree,
  listRuntimeFiles,
  processKey,
} from "./host.ts";

export type ExecutionStatus =
  | "ok"
  | "error"
  | "timeout"
  | "out_of_memory"
  | "killed"
  | "output_limit"
  | "interrupted"
  | "rejected";

export interface ExecutionRequest {
  readonly code: string;
  readonly session_id?: string;
  readonly user_uuid?: string;
  readonly timeout?: number;
  readonly memory_limit?: string | number;
  readonly cpu_limit?: number;
}

export type MimeBundle = Readonly<Record<string, unknown>>;

export type ExecutionOutput =
  | { readonly output_type: "stream"; readonly name: "stdout" | "stderr"; readonly text: string }
  | {
      readonly output_type: "display_data";
      readonly data: MimeBundle;
      readonly metadata: Readonly<Record<string, unknown>>;
    }
  | {
      readonly output_type: "execute_result";
      readonly execution_count: number;
      readonly data: MimeBundle;
      readonly metadata: Readonly<Record<string, unknown>>;
    }
  | {
      readonly output_type: "error";
      readonly ename: string;
      readonly evalue: string;
      readonly traceback: readonly string[];
    };

export interface ExecutionResponse {
  readonly status: ExecutionStatus;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated?: boolean;
  readonly exit_code: number;
  readonly execution_time: number;
  readonly result_text: string | null;
  readonly result_base64: string | null;
  readonly outputs: readonly ExecutionOutput[];
  readonly error: {
    readonly ename: string;
    readonly evalue: string;
    readonly traceback: readonly string[];
    readonly hint: string | null;
  } | null;
  readonly files_created: readonly string[];
  readonly files_modified: readonly string[];
  readonly session_id: string | null;
  readonly execution_id: number | null;
  readonly execution_count: number;
  readonly original_code: string;
  readonly executed_code: string;
  readonly validation_result: unknown;
  readonly usage: {
    readonly cpu_time: number;
    readonly memory_peak_bytes: number;
    readonly wall_time: number;
  };
}

export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly retry_after_ms?: number;
    readonly request_id: string;
  };
}

export interface ApiRequest {
  readonly method?: string;
  /** Sent as JSON; `rawBody` sends text as it is, for requests that are meant to be malformed. */
  readonly body?: unknown;
  readonly rawBody?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** False leaves the token out. */
  readonly authenticated?: boolean;
}

export interface ApiResponse<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
  readonly text: string;
}

export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Reuses the state of an earlier server instead of making a directory. */
  readonly stateDir?: string;
}

export interface TestServer {
  readonly baseUrl: string;
  readonly token: string;
  readonly stateDir: string;
  readonly rootfsDir: string;
  /** Part of the names of its control groups and run-time files. */
  readonly instance: string;
  /** The process that was started; the gateway and the zygote are it or its descendants. */
  readonly pid: number;
  /** Runs code and fails unless the answer is a 200. */
  execute(request: ExecutionRequest): Promise<ExecutionResponse>;
  /** Runs code and hands back whatever came, the 504 of the `user_uuid` dialect included. */
  tryExecute(request: ExecutionRequest): Promise<ApiResponse<ExecutionResponse & ErrorBody>>;
  request<Body = unknown>(path: string, request?: ApiRequest): Promise<ApiResponse<Body>>;
  processes(): HostProcess[];
  findProcess(name: RegExp): HostProcess;
  /** All that has been printed so far. */
  log(): string;
  /** SIGTERM; resolves after the exit and fails unless the exit code is 0 and nothing is left. */
  stop(): Promise<void>;
  /** Only sends the signal and waits for the exit; for suites that judge the ending themselves. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** What of this server still exists on the host, one line each. */
  leftovers(): string[];
}

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");
const commandLinePath = join(repositoryRoot, "packages/server/bin/glovebox.mjs");
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
  try {
    await waitUntilHealthy(child, baseUrl, log);
  } catch (error) {
    child.kill("SIGTERM");
    throw error;
  }

  const seen = new Map<string, HostProcess>();
  const processes = (): HostProcess[] => {
    const tree = listProcessTree(pid).filter((member) => member.state !== "Z");
    for (const member of tree) {
      seen.set(processKey(member), member);
    }
    return tree;
  };
  processes();

  const request = async <Body>(
    path: string,
    { method, body, rawBody, headers, authenticated = true }: ApiRequest = {},
  ): Promise<ApiResponse<Body>> => {
    const payload = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${baseUrl}${path}`, {
      method: method ?? (payload === undefined ? "GET" : "POST"),
      headers: {
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
        ...(authenticated ? { "x-auth-token": token } : {}),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: parseBody<Body>(text),
      text,
    };
  };

  const tryExecute = (
    execution: ExecutionRequest,
  ): Promise<ApiResponse<ExecutionResponse & ErrorBody>> =>
    request<ExecutionResponse & ErrorBody>("/execute", { body: execution });

  const execute = async (execution: ExecutionRequest): Promise<ExecutionResponse> => {
    const response = await tryExecute(execution);
    if (response.status !== 200) {
      throw new Error(`POST /execute answered ${response.status}: ${response.text}`);
    }
    return response.body;
  };

  const leftovers = (): string[] => {
    const isOurs = (process: HostProcess): boolean =>
      seen.has(processKey(process)) ||
      process.cgroup.includes(instance) ||
      // A sandbox that lost its group on the way is known by its host id.
      (ownsUid(instance, process.uid) && !processesBefore.has(processKey(process)));
    const names = [stateDir, instance];
    const includesName = (text: string): boolean => names.some((name) => text.includes(name));
    return [
      ...listProcesses()
        .filter((process) => process.state !== "Z" && isOurs(process))
        .map(describeProcess),
      ...listMounts(names).map((mount) => `mount ${mount}`),
      ...listCgroups()
        .filter(includesName)
        .map((path) => `cgroup ${path}`),
      ...listRuntimeFiles()
        .filter(includesName)
        .map((path) => `file ${path}`),
    ];
  };

  const end = async (signal: NodeJS.Signals): Promise<number | NodeJS.Signals> => {
    processes();
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
    await eventually(() => leftovers().join("\n") || undefined, 3_000);
    rmSync(stateDir, { recursive: true, force: true });
  };

  const findProcess = (name: RegExp): HostProcess => {
    const tree = processes();
    const matching = tree.filter((member) => name.test(member.commandLine));
    const pids = new Set(matching.map((member) => member.pid));
    const top = matching.find((member) => !pids.has(member.parentPid));
    if (top === undefined) {
      throw new Error(
        `no process matches ${name}; there are:\n${tree.map(describeProcess).join("\n")}`,
      );
    }
    return top;
  };

  return {
    baseUrl,
    token,
    stateDir,
    rootfsDir,
    instance,
    pid,
    execute,
    tryExecute,
    request,
    processes,
    findProcess,
    log,
    stop,
    end,
    leftovers,
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

/** Each instance has a range of host ids of its own, which its name chooses. */
function ownsUid(instance: string, uid: number): boolean {
  const base = firstHostId(instance);
  return uid >= base && uid < base + IDS_PER_INSTANCE;
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

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** The suites state the type they expect of an answer and then check the fields they rely on. */
function parseBody<Body>(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return undefined as Body;
  }
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
