import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const STOP_TIMEOUT_MS = 20_000;

export interface ChildOptions {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  logFile: string;
}

/** A server under test. Its output goes to a file, because a pipe would have to be read during the measurement. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #logFile: string;
  readonly #ended: Promise<void>;
  #isRunning = true;

  constructor(name: string, options: ChildOptions) {
    this.name = name;
    this.#logFile = options.logFile;
    const log = openSync(options.logFile, "a", 0o600);
    this.#process = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#ended = new Promise((resolve) => {
      const end = () => {
        this.#isRunning = false;
        resolve();
      };
      this.#process.once("exit", end);
      this.#process.once("error", end);
    });
  }

  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`${this.name} was not started.`);
    return pid;
  }

  /** Polls `isReady`, which may throw while the port is closed, until it holds or the child ends. */
  async waitUntil(isReady: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#isRunning && performance.now() < deadline) {
      if (await isReady().catch(() => false)) return;
      await sleep(25);
    }
    const reason = this.#isRunning ? `was not ready within ${timeoutMs} ms` : "ended at its start";
    throw new Error(`${this.name} ${reason}. ${this.#lastLogLines()}`);
  }

  /** Asks by SIGTERM and waits. A child that does not end is killed, and that is an error. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#process.kill("SIGTERM");
    await Promise.race([this.#ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    if (!this.#isRunning) return;
    this.#process.kill("SIGKILL");
    await this.#ended;
    throw new Error(`${this.name} did not end within ${STOP_TIMEOUT_MS} ms of SIGTERM.`);
  }

  #lastLogLines(): string {
    const lines = readFileSync(this.#logFile, "utf8").trimEnd().split("\n").slice(-8);
    return `Its last words:\n${lines.join("\n")}`;
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
