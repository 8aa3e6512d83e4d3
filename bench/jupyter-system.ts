import { spawnSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Child, freePort } from "./child.js";
import type { GloveboxSystem } from "./glovebox-system.js";
import { ConnectionStock, encodeRequest } from "./http-connection.js";
import { descendantsOf } from "./process-memory.js";
import type { Answer, Session, System } from "./system.js";
import { WebSocketClient } from "./websocket.js";

const SERVER = "/usr/bin/jupyter-server";
const PACKAGES = [
  "jupyter-server",
  "python3-ipykernel",
  "python3-numpy",
  "python3-pandas",
  "python3-matplotlib",
];
const START_TIMEOUT_MS = 60_000;
const ENDED_KERNELS_TIMEOUT_MS = 10_000;
const KERNEL_START_REST_MS = 3_000;

/** Installs Debian's jupyter-server where it is missing; throws with what apt-get said. */
export function installJupyter(): void {
  if (isJupyterInstalled()) return;
  console.error(`Installing the peer: apt-get install ${PACKAGES.join(" ")}`);
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...PACKAGES]]) {
    const apt = spawnSync("apt-get", ["-q", ...args], {
      encoding: "utf8",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      maxBuffer: 64 * 1024 * 1024,
    });
    if (apt.status !== 0) {
      const said = (apt.stderr || apt.error?.message || "").slice(-500);
      throw new Error(`apt-get ${args[0]} failed: ${said}`);
    }
  }
}

function isJupyterInstalled(): boolean {
  if (!existsSync(SERVER)) return false;
  const probe = `from importlib.util import find_spec
assert all(map(find_spec, ("ipykernel", "numpy", "pandas", "matplotlib")))`;
  return spawnSync("/usr/bin/python3", ["-c", probe], { stdio: "ignore" }).status === 0;
}

/** A kernel for each session, made over REST and used over a websocket, whoever serves them. */
class KernelMaker {
  readonly #port: number;
  readonly #connections: ConnectionStock;
  readonly #headers: Record<string, string>;
  openSessions = 0;

  constructor(port: number, token: string) {
    this.#port = port;
    this.#connections = new ConnectionStock(port);
    this.#headers = { authorization: `token ${token}` };
  }

