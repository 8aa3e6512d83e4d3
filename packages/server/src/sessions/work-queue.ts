/** Work of one session: a piece at a time, in the order of asking. */

/** Does the work. What it returns is called once the place is free, and tells the caller. */
export type Work = () => Promise<() => void>;

export class WorkQueue {
  readonly #onFree: () => void;
  readonly #waiting: Work[] = [];
  #current: Work | undefined;
  #currentIsWanted = false;
  #drained: (() => void)[] = [];

  /** `onFree` is told whenever a piece is done or taken back. */
  constructor(onFree: () => void) {
    this.#onFree = onFree;
  }

  /** Pieces that are being done or wait, and are still wanted. */
  get length(): number {
    return this.#waiting.length + (this.#currentIsWanted ? 1 : 0);
  }

  /** Begins at once when nothing else is being done. */
  add(work: Work): void {
    if (this.#current) this.#waiting.push(work);
    else void this.#do(work);
  }

  /** It is not wanted any more: its place is free, or, if it has begun, does not count. */
  takeBack(work: Work): void {
    const index = this.#waiting.indexOf(work);
    if (index >= 0) this.#waiting.splice(index, 1);
    else if (this.#current === work) this.#currentIsWanted = false;
    this.#tellFree();
  }

  /** Resolves when nothing is done or waits. */
  drained(): Promise<void> {
    if (this.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  async #do(work: Work): Promise<void> {
    this.#current = work;
    this.#currentIsWanted = true;
    const tell = await work();
    const next = this.#waiting.shift();
    this.#current = undefined;
    this.#currentIsWanted = false;
    if (next) void this.#do(next);
    this.#tellFree();
    tell();
  }

  #tellFree(): void {
    this.#onFree();
    if (this.length > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
