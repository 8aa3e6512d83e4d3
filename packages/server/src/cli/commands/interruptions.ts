/**
 * How a command is ended from outside. Ctrl-C goes to the code that runs, a second one within
 * two seconds to its sandbox. A signal to end, and a reader that is gone, end the command; what it
 * has made on the server is still cleaned up.
 */

import { GloveboxError } from "@glovebox/sdk";

/** What Ctrl-C means at the moment. */
export interface InterruptTarget {
  interrupt(): Promise<unknown>;
  kill(): Promise<unknown>;
}

const KILL_WITHIN_MS = 2000;
const ENDING_SIGNALS = { SIGTERM: 143, SIGHUP: 129 } as const;
export const INTERRUPTED = 130;
const BROKEN_PIPE = 141;

export class Interruptions {
  readonly #controller = new AbortController();
  readonly #notify: (text: string) => void;
  #target: InterruptTarget | undefined;
  #presses = 0;
  #pressedAt = Number.NEGATIVE_INFINITY;
  #exitCode: number | undefined;

  constructor(notify: (text: string) => void) {
    this.#notify = notify;
  }

  /** For every request of the command. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Set once the command was ended from outside. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Begin to listen to signals. Returns what ends that. */
  listen(): () => void {
    const interrupt = () => this.press();
    const end = (signal: keyof typeof ENDING_SIGNALS) => this.stop(ENDING_SIGNALS[signal]);
    const broken = (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      this.stop(BROKEN_PIPE);
    };
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", end);
    process.on("SIGHUP", end);
    process.stdout.on("error", broken);
    process.stderr.on("error", broken);
    return () => {
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", end);
      process.off("SIGHUP", end);
      process.stdout.off("error", broken);
      process.stderr.off("error", broken);
    };
  }

  /** While this goes on, Ctrl-C means the target. */
  async during<T>(target: InterruptTarget, action: () => Promise<T>): Promise<T> {
    this.#target = target;
    this.#presses = 0;
    try {
      return await action();
    } finally {
      this.#target = undefined;
    }
  }

  /** Ctrl-C. */
  press(): void {
    const target = this.#target;
    if (target === undefined) {
      this.stop(INTERRUPTED);
      return;
    }
    const now = performance.now();
    this.#presses = now - this.#pressedAt < KILL_WITHIN_MS ? this.#presses + 1 : 1;
    this.#pressedAt = now;
    if (this.#presses === 1) {
      this.#notify("interrupting; Ctrl-C again kills");
      settle(target.interrupt());
    } else if (this.#presses === 2) {
      this.#notify("killing");
      settle(target.kill());
    } else {
      this.stop(INTERRUPTED);
    }
  }

  stop(exitCode: number): void {
    this.#exitCode ??= exitCode;
    this.#controller.abort();
  }
}

/** It may have ended by itself meanwhile; whatever became of it, its own answer tells. */
function settle(request: Promise<unknown>): void {
  request.catch((error: unknown) => {
    if (!GloveboxError.isInstance(error)) throw error;
  });
}
