/** How long a session may be without use. The time does not run while it is used. */

/** setTimeout takes no more. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class TimeToLive {
  readonly #onOver: () => void;
  #ms: number;
  #lastUsedAt = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(ms: number, onOver: () => void) {
    this.#ms = ms;
    this.#onOver = onOver;
    this.run();
  }

  get ms(): number {
    return this.#ms;
  }

  set ms(ms: number) {
    this.#ms = ms;
  }

  get lastUsedAt(): number {
    return this.#lastUsedAt;
  }

  touch(): void {
    this.#lastUsedAt = Date.now();
  }

  /** In use, until `run` is called. */
  hold(): void {
    clearTimeout(this.#timer);
  }

  /** No longer in use: the rest of the time begins to run. */
  run(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    const leftMs = this.#lastUsedAt + this.#ms - Date.now();
    this.#timer = setTimeout(
      () => (leftMs > TIMER_MS_MAX ? this.run() : this.#onOver()),
      Math.min(leftMs, TIMER_MS_MAX),
    ).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}
