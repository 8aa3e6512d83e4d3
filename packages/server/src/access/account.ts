/** What one key has used, held against its quotas. In memory: a restart of the server forgets it. */

import { ServiceError } from "../errors.js";
import { HourWindow, TokenBucket } from "./quota.js";

/** An absent quota means no bound. */
export interface Quotas {
  /** Live sessions and stateless runs at a time. */
  readonly sessions?: number;
  readonly requests_per_minute?: number;
  readonly cpu_seconds_per_hour?: number;
}

/** Use in the terms of the quotas. */
export interface QuotaUse {
  readonly requests_per_minute: number;
  readonly cpu_seconds_per_hour: number;
}

/** Two clocks would let a key sleep through a change of the time of day; this one only goes on. */
const monotonicMs = () => performance.now();

export class Account {
  readonly #quotas: Quotas;
  readonly #nowMs: () => number;
  readonly #requests: TokenBucket | undefined;
  readonly #cpu: HourWindow;
  #revoked = false;

  constructor(quotas: Quotas, nowMs: () => number = monotonicMs) {
    this.#quotas = quotas;
    this.#nowMs = nowMs;
    const perMinute = quotas.requests_per_minute;
    this.#requests = perMinute === undefined ? undefined : new TokenBucket(perMinute, nowMs());
    this.#cpu = new HourWindow(nowMs());
  }

  /** From now on nothing is let in, requests that were authenticated before included. */
  revoke(): void {
    this.#revoked = true;
  }

  get sessionsMax(): number | undefined {
    return this.#quotas.sessions;
  }

  /** @throws ServiceError UNAUTHENTICATED (revoked) */
  assertAlive(): void {
    if (this.#revoked) throw new ServiceError("UNAUTHENTICATED", "This key was revoked.");
  }

  /** Count a request. @throws ServiceError UNAUTHENTICATED (revoked), QUOTA_EXCEEDED */
  admitRequest(): void {
    this.assertAlive();
    const waitMs = this.#requests?.take(this.#nowMs()) ?? 0;
    if (waitMs > 0) throw this.#exceeded("requests_per_minute", waitMs);
  }

  /** Code may run. @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED when the last hour's CPU time is used up */
  admitRun(): void {
    this.assertAlive();
    const limit = this.#quotas.cpu_seconds_per_hour;
    if (limit === undefined) return;
    const waitMs = this.#cpu.belowIn(limit, this.#nowMs());
    if (waitMs > 0) throw this.#exceeded("cpu_seconds_per_hour", waitMs);
  }

  /** @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED when there is no room for one more than `live` */
  admitSession(live: number): void {
    this.assertAlive();
    const limit = this.#quotas.sessions;
    if (limit !== undefined && live >= limit) throw this.#exceeded("sessions");
  }

  chargeCpu(seconds: number): void {
    this.#cpu.add(seconds, this.#nowMs());
  }

  use(): QuotaUse {
    const nowMs = this.#nowMs();
    return {
      requests_per_minute: this.#requests?.used(nowMs) ?? 0,
      cpu_seconds_per_hour: Math.round(this.#cpu.sum(nowMs) * 1000) / 1000,
    };
  }

  #exceeded(quota: keyof Quotas, retryAfterMs?: number): ServiceError {
    const message = `The quota ${quota} of this key, ${this.#quotas[quota]}, is used up.`;
    const hint =
      retryAfterMs === undefined
        ? `Delete or release a session of this key, or ask for a higher quota ${quota}.`
        : `Wait as long as Retry-After says, or ask for a higher quota ${quota}.`;
    return new ServiceError(
      "QUOTA_EXCEEDED",
      message,
      retryAfterMs === undefined ? { hint } : { hint, retryAfterMs },
    );
  }
}
