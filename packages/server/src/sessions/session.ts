/** A session: the name under which a caller keeps a sandbox, and the queue in front of it. */

import { ServiceError } from "../errors.js";
import type { Lease, Pool } from "../pool/pool.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import { type ExecutionOutcome, type ExecutionRequest, runExecution } from "./execution.js";
import type { Bounds } from "./explanation.js";

export interface SessionOptions {
  readonly owner: string;
  readonly id: string;
  readonly limits: SandboxLimits;
  readonly ttlMs: number;
  readonly queuedMax: number;
  /** Told of all CPU time once, that of threads and processes between two runs included. */
  readonly onCpuUsed: (seconds: number) => void;
  /** For telling which limit a failed run has met. */
  readonly bounds: Bounds;
  /** Called after `ttlMs` without use. */
  readonly onExpired: () => void;
}

/** What a caller is told about a session. */
export interface SessionInfo {
  readonly session_id: string;
  readonly state: "new" | "idle" | "busy";
  readonly created_at: string;
  readonly last_used_at: string;
  readonly expires_at: string | null;
  readonly ttl: number;
  readonly execution_count: number;
  readonly queued: number;
  readonly limits: { readonly memory_bytes: number; readonly cpus: number };
}

/** setTimeout takes no more. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class Session {
  readonly owner: string;
  readonly id: string;
  readonly #pool: Pool;
  readonly #options: SessionOptions;
  readonly #createdAt = Date.now();
  #lastUsedAt = this.#createdAt;
  #limits: SandboxLimits;
  #lease: Lease | undefined;
  /** How much of a sandbox's CPU time has been told; nothing is kept before its first run. */
  readonly #cpuTold = new WeakMap<Lease, number>();
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #executions = 0;
  #ttlTimer: NodeJS.Timeout | undefined;
  #closed: string | undefined;

  constructor(pool: Pool, options: SessionOptions) {
    this.owner = options.owner;
    this.id = options.id;
    this.#pool = pool;
    this.#options = options;
    this.#limits = options.limits;
    this.#restartTtl();
  }

  /** Whether it has never had a sandbox, and nobody waits for one. */
  get unused(): boolean {
    return !this.#lease && this.#executions === 0 && this.#pending === 0;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * Run code after everything that was asked before.
   * @throws ServiceError SESSION_BUSY, SESSION_NOT_FOUND (deleted meanwhile) and those of the pool
   */
  execute(request: ExecutionRequest, limits: Partial<SandboxLimits>): Promise<ExecutionOutcome> {
    if (this.#pending > this.#options.queuedMax) {
      return Promise.reject(
        new ServiceError(
          "SESSION_BUSY",
          `${this.#pending} executions wait for session ${this.id} already`,
          { retryAfterMs: 1000 },
        ),
      );
    }
    return this.#inOrder(() => this.#execute(request, { ...this.#limits, ...limits }));
  }

  /** Have a sandbox ready before the first execution. */
  warm(): Promise<void> {
    return this.#inOrder(async () => {
      await this.#ensureLease(this.#limits);
    });
  }

  /** The id of its sandbox, if it has one. */
  get sandboxId(): string | undefined {
    return this.#lease?.sandbox.id;
  }

  /** End the sandbox, running code included. The session gets another when it is next used. */
  async endSandbox(reason: string): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease) await this.#release(lease, reason);
  }

  /** Tell what the sandbox has used since that was told, while its code runs on between two runs. */
  chargeCpu(): void {
    const lease = this.#lease;
    const told = lease && this.#cpuTold.get(lease);
    if (!lease || told === undefined) return;
    try {
      this.#tellCpu(lease, told, lease.sandbox.cpuSeconds());
    } catch {
      // It is just ending, and its last reading is told when it is released.
    }
  }

  /** A fresh interpreter and an empty workspace, for whatever comes after this call. */
  async reset(): Promise<void> {
    this.#executions = 0;
    this.#touch();
    await this.endSandbox("the session was reset");
  }

  /** Destroy the sandbox, running code included. Idempotent. */
  async close(reason: string): Promise<void> {
    this.#closed ??= reason;
    clearTimeout(this.#ttlTimer);
    if (this.#lease) await this.#release(this.#lease, reason);
  }

  /** Resolves when nothing runs or waits. */
  async drained(): Promise<void> {
    while (this.#pending > 0) await this.#tail;
  }

  describe(): SessionInfo {
    const expiresAt = this.#pending > 0 ? null : this.#lastUsedAt + this.#options.ttlMs;
    return {
      session_id: this.id,
      state: this.#pending > 0 ? "busy" : this.#lease ? "idle" : "new",
      created_at: new Date(this.#createdAt).toISOString(),
      last_used_at: new Date(this.#lastUsedAt).toISOString(),
      expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      ttl: this.#options.ttlMs / 1000,
      execution_count: this.#executions,
      queued: Math.max(0, this.#pending - 1),
      limits: { memory_bytes: this.#limits.memoryBytes, cpus: this.#limits.cpuCores },
    };
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    this.#pending++;
    clearTimeout(this.#ttlTimer);
    const result = (this.#pending === 1 ? work() : this.#tail.then(work)).finally(() => {
      this.#pending--;
      this.#touch();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #touch(): void {
    this.#lastUsedAt = Date.now();
    if (this.#pending === 0) this.#restartTtl();
  }

  #restartTtl(): void {
    clearTimeout(this.#ttlTimer);
    if (this.closed) return;
    const leftMs = this.#lastUsedAt + this.#options.ttlMs - Date.now();
    this.#ttlTimer = setTimeout(
      () => (leftMs > TIMER_MS_MAX ? this.#restartTtl() : this.#options.onExpired()),
      Math.min(leftMs, TIMER_MS_MAX),
    ).unref();
  }

  async #execute(request: ExecutionRequest, limits: SandboxLimits): Promise<ExecutionOutcome> {
    const lease = await this.#ensureLease(limits);
    const outcome = await runExecution(lease.sandbox, request, this.#options.bounds);
    this.#executions++;
    const began = outcome.sandboxCpuSeconds - outcome.cpuSeconds;
    this.#tellCpu(lease, this.#cpuTold.get(lease) ?? began, outcome.sandboxCpuSeconds);
    if (outcome.spent) {
      if (this.#lease === lease) this.#lease = undefined;
      // Nobody has to wait for the cleaning up; the pool counts the place as taken until then.
      void lease.release(`an execution ended with status ${outcome.status}`);
    }
    return outcome;
  }

  /** What was used since the last run is told now; the sandbox keeps its last reading. */
  #release(lease: Lease, reason: string): Promise<void> {
    const released = lease.release(reason);
    const told = this.#cpuTold.get(lease);
    if (told !== undefined) this.#tellCpu(lease, told, lease.sandbox.cpuSeconds());
    return released;
  }

  #tellCpu(lease: Lease, told: number, seconds: number): void {
    this.#cpuTold.set(lease, Math.max(told, seconds));
    if (seconds > told) this.#options.onCpuUsed(seconds - told);
  }

  /** A sandbox that ends while its limits are set is no fault of who asked: there is a second one. */
  async #ensureLease(limits: SandboxLimits, isSecond = false): Promise<Lease> {
    this.#refuseWhenClosed();
    if (this.#lease && !this.#lease.sandbox.alive) {
      void this.#release(this.#lease, "its sandbox has ended");
      this.#lease = undefined;
    }
    const lease = this.#lease ?? (await this.#pool.acquire());
    if (this.closed) {
      await lease.release("the session was deleted while it waited for a sandbox");
      this.#refuseWhenClosed();
    }
    this.#lease = lease;
    const now = lease.sandbox.limits;
    if (now.memoryBytes !== limits.memoryBytes || now.cpuCores !== limits.cpuCores) {
      try {
        await lease.sandbox.setLimits(limits);
      } catch (error) {
        if (isSecond || lease.sandbox.alive) throw error;
        return this.#ensureLease(limits, true);
      }
    }
    return lease;
  }

  #refuseWhenClosed(): void {
    if (this.#closed !== undefined) {
      throw new ServiceError("SESSION_NOT_FOUND", `Session ${this.id} has ended: ${this.#closed}.`);
    }
  }
}