  async isServing(): Promise<boolean> {
    const status = encodeRequest("GET", "/api/status", this.#headers);
    return (await this.#connections.request(status)).status === 200;
  }

  async newSession(): Promise<Session> {
    const create = encodeRequest("POST", "/api/kernels", this.#headers, { name: "python3" });
    const reply = await this.#connections.request(create);
    if (reply.status !== 201) throw new Error(`POST /api/kernels: ${reply.status} ${reply.body}`);
    const { id } = JSON.parse(reply.body) as { id: string };
    this.openSessions += 1;
    const clientSession = randomUUID();
    const channels = await WebSocketClient.open(
      this.#port,
      `/api/kernels/${id}/channels?session_id=${clientSession}`,
      this.#headers,
    );
    return new KernelSession(clientSession, channels, async () => {
      const shutdown = encodeRequest("DELETE", `/api/kernels/${id}`, this.#headers);
      const gone = await this.#connections.request(shutdown);
      if (gone.status !== 204) throw new Error(`DELETE /api/kernels: ${gone.status}`);
      this.openSessions -= 1;
    });
  }

  closeAll(): void {
    this.#connections.closeAll();
  }
}

/** Glovebox by its Jupyter interface. It is the same server, which somebody else stops. */
export class FacadeSystem implements System {
  readonly name = "glovebox_jupyter";
  readonly #glovebox: GloveboxSystem;
  readonly #kernels: KernelMaker;

  constructor(glovebox: GloveboxSystem) {
    this.#glovebox = glovebox;
    this.#kernels = new KernelMaker(glovebox.port, glovebox.headers["x-auth-token"] ?? "");
  }

  newSession(): Promise<Session> {
    return this.#kernels.newSession();
  }

  settle(): Promise<void> {
    return this.#glovebox.settle();
  }

  sessionPids(): Set<number> {
    return this.#glovebox.sessionPids();
  }

  async stop(): Promise<void> {
    this.#kernels.closeAll();
  }
}

/** Debian's jupyter-server. */
export class JupyterSystem implements System {
  readonly name = "jupyter_server";
  readonly #child: Child;
  readonly #kernels: KernelMaker;

  private constructor(child: Child, port: number, token: string) {
    this.#child = child;
    this.#kernels = new KernelMaker(port, token);
  }

  static async start(
    directory: string,
    adopt: (stop: () => Promise<void>) => void,
  ): Promise<JupyterSystem> {
    const port = await freePort();
    const token = randomBytes(24).toString("hex");
    const home = join(directory, "jupyter");
    await mkdir(home);
    const child = new Child("jupyter-server", {
      command: SERVER,
      args: [
        "--ServerApp.ip=127.0.0.1",
        `--ServerApp.port=${port}`,
        "--ServerApp.port_retries=0",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        `--ServerApp.root_dir=${home}`,
      ],
      cwd: home,
      logFile: join(directory, "jupyter.log"),
      // A home of its own keeps the operator's Jupyter settings out, and the PATH other Pythons.
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        LANG: "C.UTF-8",
        HOME: home,
        JUPYTER_TOKEN: token,
        JUPYTER_RUNTIME_DIR: join(home, "runtime"),
      },
    });
    adopt(() => child.stop());
    const system = new JupyterSystem(child, port, token);
    await child.waitUntil(() => system.#kernels.isServing(), START_TIMEOUT_MS);
    return system;
  }

  newSession(): Promise<Session> {
    return this.#kernels.newSession();
  }

  /**
   * Kernels that were shut down may still be winding up; each open one is a process. A kernel that
   * has given its first result still has work to do from its start, which would spoil a load test.
   */
  async settle(): Promise<void> {
    const deadline = performance.now() + ENDED_KERNELS_TIMEOUT_MS;
    while (this.sessionPids().size > this.#kernels.openSessions && performance.now() < deadline) {
      await sleep(50);
    }
    if (this.#kernels.openSessions > 0) await sleep(KERNEL_START_REST_MS);
  }

  sessionPids(): Set<number> {
    return descendantsOf(this.#child.pid);
  }

  stop(): Promise<void> {
    this.#kernels.closeAll();
    return this.#child.stop();
  }
}

interface KernelMessage {
  msg_type: string;
  parent_header: { msg_id?: string };
  content: {
    name?: string;
    text?: string;
    data?: Record<string, string>;
    execution_state?: string;
    status?: string;
    evalue?: string;
  };
}

interface Execution extends Answer {
  messageId: string;
  hasReply: boolean;
  isIdle: boolean;
  failure: string | null;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

class KernelSession implements Session {
  readonly #clientSession: string;
  readonly #channels: WebSocketClient;
  readonly #shutdown: () => Promise<void>;
  #current: Execution | null = null;

  constructor(clientSession: string, channels: WebSocketClient, shutdown: () => Promise<void>) {
    this.#clientSession = clientSession;
    this.#channels = channels;
    this.#shutdown = shutdown;
    channels.onMessage = (text) => this.#receive(JSON.parse(text) as KernelMessage);
    channels.onClose = (error) => this.#current?.reject(error);
  }

  run(code: string): Promise<Answer> {
    const messageId = randomUUID();
    return new Promise((resolve, reject) => {
      this.#current = {
        messageId,
        text: "",
        png: null,
        hasReply: false,
        isIdle: false,
        failure: null,
        resolve,
        reject,
      };
      this.#channels.send(
        JSON.stringify({
          channel: "shell",
          header: {
            msg_id: messageId,
            msg_type: "execute_request",
            session: this.#clientSession,
            username: "bench",
            date: new Date().toISOString(),
            version: "5.3",
          },
          parent_header: {},
          metadata: {},
          content: { code, silent: false, store_history: true, allow_stdin: false },
        }),
      );
    });
  }

  close(): Promise<void> {
    this.#channels.close();
    return this.#shutdown();
  }

  /** The reply and the output travel on two sockets of the kernel; a run is over when both are done. */
  #receive(message: KernelMessage): void {
    const current = this.#current;
    if (!current || message.parent_header.msg_id !== current.messageId) return;
    const { content } = message;
    if (message.msg_type === "stream" && content.name === "stdout") {
      current.text += content.text ?? "";
    } else if (message.msg_type === "display_data" || message.msg_type === "execute_result") {
      current.png = content.data?.["image/png"] ?? current.png;
    } else if (message.msg_type === "execute_reply") {
      current.hasReply = true;
      if (content.status !== "ok") current.failure = content.evalue ?? "unknown";
    } else if (message.msg_type === "status" && content.execution_state === "idle") {
      current.isIdle = true;
    }
    if (!current.hasReply || !current.isIdle) return;
    this.#current = null;
    if (current.failure !== null) current.reject(new Error(`The kernel: ${current.failure}`));
    else current.resolve({ text: current.text, png: current.png });
  }
}
