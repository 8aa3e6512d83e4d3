/**
 * Refused tokens, gathered: the first is recorded at once, those that follow together after a while.
 * So a client without a token causes one record a minute, and can neither fill the disk nor push others out.
 */

import type { Audit } from "./audit.js";

const GATHER_MS = 60_000;
const CLIENTS_COUNTED_MAX = 1000;
const CLIENTS_TOLD_MAX = 10;

export class AuthFailures {
  readonly #audit: Audit;
  readonly #gatherMs: number;
  readonly #clients = new Map<string, number>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(audit: Audit, gatherMs = GATHER_MS) {
    this.#audit = audit;
    this.#gatherMs = gatherMs;
  }

  note(client: string): void {
    this.#count++;
    if (this.#clients.has(client) || this.#clients.size < CLIENTS_COUNTED_MAX) {
      this.#clients.set(client, (this.#clients.get(client) ?? 0) + 1);
    }
    if (!this.#timer) this.#tell();
  }

  /** Tell what is not told yet. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#tell();
    clearTimeout(this.#timer);
  }

  #tell(): void {
    this.#timer = undefined;
    if (this.#count === 0) return;
    const most = [...this.#clients].sort((a, b) => b[1] - a[1]).slice(0, CLIENTS_TOLD_MAX);
    this.#audit.record("auth_failed", {
      count: this.#count,
      clients: most.map(([client, count]) => ({ client, count })),
    });
    this.#count = 0;
    this.#clients.clear();
    this.#timer = setTimeout(() => this.#tell(), this.#gatherMs).unref();
  }
}
