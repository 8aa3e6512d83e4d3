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

  /** It is used: `run` is called when it is not any more. */
  hold(): void {
    clearTimeout(this.#timer);
  }

  /** Let the time run that is left since it was last touched. */
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
