/** Keeps children running: starts them in order, starts again what dies, and ends them in the opposite order. */

import type { ChildProcess } from "node:child_process";

const RESTART_DELAY_MS = 200;
/** Children that die so often within a minute will not get better. */
const RESTARTS_PER_MINUTE_MAX = 20;

/** A reason ends the supervisor and is told; "end" is for a child that has told it itself. */
export type AfterExit = "start again" | "end" | { readonly reason: string };

export interface Child {
  /** As the log calls it: "the keeper". */
  readonly name: string;
  /** `isAgain`: it ran before and died. Throws when it cannot be started. */
  start(isAgain: boolean): ChildProcess | Promise<ChildProcess>;
  /** Ask a running process to end. */
  stop(process: ChildProcess): void;
  /** How long it may take to end before it is killed. */
  readonly stopMs: number;
  /** What an exit that nobody asked for means. `hasServed`: the server has been ready before. */
  afterExit(exitCode: number | null, hasServed: boolean): AfterExit;
}

interface Kept {
  readonly child: Child;
  process?: ChildProcess;
  /** While a start is under way. */
  starting?: Promise<void>;
}

export class Supervisor {
  readonly #children: readonly Kept[];
  readonly #cleanUp: () => void;
  #restarts: number[] = [];
  #hasServed = false;
  #stopping: Promise<void> | undefined;
  #finish!: (exitCode: number) => void;
  /** Resolves with the exit code when everything has ended. */
  readonly finished: Promise<number>;

  /** `cleanUp` is called when every child has ended. */
  constructor(children: readonly Child[], cleanUp: () => void) {
    this.#children = children.map((child) => ({ child }));
    this.#cleanUp = cleanUp;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** @throws what the first start of a child throws */
  start(): void {
    for (const kept of this.#children) this.#start(kept, false);
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** The server is ready. @returns whether it is for the first time */
  served(): boolean {
    const isFirst = !this.#hasServed;
    this.#hasServed = true;
    return isFirst;
  }

  /** Idempotent: the first call's exit code counts. */
  stop(exitCode: number): Promise<void> {
    this.#stopping ??= this.#stop().then(() => this.#finish(exitCode));
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    for (const kept of this.#children.toReversed()) {
      await kept.starting;
      if (kept.process === undefined) continue;
      kept.child.stop(kept.process);
      await exitedWithin(kept.process, kept.child.stopMs);
    }
    this.#cleanUp();
  }

  /** A process that is there at once is listened to at once, or its first error would be missed. */
  #start(kept: Kept, isAgain: boolean): void {
    const started = kept.child.start(isAgain);
    if (!(started instanceof Promise)) {
      this.#keep(kept, started);
      return;
    }
    kept.starting = started.then(
      (process) => this.#keep(kept, process),
      (error: unknown) => this.#failToStart(kept, error),
    );
  }

  #keep(kept: Kept, process: ChildProcess): void {
    kept.process = process;
    process.on("error", (error) => this.#failToStart(kept, error));
    process.on("exit", (exitCode) => {
      if (this.isStopping) return;
      const next = kept.child.afterExit(exitCode, this.#hasServed);
      if (next === "end") void this.stop(1);
      else if (next !== "start again") this.#fail(next.reason);
      else if (this.#mayRestart(kept.child.name)) this.#startLater(kept);
    });
  }

  #startLater(kept: Kept): void {
    setTimeout(() => {
      if (this.isStopping) return;
      try {
        this.#start(kept, true);
      } catch (error) {
        this.#failToStart(kept, error);
      }
    }, RESTART_DELAY_MS);
  }

  #mayRestart(name: string): boolean {
    const now = Date.now();
    this.#restarts = this.#restarts.filter((time) => now - time < 60_000);
    this.#restarts.push(now);
    if (this.#restarts.length > RESTARTS_PER_MINUTE_MAX) {
      this.#fail(`${name} dies again and again`);
      return false;
    }
    process.stderr.write(`glovebox: ${name} died and is started again\n`);
    return true;
  }

  #failToStart({ child }: Kept, error: unknown): void {
    this.#fail(`${child.name} cannot be started: ${(error as Error).message}`);
  }

  #fail(message: string): void {
    process.stderr.write(`glovebox: ${message}\n`);
    void this.stop(1);
  }
}

/** Resolves when the child has exited, by force after `patienceMs`. */
async function exitedWithin(child: ChildProcess, patienceMs: number): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  await exited(child);
  clearTimeout(timer);
}

function exited(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
}
