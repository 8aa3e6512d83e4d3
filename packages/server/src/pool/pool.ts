/**
 * Warm sandboxes, handed out at once and refilled in the background. A sandbox that was handed
 * out never comes back: its holder destroys it. May import sandbox, errors, config.
 */

import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.js";
import type { Sandbox, SandboxDriver } from "../sandbox/sandbox.js";

export interface PoolOptions {
  /** Warm sandboxes to keep. */
  readonly size: number;
  /** Leases at a time. */
  readonly leasesMax: number;
  /** How long an acquire waits before POOL_EXHAUSTED. */
  readonly acquireTimeoutMs: number;
  /** Starts in flight; more only make each other slower. */
  readonly startsMax: number;
  readonly onStartFailed: (error: unknown) => void;
  /** A warm sandbox was not as it was made, and was destroyed instead of handed out. */
  readonly onFaulty: (sandbox: Sandbox, problem: string) => void;
}

/** The right to one sandbox, until release. */
export interface Lease {
  readonly sandbox: Sandbox;
  /** Destroys the sandbox and frees the place. Idempotent. */
  release(reason: string): Promise<void>;
}

export interface PoolStatus {
  readonly size: number;
  readonly idle: number;
  readonly starting: number;
  readonly leased: number;
  readonly leases_max: number;
  readonly waiting: number;
}

interface Waiter {
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Refilling waits until hand-outs pause, so that it does not compete with the first cells. */
const REFILL_PAUSE_MS = 15;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5000;
/** Waiters beyond this are refused at once. */
const WAITERS_MAX = 1000;
/** After so many failures in a row those who wait are told. */
const FAILURES_MAX = 3;

export class Pool {
  readonly #driver: SandboxDriver;
  readonly #options: PoolOptions;
  readonly #idle: Sandbox[] = [];
  readonly #leases = new Set<Lease>();
  readonly #waiters: Waiter[] = [];
  #starting = 0;
  #failuresInRow = 0;
  #refillTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  #suspended = false;

  constructor(driver: SandboxDriver, options: PoolOptions) {
    this.#driver = driver;
    this.#options = options;
  }

