/**
 * All sessions by name, and stateless executions, which are sessions for one run. The only door to
 * sandboxes for the layers above. May import pool, sandbox, errors, config.
 */

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.js";
import { ServiceError } from "../errors.js";
import type { Pool, PoolStatus } from "../pool/pool.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import type { ExecutionOutcome, ExecutionRequest } from "./execution.js";
import { Session, type SessionInfo } from "./session.js";

export interface SessionCreation {
  readonly id?: string | undefined;
  readonly limits?: Partial<SandboxLimits> | undefined;
  readonly ttlMs?: number | undefined;
}

const CLOSE_PATIENCE_MS = 3000;

export class SessionManager {
  readonly #pool: Pool;
  readonly #config: Config;
  readonly #sessions = new Map<string, Session>();
  readonly #stateless = new Set<Session>();
  #stopping = false;

  constructor(pool: Pool, config: Config) {
    this.#pool = pool;
    this.#config = config;
  }

  /** Run in the session of this name, made on first use, or in a sandbox for this run alone. */
  async execute(
    sessionId: string | undefined,
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
  ): Promise<ExecutionOutcome> {
    this.#refuseWhenStopping();
    if (sessionId !== undefined) {
      const session = this.#sessions.get(sessionId) ?? this.#open({ id: sessionId });
      try {
        return await session.execute(request, limits);
      } catch (error) {
        if (session.unused) this.#drop(session, "its first execution could not be started");
        throw error;
      }
    }
    const session = this.#newSession({ id: "stateless" }, () => undefined);
    this.#stateless.add(session);
    try {
      return await session.execute(request, limits);
    } finally {
      this.#stateless.delete(session);
      void session.close("its only execution has ended");
    }
  }

  /** @throws ServiceError SESSION_EXISTS and those of the pool */
  async create(creation: SessionCreation): Promise<SessionInfo> {
    this.#refuseWhenStopping();
    if (creation.id !== undefined && this.#sessions.has(creation.id)) {
      throw new ServiceError("SESSION_EXISTS");
    }
    const session = this.#open(creation);
    try {
      await session.warm();
    } catch (error) {
      this.#sessions.delete(session.id);
      await session.close("it could not be started");
      throw error;
    }
    return session.describe();
  }

  list(): SessionInfo[] {
    return [...this.#sessions.values()].map((session) => session.describe());
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  describe(id: string): SessionInfo {
    return this.#get(id).describe();
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  async reset(id: string): Promise<SessionInfo> {
    const session = this.#get(id);
    await session.reset();
    return session.describe();
  }

  /** Resolves when the sandbox's processes are gone. @throws ServiceError SESSION_NOT_FOUND */
  async delete(id: string, reason: string): Promise<void> {
    const session = this.#get(id);
    this.#sessions.delete(id);
    await session.close(reason);
  }

  /** The name of the session that has this sandbox; stateless runs have none. */
  nameOf(sandboxId: string): string | undefined {
    return [...this.#sessions.values()].find((session) => session.sandboxId === sandboxId)?.id;
  }

  /** End the sandbox of whichever session or stateless run has it. False when none does. */
  async endSandbox(sandboxId: string, reason: string): Promise<boolean> {
    const session = this.#all().find((one) => one.sandboxId === sandboxId);
    await session?.endSandbox(reason);
    return session !== undefined;
  }

  /** End every session without waiting for anything. Returns how many there were. */
  endAll(reason: string): number {
    const all = this.#all();
    this.#sessions.clear();
    for (const session of all) void session.close(reason);
    return all.length;
  }

  status(): { pool: PoolStatus; sessions: number; stateless: number } {
    return {
      pool: this.#pool.status(),
      sessions: this.#sessions.size,
      stateless: this.#stateless.size,
    };
  }

  /** Let running executions end within `drainTimeoutMs`, then end every session. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const all = this.#all();
    const timeout = delay(this.#config.drainTimeoutMs, undefined, { ref: false });
    await Promise.race([Promise.all(all.map((session) => session.drained())), timeout]);
    // Whoever stops this process ends what could not be ended here.
    const closed = Promise.all(all.map((session) => session.close("the server is stopping")));
    await Promise.race([closed, delay(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
    this.#sessions.clear();
  }

  #all(): Session[] {
    return [...this.#sessions.values(), ...this.#stateless];
  }

  #open(creation: SessionCreation): Session {
    const id = creation.id ?? randomBytes(12).toString("base64url");
    const session = this.#newSession({ ...creation, id }, () => {
      this.#drop(session, "it was idle for longer than its ttl");
    });
    this.#sessions.set(id, session);
    return session;
  }

  #newSession(creation: SessionCreation & { id: string }, onExpired: () => void): Session {
    const { memoryBytesMax, cpuCoresMax, sessionTtlMs, queuedMax } = this.#config;
    return new Session(this.#pool, {
      id: creation.id,
      limits: { memoryBytes: memoryBytesMax, cpuCores: cpuCoresMax, ...creation.limits },
      ttlMs: creation.ttlMs ?? sessionTtlMs,
      queuedMax,
      onExpired,
    });
  }

  #drop(session: Session, reason: string): void {
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
    void session.close(reason);
  }

  #get(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new ServiceError("SESSION_NOT_FOUND");
    return session;
  }

  #refuseWhenStopping(): void {
    if (this.#stopping) throw new ServiceError("SHUTTING_DOWN");
  }
}
