/**
 * One signal out of the caller's signal and a timeout. `AbortSignal.any` would do it, but came to
 * browsers late and keeps its sources' listeners until they are collected.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #source: AbortSignal | undefined;
  readonly #onAbort = () => this.#controller.abort(this.#source?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the time ran out, and not the caller's patience. */
  expired = false;

  constructor(source: AbortSignal | undefined, timeoutMs?: number) {
    this.#source = source;
    if (source?.aborted) this.#onAbort();
    else source?.addEventListener("abort", this.#onAbort, { once: true });
    if (timeoutMs !== undefined) this.restart(timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Count from now on, instead of from before. */
  restart(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.expired = true;
      this.#controller.abort(new DOMException("The time ran out.", "TimeoutError"));
    }, timeoutMs);
  }

  /** No timeout any more; the caller's signal still counts. */
  suspend(): void {
    clearTimeout(this.#timer);
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  /** Nothing holds on to the caller's signal any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#source?.removeEventListener("abort", this.#onAbort);
  }
}

/** Resolves after the time, rejects with the signal's reason. */
export function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
