/**
 * Notices that a child no longer turns its loop. It is heard of every now and then; when it is not for too long,
 * it is told so, once. A supervisor that could not run itself, because the machine or all of it was
 * suspended, has heard nothing for that reason and begins to wait anew.
 */

const LOOK_MS = 500;
/** So much later than planned, it was this process that did not run. */
const OWN_SLEEP_MS = 1500;

export interface WatchdogOptions {
  /** How long it may be silent. */
  readonly silenceMsMax: number;
  /** The same until it is heard for the first time; undefined waits for ever. */
  readonly startMsMax?: number;
  /** Asked at every look, for a child that leaves signs instead of calling heard(). */
  readonly look?: () => boolean;
  readonly onSilent: (silentMs: number) => void;
  /** For tests. */
  readonly now?: () => number;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #heardAt: number;
  #lookedAt: number;
  #patienceMs: number;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#heardAt = this.#lookedAt = this.#now();
    this.#patienceMs = options.startMsMax ?? Number.POSITIVE_INFINITY;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** It lives. */
  heard(): void {
    this.#heardAt = this.#now();
    this.#patienceMs = this.#options.silenceMsMax;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = this.#now();
    const hasSlept = now - this.#lookedAt > LOOK_MS + OWN_SLEEP_MS;
    this.#lookedAt = now;
    if (this.#options.look?.()) this.heard();
    if (hasSlept) this.#heardAt = now;
    const silentMs = now - this.#heardAt;
    if (silentMs <= this.#patienceMs) return;
    this.stop();
    this.#options.onSilent(silentMs);
  }
}