  /** Fill up. Resolves when one sandbox is ready, which proves that they can be made. */
  async start(): Promise<void> {
    const first = await this.#driver.create();
    if (this.#options.size > 0) this.#offer(first);
    else await first.destroy("it was made to see whether sandboxes can be made");
    this.#refill();
  }

  /**
   * A sandbox of one's own, a warm one when there is one. Served in the order of asking.
   * @throws ServiceError POOL_EXHAUSTED, SANDBOX_START_FAILED, SHUTTING_DOWN
   */
  acquire(): Promise<Lease> {
    if (this.#stopped) return Promise.reject(new ServiceError("SHUTTING_DOWN"));
    if (this.#suspended) return Promise.reject(new ServiceError("PANICKED"));
    const hasRoom = this.#leases.size < this.#options.leasesMax;
    if (this.#waiters.length === 0 && hasRoom) {
      const sandbox = this.#takeIdle();
      if (sandbox) {
        this.#scheduleRefill();
        return Promise.resolve(this.#lease(sandbox));
      }
    }
    const { acquireTimeoutMs } = this.#options;
    if (this.#waiters.length >= WAITERS_MAX) {
      return Promise.reject(new ServiceError("POOL_EXHAUSTED", undefined, { retryAfterMs: 1000 }));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(new ServiceError("POOL_EXHAUSTED", undefined, { retryAfterMs: 1000 }));
      }, acquireTimeoutMs);
      const waiter: Waiter = { resolve, reject, timer };
      this.#waiters.push(waiter);
      this.#refill();
    });
  }

  status(): PoolStatus {
    return {
      size: this.#options.size,
      idle: this.#idle.length,
      starting: this.#starting,
      leased: this.#leases.size,
      leases_max: this.#options.leasesMax,
      waiting: this.#waiters.length,
    };
  }

  /** Every sandbox there is: warm ones, and those that are leased. */
  list(): { readonly sandbox: Sandbox; readonly leased: boolean }[] {
    return [
      ...this.#idle.map((sandbox) => ({ sandbox, leased: false })),
      ...[...this.#leases].map(({ sandbox }) => ({ sandbox, leased: true })),
    ];
  }

  /** Hand nothing out and start nothing until resume(). What is leased is not touched. */
  suspend(): void {
    this.#suspended = true;
    clearTimeout(this.#refillTimer);
    this.#rejectWaiters(new ServiceError("PANICKED"));
    for (const sandbox of this.#idle.splice(0)) void sandbox.destroy("the pool is suspended");
  }

  resume(): void {
    this.#suspended = false;
    this.#refill();
  }

  /** Refuse all who wait and destroy what is warm. Leases are left to their holders. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#refillTimer);
    this.#rejectWaiters(new ServiceError("SHUTTING_DOWN"));
    await Promise.all(this.#idle.splice(0).map((sandbox) => sandbox.destroy("the pool stops")));
  }

  /** The oldest idle sandbox that is still alive and as well confined as when it was made. */
  #takeIdle(): Sandbox | undefined {
    for (;;) {
      const sandbox = this.#idle.shift();
      const problem = sandbox?.alive ? sandbox.problem() : null;
      if (!sandbox || (sandbox.alive && problem === null)) return sandbox;
      if (problem !== null) this.#options.onFaulty(sandbox, problem);
      void sandbox.destroy(problem ?? "it died while it waited in the pool");
    }
  }

  #lease(sandbox: Sandbox): Lease {
    let released: Promise<void> | undefined;
    const lease: Lease = {
      sandbox,
      release: (reason) => {
        released ??= this.#release(lease, reason);
        return released;
      },
    };
    this.#leases.add(lease);
    return lease;
  }

  async #release(lease: Lease, reason: string): Promise<void> {
    await lease.sandbox.destroy(reason);
    this.#leases.delete(lease);
    this.#serveWaiters();
    this.#refill();
  }

  #offer(sandbox: Sandbox): void {
    this.#idle.push(sandbox);
    void sandbox.ended.then(() => {
      const index = this.#idle.indexOf(sandbox);
      if (index < 0) return;
      this.#idle.splice(index, 1);
      void sandbox.destroy("it died while it waited in the pool");
      this.#scheduleRefill();
    });
    this.#serveWaiters();
  }

  #serveWaiters(): void {
    while (this.#waiters.length > 0 && this.#leases.size < this.#options.leasesMax) {
      const sandbox = this.#takeIdle();
      if (!sandbox) return;
      const waiter = this.#waiters.shift() as Waiter;
      clearTimeout(waiter.timer);
      waiter.resolve(this.#lease(sandbox));
    }
  }

  #scheduleRefill(): void {
    clearTimeout(this.#refillTimer);
    this.#refillTimer = setTimeout(() => this.#refill(), REFILL_PAUSE_MS);
  }

  /** Start as many as are missing: one for each waiter that has room, and the pool's size on top. */
  #refill(): void {
    if (this.#stopped || this.#suspended) return;
    const { size, leasesMax, startsMax } = this.#options;
    const served = Math.min(this.#waiters.length, leasesMax - this.#leases.size);
    while (this.#starting < startsMax && this.#idle.length + this.#starting < served + size) {
      void this.#startOne();
    }
  }

  async #startOne(): Promise<void> {
    this.#starting++;
    try {
      const sandbox = await this.#driver.create();
      this.#failuresInRow = 0;
      if (this.#stopped || this.#suspended) await sandbox.destroy("the pool stops");
      else this.#offer(sandbox);
    } catch (error) {
      this.#failuresInRow++;
      if (!this.#stopped && !this.#suspended) this.#options.onStartFailed(error);
      if (this.#failuresInRow >= FAILURES_MAX) this.#rejectWaiters(error as Error);
      await this.#pauseAfterFailure();
    } finally {
      this.#starting--;
      this.#refill();
    }
  }

  #pauseAfterFailure(): Promise<void> {
    const pauseMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (this.#failuresInRow - 1));
    return delay(pauseMs, undefined, { ref: false });
  }

  #rejectWaiters(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(error);
    }
  }
}
