import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Child, freePort } from "./child.js";
import {
  ConnectionStock,
  encodeRequest,
  type HttpConnection,
  type HttpReply,
} from "./http-connection.js";
import { descendantsOf, pidsInCgroups } from "./process-memory.js";
import { repositoryRoot } from "./repository.js";
import type { Answer, Session, System } from "./system.js";

const START_TIMEOUT_MS = 60_000;
const WARM_TIMEOUT_MS = 20_000;
const SETTLE_WITHOUT_STATUS_MS = 300;

interface ExecuteAnswer {
  status?: string;
  stdout?: string;
  result_base64?: string | null;
}

interface StatusAnswer {
  pool?: { idle?: number };
}

/** Glovebox as its users start it, with its default limits, on a port and a state directory of its own. */
export class GloveboxSystem implements System {
  readonly name = "glovebox";
  readonly #child: Child;
  readonly #connections: ConnectionStock;
  readonly headers: Record<string, string>;
  readonly port: number;
  readonly #poolSize: number;
  readonly #run = randomBytes(4).toString("hex");
  #sessions = 0;

  private constructor(child: Child, port: number, token: string, poolSize: number) {
    this.#child = child;
    this.#connections = new ConnectionStock(port);
    this.port = port;
    this.headers = { "x-auth-token": token };
    this.#poolSize = poolSize;
  }

  static async start(
    directory: string,
    poolSize: number,
    adopt: (stop: () => Promise<void>) => void,
    env: Readonly<Record<string, string>> = {},
  ): Promise<GloveboxSystem> {
    const port = await freePort();
    const token = randomBytes(24).toString("hex");
    const stateDirectory = join(directory, `state-${poolSize}`);
    await mkdir(stateDirectory, { recursive: true });
    const child = new Child("Glovebox", {
      command: process.execPath,
      args: [join(repositoryRoot, "packages/server/bin/glovebox.mjs"), "serve"],
      // A .env file in the working directory would change what is measured.
      cwd: directory,
      logFile: join(directory, `glovebox-${poolSize}.log`),
      env: {
        ...process.env,
        ROOTFS_DIR: process.env.ROOTFS_DIR ?? "/var/lib/glovebox/rootfs",
        HOST: "127.0.0.1",
        PORT: String(port),
        STATE_DIR: stateDirectory,
        AUTH_TOKEN: token,
        MAX_SESSIONS: "200",
        POOL_SIZE: String(poolSize),
        ...env,
      },
    });
    adopt(() => child.stop());
    const system = new GloveboxSystem(child, port, token, poolSize);
    const health = encodeRequest("GET", "/health", {});
    await child.waitUntil(
      async () => (await system.#connections.request(health)).status === 200,
      START_TIMEOUT_MS,
    );
    await system.settle();
    return system;
  }

  async newSession(): Promise<Session> {
    this.#sessions += 1;
    const sessionId = `bench-${this.#run}-${this.#sessions}`;
    const connection = await this.#connections.take();
    const release = encodeRequest("DELETE", `/sessions/${sessionId}`, this.headers);
    return new ExecuteSession(sessionId, connection, this.headers, async () => {
      this.#connections.giveBack(connection);
      const reply = await this.#connections.request(release);
      if (reply.status >= 300) throw new Error(describeReply(reply));
    });
  }

  /** Runs code in a session of this name, on whichever connection is free: idle ones are closed by the server. */
  async runIn(session: string, code: string): Promise<string> {
    const body = { session_id: `bench-${this.#run}-${session}`, code };
    const request = encodeRequest("POST", "/execute", this.headers, body);
    const reply = await this.#connections.request(request);
    const answer = reply.status === 200 ? (JSON.parse(reply.body) as ExecuteAnswer) : null;
    if (answer?.status !== "ok") throw new Error(describeReply(reply));
    return answer.stdout ?? "";
  }

  /** Waits for the pool to be warm again, or, where the status does not tell, for a short while. */
  async settle(): Promise<void> {
    const request = encodeRequest("GET", "/status", this.headers);
    const deadline = performance.now() + WARM_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const reply = await this.#connections.request(request);
      const idle =
        reply.status === 200 ? (JSON.parse(reply.body) as StatusAnswer).pool?.idle : null;
      if (typeof idle !== "number") return sleep(SETTLE_WITHOUT_STATUS_MS);
      // What was just destroyed is still being swept up for a moment.
      if (idle >= this.#poolSize) return sleep(20);
      await sleep(10);
    }
    throw new Error(`The pool did not reach ${this.#poolSize} within ${WARM_TIMEOUT_MS} ms.`);
  }

  sessionPids(): Set<number> {
    return pidsInCgroups("glovebox");
  }

  /** The process that speaks HTTP. */
  gatewayPid(): number {
    const isGateway = (pid: number) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("gateway");
    const found = [...descendantsOf(this.#child.pid)].find(isGateway);
    if (found === undefined) throw new Error("The gateway was not found.");
    return found;
  }

  stop(): Promise<void> {
    this.#connections.closeAll();
    return this.#child.stop();
  }
}

/** A session behind `POST /execute`; the bare route is measured through it as well. */
export class ExecuteSession implements Session {
  readonly #sessionId: string;
  readonly #connection: HttpConnection;
  readonly #headers: Record<string, string>;
  readonly #release: () => Promise<void>;
  #code: string | null = null;
  #request: Buffer = Buffer.alloc(0);

  constructor(
    sessionId: string,
    connection: HttpConnection,
    headers: Record<string, string>,
    release: () => Promise<void>,
  ) {
    this.#sessionId = sessionId;
    this.#connection = connection;
    this.#headers = headers;
    this.#release = release;
  }

  async run(code: string): Promise<Answer> {
    if (code !== this.#code) {
      this.#code = code;
      const body = { session_id: this.#sessionId, code };
      this.#request = encodeRequest("POST", "/execute", this.#headers, body);
    }
    const reply = await this.#connection.send(this.#request);
    const answer = reply.status === 200 ? (JSON.parse(reply.body) as ExecuteAnswer) : null;
    if (answer?.status !== "ok") throw new Error(describeReply(reply));
    return { text: answer.stdout ?? "", png: answer.result_base64 ?? null };
  }

  close(): Promise<void> {
    return this.#release();
  }
}

function describeReply(reply: HttpReply): string {
  return `HTTP ${reply.status}: ${reply.body.slice(0, 300)}`;
}
