/** The two counters behind quotas. Both are told the time, in milliseconds that only grow. */

const MINUTE_MS = 60_000;
const SLOTS = 60;
const HOUR_MS = SLOTS * MINUTE_MS;

/** So many a minute, saved up to one minute's worth. */
export class TokenBucket {
  readonly #perMinute: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(perMinute: number, nowMs: number) {
    this.#perMinute = perMinute;
    this.#tokens = perMinute;
    this.#filledAtMs = nowMs;
  }

  /** Take one. @returns 0, or the milliseconds after which there will be one */
  take(nowMs: number): number {
    this.#fill(nowMs);
    if (this.#tokens >= 1) {
      this.#tokens--;
      return 0;
    }
    return Math.ceil(((1 - this.#tokens) * MINUTE_MS) / this.#perMinute);
  }

  /** How many are missing to a full bucket. */
  used(nowMs: number): number {
    this.#fill(nowMs);
    return Math.ceil(this.#perMinute - this.#tokens);
  }

  #fill(nowMs: number): void {
    const grown = ((nowMs - this.#filledAtMs) * this.#perMinute) / MINUTE_MS;
    this.#tokens = Math.min(this.#perMinute, this.#tokens + grown);
    this.#filledAtMs = nowMs;
  }
}

/** A sum over the last hour, which moves on by the minute. */
export class HourWindow {
  readonly #slots = new Float64Array(SLOTS);
  #minute: number;

  constructor(nowMs: number) {
    this.#minute = Math.floor(nowMs / MINUTE_MS);
  }

  add(amount: number, nowMs: number): void {
    this.#forget(nowMs);
    const slot = this.#minute % SLOTS;
    this.#slots[slot] = (this.#slots[slot] ?? 0) + amount;
  }

  sum(nowMs: number): number {
    this.#forget(nowMs);
    let sum = 0;
    for (const amount of this.#slots) sum += amount;
    return sum;
  }

  /** Milliseconds until the sum is below `limit`, if nothing is added: 0 if it is. */
  belowIn(limit: number, nowMs: number): number {
    let left = this.sum(nowMs);
    for (let age = SLOTS - 1; age >= 0 && left >= limit; age--) {
      const minute = this.#minute - age;
      left -= this.#slots[minute % SLOTS] ?? 0;
      if (left < limit) return minute * MINUTE_MS + HOUR_MS - nowMs;
    }
    return 0;
  }

  /** Empty the slots of the minutes that have begun since the last look. */
  #forget(nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    const passed = Math.min(SLOTS, minute - this.#minute);
    for (let step = 1; step <= passed; step++) this.#slots[(this.#minute + step) % SLOTS] = 0;
    this.#minute = minute;
  }
}
