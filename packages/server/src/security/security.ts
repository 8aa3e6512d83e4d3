/**
 * What an operator does when it matters: end everything, see everything, end one, and have every
 * protection tried on a live sandbox. May import sessions and below.
 */

import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.js";
import type { Pool } from "../pool/pool.js";
import type {
  PanicCount,
  Sandbox,
  SandboxDriver,
  SandboxLimits,
  SandboxUsage,
} from "../sandbox/sandbox.js";
import type { Protection } from "../sandbox/verification.js";
import type { PanicLatch, PanicNote } from "./panic-latch.js";

/** Of a sandbox that looks faulty. */
const LOOKS = 4;
const LOOK_AGAIN_MS = 100;

export interface PanicReport {
  readonly since: string;
  readonly reason: string;
  readonly sessionsEnded: number;
  /** Undefined when the driver could not be reached, which `problem` then tells. */
  readonly count: PanicCount | undefined;
  readonly totalMs: number;
  /** Whether every process was seen to be gone. */
  readonly verified: boolean;
  readonly problem: string | null;
}

export interface Fault {
  /** Of the sandbox. */
  readonly id: string;
  readonly problem: string;
}

export interface Verification {
  readonly verified: boolean;
  readonly protections: readonly Protection[];
  /** Names of those that are not verified. */
  readonly failed: readonly string[];
  /** A cheaper look at every sandbox there is. */
  readonly sandboxes: {
    readonly checked: number;
    readonly faulty: readonly Fault[];
  };
  readonly totalMs: number;
}

/** A sandbox and what it uses. */
export interface SandboxInfo {
  readonly id: string;
  readonly isLeased: boolean;
  /** The id of a key, or the built-in admin's; null for a warm sandbox. */
  readonly owner: string | null;
  /** Null for a warm sandbox and for a stateless run. */
  readonly sessionId: string | null;
  readonly usage: SandboxUsage;
  readonly limits: SandboxLimits;
}

/** Who gives an order. Asked in the turn in which it is carried out. */
export interface ActingAdmin {
  /** @throws ServiceError UNAUTHENTICATED (revoked meanwhile), FORBIDDEN */
  assertAdmin(): void;
}

/** Sessions as an emergency sees them: by their sandboxes, whoever owns them. */
export interface EndingSessions {
  /** Returns how many there were, without waiting for anything. */
  endAll(reason: string): number;
  holderOf(sandboxId: string): { readonly owner: string; readonly id: string | null } | undefined;
  endSandbox(sandboxId: string, reason: string): Promise<void> | undefined;
  /** @throws ServiceError SESSION_NOT_FOUND */
  endNamed(id: string, reason: string): { owners: string[]; gone: Promise<void> };
}

export interface SecurityParts {
  readonly driver: SandboxDriver;
  readonly pool: Pool;
  readonly sessions: EndingSessions;
  readonly latch: PanicLatch;
}

export class Security {
  readonly #parts: SecurityParts;
  #panicking: Promise<PanicReport> | undefined;

  /** A panic of an earlier process is in force from the start. */
  constructor(parts: SecurityParts) {
    this.#parts = parts;
    if (parts.latch.note) parts.pool.suspend();
  }

  /** Why nothing runs, or null. */
  get panicked(): PanicNote | null {
    return this.#parts.latch.note;
  }

