/**
 * A gate before the pool for owners with a bound: sandboxes that are still being destroyed count, so an
 * owner who ends sessions faster than their sandboxes go waits, and never holds more places than allowed.
 */

import { ServiceError } from "../errors.js";
import type { Lease, Pool } from "../pool/pool.js";
import type { Caller } from "./caller.js";

/** Where a session gets its sandboxes from. */
export type Leases = Pick<Pool, "acquire">;

interface Waiter {
  readonly resolve: () => void;
  readonly timer: NodeJS.Timeout;
}

interface Held {
  taken: number;
  /** In the order of asking. */
  readonly waiting: Waiter[];
}

export class Places {
  readonly #pool: Leases;
  readonly #timeoutMs: number;
  readonly #byOwner = new Map<string, Held>();

  constructor(pool: Leases, timeoutMs: number) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
  }

  /** The pool itself for an owner without a bound. */
  of(owner: Caller): Leases {
    const { id, sessionsMax } = owner;
    if (sessionsMax === undefined) return this.#pool;
    return { acquire: () => this.#acquire(id, sessionsMax) };
  }

  /** @throws ServiceError POOL_EXHAUSTED and those of the pool */
  async #acquire(owner: string, placesMax: number): Promise<Lease> {
    const held = this.#heldBy(owner);
    if (held.taken < placesMax) held.taken++;
    else await this.#freed(held);
    try {
      const lease = await this.#pool.acquire();
      let released: Promise<void> | undefined;
      return {
        sandbox: lease.sandbox,
        release: (reason) => {
          released ??= lease.release(reason).finally(() => this.#free(owner, held));
          return released;
        },
      };
    } catch (error) {
      this.#free(owner, held);
      throw error;
    }
  }

  #heldBy(owner: string): Held {
    let held = this.#byOwner.get(owner);
    if (!held) {
      held = { taken: 0, waiting: [] };
      this.#byOwner.set(owner, held);
    }
    return held;
  }

  /** Resolves with a place that was handed over. */
  #freed(held: Held): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        held.waiting.splice(held.waiting.indexOf(waiter), 1);
        const message = "Ended sandboxes of this key, which its quota counts, are not gone yet.";
        reject(new ServiceError("POOL_EXHAUSTED", message, { retryAfterMs: 1000 }));
      }, this.#timeoutMs);
      const waiter: Waiter = { resolve, timer };
      held.waiting.push(waiter);
    });
  }

  #free(owner: string, held: Held): void {
    const next = held.waiting.shift();
    if (next) {
      clearTimeout(next.timer);
      next.resolve();
      return;
    }
    held.taken--;
    if (held.taken === 0) this.#byOwner.delete(owner);
  }
}
