/**
 * The sandbox of a session: leased when it is first needed, given what the session has asked for, and
 * replaced when it has ended. There is one at a time, however many ask.
 */

import { ServiceError } from "../errors.js";
import type { Lease } from "../pool/pool.js";
import type { Sandbox, SandboxLimits } from "../sandbox/sandbox.js";
import type { Admit } from "./caller.js";
import { CpuCharge } from "./cpu-charge.js";
import type { ExecutionRequest } from "./execution-request.js";
import type { Bounds } from "./explanation.js";
import type { ExecutionOutcome, RestartReason } from "./outcome.js";
import type { Leases } from "./places.js";
import { Run } from "./run.js";

export interface Preparation {
  readonly request: ExecutionRequest;
  /** @throws when the sandbox is not fit for use */
  readonly check: (outcome: ExecutionOutcome) => void;
}

export interface SessionSandboxOptions {
  /** Of the session. */
  readonly id: string;
  readonly admit: Admit;
  /** Our own code for each of its sandboxes, before any other, and what to think of its outcome. */
  readonly preparation: Preparation | undefined;
  /** Folders that it sees besides those that every sandbox has. */
  readonly mounts: readonly string[];
  /** Told of all CPU time once, that of threads and processes between two runs included. */
  readonly onCpuUsed: (seconds: number) => void;
  /** Why there is nothing of what a session of this name has had before. */
  readonly restarted?: RestartReason | undefined;
  /** For telling which limit a failed run has met. */
  readonly bounds: Bounds;
}

export class SessionSandbox {
  readonly #leases: Leases;
  readonly #options: SessionSandboxOptions;
  readonly #cpuCharge: CpuCharge;
  #lease: Lease | undefined;
  /** Not the session's yet, and code of its preparation may run there. */
  #preparing: Lease | undefined;
  /** Sandboxes that are being destroyed. */
  readonly #leaving = new Set<Promise<void>>();
  #acquiring: Promise<Lease> | undefined;
  #closed: string | undefined;
  #restarted: RestartReason | undefined;

  constructor(leases: Leases, options: SessionSandboxOptions) {
    this.#leases = leases;
    this.#options = options;
    this.#cpuCharge = new CpuCharge(options.onCpuUsed);
    this.#restarted = options.restarted;
  }

  /** Why the state of earlier runs is gone; undefined where it is not, or has been told. */
  get restarted(): RestartReason | undefined {
    return this.#restarted;
  }

  /** A run has been told, before what it does itself is settled. */
  toldOfRestart(): void {
    this.#restarted = undefined;
  }

  /** Whether there is one, alive or not. */
  get exists(): boolean {
    return this.#lease !== undefined;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  get id(): string | undefined {
    return this.#lease?.sandbox.id;
  }

  get living(): Sandbox | undefined {
    return this.#lease?.sandbox.alive ? this.#lease.sandbox : undefined;
  }

  /**
   * The current sandbox, or a new one, with these limits. Retries once if it dies while they are set.
   */
  async withLimits(limits: SandboxLimits, isSecond = false): Promise<Lease> {
    const lease = this.#present() ?? (await this.acquire());
    const now = lease.sandbox.limits;
    if (now.memoryBytes !== limits.memoryBytes || now.cpuCores !== limits.cpuCores) {
      try {
        await lease.sandbox.setLimits(limits);
      } catch (error) {
        if (isSecond || lease.sandbox.alive) throw error;
        return this.withLimits(limits, true);
      }
    }
    return lease;
  }

  /** The current sandbox, or one that all callers of this moment share. */
  async acquire(): Promise<Lease> {
    const present = this.#present();
    if (present) return present;
    this.#acquiring ??= this.#leasePrepared().finally(() => {
      this.#acquiring = undefined;
    });
    const lease = await this.#acquiring;
    if (this.#closed !== undefined) {
      await this.#leave(lease, "the session was deleted while it waited for a sandbox");
      this.refuseWhenClosed();
    }
    this.#lease = lease;
    return lease;
  }

  /** A run in it has ended so. */
  settle(lease: Lease, outcome: ExecutionOutcome): void {
    this.#cpuCharge.afterRun(lease.sandbox, outcome);
    if (outcome.spent) {
      if (this.#lease === lease) this.#lease = undefined;
      if (outcome.status !== "ok" && outcome.status !== "error") this.#restarted = outcome.status;
      // The session need not wait for the cleaning up; the pool counts the place as taken until then.
      void this.#leave(lease, `an execution ended with status ${outcome.status}`);
    }
  }

  /** Tell what it has used since that was told, while its code runs on between two runs. */
  chargeCpu(): void {
    if (!this.#lease) return;
    try {
      this.#cpuCharge.sinceLastTold(this.#lease.sandbox);
    } catch {
      // It is just ending, and its last reading is told when it is released.
    }
  }

  /** There is another when one is next needed. */
  async end(reason: string): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (!lease) return;
    this.#restarted = "reset";
    await this.#release(lease, reason);
  }

  /** There is none any more, nor one that is prepared or destroyed. Idempotent. */
  async close(reason: string): Promise<void> {
    this.#closed ??= reason;
    if (this.#preparing) void this.#leave(this.#preparing, reason);
    if (this.#lease) await this.#release(this.#lease, reason);
    await Promise.all(this.#leaving);
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  refuseWhenClosed(): void {
    if (this.#closed === undefined) return;
    const { id } = this.#options;
    throw new ServiceError("SESSION_NOT_FOUND", `Session ${id} has ended: ${this.#closed}.`);
  }

  /** The current sandbox, if it lives. */
  #present(): Lease | undefined {
    this.refuseWhenClosed();
    if (this.#lease && !this.#lease.sandbox.alive) {
      void this.#release(this.#lease, "its sandbox has ended");
      this.#restarted = "died";
      this.#lease = undefined;
    }
    return this.#lease;
  }

  /** Every sandbox that the session gets has its folders and packages before its code runs there. */
  async #leasePrepared(): Promise<Lease> {
    const lease = await this.#leases.acquire();
    const { mounts, preparation, bounds, admit } = this.#options;
    if (mounts.length === 0 && !preparation && !this.closed) return lease;
    this.#preparing = lease;
    try {
      this.refuseWhenClosed();
      if (mounts.length > 0) await lease.sandbox.mount(mounts);
      if (preparation) {
        admit.run();
        const outcome = await new Run(lease.sandbox, preparation.request).toEnd(bounds);
        this.#cpuCharge.afterRun(lease.sandbox, outcome);
        this.refuseWhenClosed();
        preparation.check(outcome);
      }
      this.refuseWhenClosed();
    } catch (error) {
      void this.#leave(lease, "it could not be prepared for the session");
      this.refuseWhenClosed(); // A closed session is the reason for any failure.
      throw error;
    } finally {
      this.#preparing = undefined;
    }
    return lease;
  }

  /** What was used since the last run is told now; the sandbox keeps its last reading. */
  #release(lease: Lease, reason: string): Promise<void> {
    const released = this.#leave(lease, reason);
    this.#cpuCharge.sinceLastTold(lease.sandbox);
    return released;
  }

  #leave(lease: Lease, reason: string): Promise<void> {
    const gone = lease.release(reason).finally(() => this.#leaving.delete(gone));
    this.#leaving.add(gone);
    return gone;
  }
}