  /**
   * Two phases: new work is refused and every process stands still at once; then all are killed,
   * and looked for. A second panic meanwhile gets the same report.
   * @throws ServiceError as ActingAdmin
   */
  panic(by: ActingAdmin, reason: string): Promise<PanicReport> {
    by.assertAdmin();
    this.#panicking ??= this.#panic(reason).finally(() => {
      this.#panicking = undefined;
    });
    return this.#panicking;
  }

  async #panic(reason: string): Promise<PanicReport> {
    const { driver, pool, sessions, latch } = this.#parts;
    const startedAt = performance.now();
    pool.suspend();
    const problems: string[] = [];
    const attempt = async <T>(work: () => T | Promise<T>): Promise<T | undefined> => {
      try {
        return await work();
      } catch (error) {
        problems.push((error as Error).message);
        return undefined;
      }
    };
    // The disk may be full; that must not keep anyone alive.
    const note = await attempt(() => latch.set(reason));
    const count = await attempt(() => driver.panic());
    if (count?.problem) problems.push(count.problem);
    const sessionsEnded = sessions.endAll(`a panic: ${reason}`);
    const left = count?.remaining;
    return {
      since: note?.since ?? new Date().toISOString(),
      reason,
      sessionsEnded,
      count,
      totalMs: performance.now() - startedAt,
      verified: left?.sandboxes === 0 && left.processes === 0,
      problem: problems.length > 0 ? problems.join("; ") : null,
    };
  }

  /**
   * Let work in again, once a sandbox has been made and every protection of it verified.
   * @throws ServiceError ISOLATION_UNAVAILABLE naming those that are not, SANDBOX_START_FAILED, PANICKED
   * (again, meanwhile), and as ActingAdmin
   */
  async resume(by: ActingAdmin): Promise<PanicNote | null> {
    by.assertAdmin();
    const { driver, pool, latch } = this.#parts;
    const { note } = latch;
    if (!note) return null;
    await this.#panicking;
    const { protections } = await driver.verify();
    const failed = protections.filter(({ verified }) => !verified);
    if (failed.length > 0) {
      const list = failed.map(({ name, detail }) => `${name} (${detail})`).join(", ");
      throw new ServiceError("ISOLATION_UNAVAILABLE", `Not verified: ${list}`);
    }
    // A panic that came while the sandbox was verified is not the one that is to end.
    if (latch.note !== note && latch.note !== null) throw new ServiceError("PANICKED");
    by.assertAdmin();
    latch.clear();
    pool.resume();
    return note;
  }

  /** Every protection, tried on a sandbox that is made for it. @throws ServiceError SANDBOX_START_FAILED, and as ActingAdmin */
  async verify(by: ActingAdmin): Promise<Verification> {
    by.assertAdmin();
    const { driver, pool } = this.#parts;
    const startedAt = performance.now();
    const { protections } = await driver.verify();
    const all = [...protections, gatewayProtection()];
    const sandboxes = pool.list().flatMap(({ sandbox }) => (sandbox.alive ? [sandbox] : []));
    const faulty = await lastingFaults(sandboxes);
    const failed = all.filter(({ verified }) => !verified).map(({ name }) => name);
    return {
      verified: failed.length === 0 && faulty.length === 0,
      protections: all,
      failed,
      sandboxes: { checked: sandboxes.length, faulty },
      totalMs: performance.now() - startedAt,
    };
  }

  /** @throws ServiceError as ActingAdmin */
  sandboxes(by: ActingAdmin): SandboxInfo[] {
    by.assertAdmin();
    const { pool, sessions } = this.#parts;
    return pool.list().map(({ sandbox, leased }) => {
      const { id, limits } = sandbox;
      const holder = sessions.holderOf(id);
      return {
        ...{ id, isLeased: leased, owner: holder?.owner ?? null, sessionId: holder?.id ?? null },
        ...{ usage: sandbox.usage(), limits },
      };
    });
  }

  /**
   * End one sandbox; its session, if it has one, starts afresh.
   * @throws ServiceError SANDBOX_NOT_FOUND, and as ActingAdmin; nothing has happened then
   */
  killSandbox(by: ActingAdmin, id: string): { sessionId: string | null; gone: Promise<void> } {
    by.assertAdmin();
    const { pool, sessions } = this.#parts;
    const found = pool.list().find(({ sandbox }) => sandbox.id === id);
    if (!found) throw new ServiceError("SANDBOX_NOT_FOUND");
    const sessionId = sessions.holderOf(id)?.id ?? null;
    const reason = "an admin killed its sandbox";
    const gone = sessions.endSandbox(id, reason) ?? found.sandbox.destroy(reason);
    return { sessionId, gone };
  }

  /**
   * End the sessions of this id, for any owner.
   * @throws ServiceError SESSION_NOT_FOUND, and as ActingAdmin; nothing has happened then
   */
  endSessions(by: ActingAdmin, id: string): { owners: string[]; gone: Promise<void> } {
    by.assertAdmin();
    return this.#parts.sessions.endNamed(id, "an admin ended it");
  }
}

/** A sandbox that ends at this very moment looks faulty before its end is known, and user code decides
 * when it ends. What is faulty stays so. */
async function lastingFaults(sandboxes: readonly Sandbox[]): Promise<Fault[]> {
  let faults: (Fault & { sandbox: Sandbox })[] = [];
  let suspects = sandboxes;
  for (let look = 0; look < LOOKS && suspects.length > 0; look++) {
    if (look > 0) await delay(LOOK_AGAIN_MS);
    faults = suspects.flatMap((sandbox) => {
      const problem = sandbox.alive ? sandbox.problem() : null;
      return problem === null ? [] : [{ id: sandbox.id, problem, sandbox }];
    });
    suspects = faults.map(({ sandbox }) => sandbox);
  }
  return faults.map(({ id, problem }) => ({ id, problem }));
}

function gatewayProtection(): Protection {
  const uid = process.getuid?.();
  const unprivileged = uid !== 0 && process.geteuid?.() !== 0;
  return {
    name: "outside.gateway",
    verified: unprivileged,
    detail: unprivileged
      ? "the process that reads HTTP and guests is an ordinary user's"
      : "the process that reads HTTP runs as root",
  };
}
