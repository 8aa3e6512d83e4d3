/**
 * All sessions by name, and stateless executions, which are sessions for one run. The only door to
 * sandboxes for the layers above. May import pool, sandbox, errors, config.
 */

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { WHEELS_MOUNT } from "../config/data-mounts.js";
import type { Config } from "../config.js";
import { ServiceError } from "../errors.js";
import type { Pool, PoolStatus } from "../pool/pool.js";
import type { SandboxFiles } from "../sandbox/files.js";
import type { KernelAnswer, KernelQuestion, QuestionName } from "../sandbox/questions.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import type { ExecutionOutcome, ExecutionRequest } from "./execution.js";
import { type Bounds, boundsOf } from "./explanation.js";
import { HistoryBudget } from "./history.js";
import { checkPackages, installRequest, readInstallation } from "./packages.js";
import type { RunningExecution } from "./running-execution.js";
import { NEVER_USED, Session, type SessionInfo } from "./session.js";
import type { Preparation } from "./session-sandbox.js";

/** Told when a named session begins and ends, and what all of them and stateless runs use. */
export interface SessionObserver {
  created(owner: string, id: string): void;
  ended(owner: string, id: string, reason: string): void;
  cpuUsed(owner: string, seconds: number): void;
}

export interface SessionCreation {
  /** Whose name space the id is in. Only its owner ever sees a session. */
  readonly owner: string;
  readonly id?: string | undefined;
  readonly limits?: Partial<SandboxLimits> | undefined;
  readonly ttlMs?: number | undefined;
  /** Names of DATA_MOUNTS that are shown only to who asks. */
  readonly mounts?: readonly string[] | undefined;
  /** Installed in each of its sandboxes before its first code. */
  readonly packages?: readonly string[] | undefined;
}

const CLOSE_PATIENCE_MS = 3000;
/** What goes on between runs is charged this often, so that no key runs on what it has not. */
const CHARGE_EVERY_MS = 2000;

export class SessionManager {
  readonly #pool: Pool;
  readonly #config: Config;
  readonly #bounds: Bounds;
  readonly #observer: SessionObserver;
  /** By owner and id, see `nameOf`. */
  readonly #sessions = new Map<string, Session>();
  readonly #stateless = new Set<Session>();
  readonly #historyBudget: HistoryBudget;
  readonly #chargeTimer: NodeJS.Timeout;
  #stopping = false;

  constructor(pool: Pool, config: Config, observer: SessionObserver) {
    this.#pool = pool;
    this.#config = config;
    this.#bounds = boundsOf(config);
    this.#observer = observer;
    this.#historyBudget = new HistoryBudget(config.historyBytesMax);
    this.#chargeTimer = setInterval(() => {
      for (const session of this.#sessions.values()) session.chargeCpu();
    }, CHARGE_EVERY_MS).unref();
  }

  /**
   * Run in the owner's session of this name, made on first use, or in a sandbox for this run alone.
   * @throws ServiceError as Session.start
   */
  start(
    owner: string,
    sessionId: string | undefined,
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
    followed = false,
  ): RunningExecution {
    this.#refuseWhenStopping();
    if (sessionId === undefined) return this.#startStateless(owner, request, limits, followed);
    const session =
      this.#sessions.get(nameOf(owner, sessionId)) ?? this.#open({ owner, id: sessionId });
    return session.start(request, limits, followed);
  }

  /** The outcome of `start`. @throws as it does */
  async execute(
    owner: string,
    sessionId: string | undefined,
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
  ): Promise<ExecutionOutcome> {
    return this.start(owner, sessionId, request, limits).outcome;
  }

  /**
   * Do several things with one session: the owner's of this name, made on first use, or one that ends
   * with `work`.
   */
  async withSession<T>(
    owner: string,
    sessionId: string | undefined,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    this.#refuseWhenStopping();
    if (sessionId !== undefined) {
      const session =
        this.#sessions.get(nameOf(owner, sessionId)) ?? this.#open({ owner, id: sessionId });
      try {
        return await session.held(() => work(session));
      } finally {
        if (session.unused) void this.#end(session, NEVER_USED);
      }
    }
    const session = this.#newSession({ owner, id: "stateless" }, undefined, () => undefined);
    this.#stateless.add(session);
    try {
      return await work(session);
    } finally {
      this.#stateless.delete(session);
      void session.close("the request that it was for has ended");
    }
  }

  /** @throws ServiceError SESSION_EXISTS and those of the pool */
  async create(creation: SessionCreation): Promise<SessionInfo> {
    this.#refuseWhenStopping();
    if (creation.id !== undefined && this.has(creation.owner, creation.id)) {
      throw new ServiceError("SESSION_EXISTS");
    }
    const session = this.#open(creation);
    try {
      await session.warm();
    } catch (error) {
      await this.#end(session, "it could not be started");
      throw error;
    }
    return session.describe();
  }

  /** Read the files of a session that exists. @throws as Session.useFiles */
  async readFiles<T>(
    owner: string,
    id: string,
    work: (files: SandboxFiles | undefined) => Promise<T>,
  ): Promise<T> {
    return this.#get(owner, id).useFiles(false, work);
  }

  /** Change the files of a session, which is made as by an execution. @throws as Session.useFiles */
  async changeFiles<T>(
    owner: string,
    id: string,
    work: (files: SandboxFiles) => Promise<T>,
  ): Promise<T> {
    this.#refuseWhenStopping();
    const session = this.#sessions.get(nameOf(owner, id)) ?? this.#open({ owner, id });
    try {
      return await session.useFiles(true, (files) => {
        if (!files) throw new ServiceError("TRANSFER_INTERRUPTED");
        return work(files);
      });
    } catch (error) {
      if (session.unused) void this.#end(session, "its first use could not be started");
      throw error;
    }
  }

  has(owner: string, id: string): boolean {
    return this.#sessions.has(nameOf(owner, id));
  }

  list(owner: string): SessionInfo[] {
    return [...this.#sessions.values()]
      .filter((session) => session.owner === owner)
      .map((session) => session.describe());
  }

  /** How many sessions and stateless runs of this owner live. */
  count(owner: string): number {
    let count = 0;
    for (const session of this.#sessions.values()) if (session.owner === owner) count++;
    for (const session of this.#stateless) if (session.owner === owner) count++;
    return count;
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  describe(owner: string, id: string): SessionInfo {
    return this.#get(owner, id).describe();
  }

  /** Run pip in the session, behind what was asked before. @throws ServiceError SESSION_NOT_FOUND */
  install(
    owner: string,
    id: string,
    packages: readonly string[],
    signal: AbortSignal,
  ): Promise<ExecutionOutcome> {
    return this.#get(owner, id).runOwn(installRequest(packages, this.#config), signal);
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  keepAlive(owner: string, id: string, ttlMs: number | undefined): SessionInfo {
    const session = this.#get(owner, id);
    session.keepAlive(ttlMs);
    return session.describe();
  }

  /** @throws ServiceError SESSION_NOT_FOUND, NOTHING_RUNNING */
  interrupt(owner: string, id: string): RunningExecution {
    return this.#get(owner, id).interrupt();
  }

  /** @throws ServiceError SESSION_NOT_FOUND, NO_INPUT_REQUESTED */
  answerInput(owner: string, id: string, text: string): void {
    this.#get(owner, id).answerInput(text);
  }

  /** @throws ServiceError SESSION_NOT_FOUND and those of Session.ask */
  async ask<Name extends QuestionName>(
    owner: string,
    id: string,
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name> | undefined> {
    return this.#get(owner, id).ask(question, timeoutMs);
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  executions(owner: string, id: string): RunningExecution[] {
    return this.#get(owner, id).executions();
  }

  /** @throws ServiceError SESSION_NOT_FOUND, EXECUTION_NOT_FOUND */
  executionOf(owner: string, id: string, execution: number): RunningExecution {
    return this.#get(owner, id).executionOf(execution);
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  async reset(owner: string, id: string): Promise<SessionInfo> {
    const session = this.#get(owner, id);
    await session.reset();
    return session.describe();
  }

  /** Resolves when the sandbox's processes are gone. @throws ServiceError SESSION_NOT_FOUND */
  async delete(owner: string, id: string, reason: string): Promise<void> {
    await this.#end(this.#get(owner, id), reason);
  }

  /** End the sessions of this id, whoever owns them. Returns the owners. @throws ServiceError SESSION_NOT_FOUND */
  async endNamed(id: string, reason: string): Promise<string[]> {
    const found = [...this.#sessions.values()].filter((session) => session.id === id);
    if (found.length === 0) throw new ServiceError("SESSION_NOT_FOUND");
    await Promise.all(found.map((session) => this.#end(session, reason)));
    return found.map(({ owner }) => owner);
  }

  /** End everything of one owner, running code included. Resolves when the processes are gone. */
  async endOwner(owner: string, reason: string): Promise<void> {
    const theirs = this.#all().filter((session) => session.owner === owner);
    await Promise.all(theirs.map((session) => this.#end(session, reason)));
  }

  /** Whose session has this sandbox. A stateless run has an owner and no id. */
  holderOf(sandboxId: string): { owner: string; id: string | null } | undefined {
    const session = this.#all().find((one) => one.sandboxId === sandboxId);
    if (!session) return undefined;
    return { owner: session.owner, id: this.#stateless.has(session) ? null : session.id };
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
    for (const session of all) void this.#end(session, reason);
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
    clearInterval(this.#chargeTimer);
    const all = this.#all();
    const timeout = delay(this.#config.drainTimeoutMs, undefined, { ref: false });
    await Promise.race([Promise.all(all.map((session) => session.drained())), timeout]);
    // Whoever stops this process ends what could not be ended here.
    const closed = Promise.all(all.map((session) => this.#end(session, "the server is stopping")));
    await Promise.race([closed, delay(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
  }

  #all(): Session[] {
    return [...this.#sessions.values(), ...this.#stateless];
  }

  #startStateless(
    owner: string,
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
    followed: boolean,
  ): RunningExecution {
    const session = this.#newSession({ owner, id: "stateless" }, undefined, () => undefined);
    this.#stateless.add(session);
    const execution = session.start(request, limits, followed);
    const close = () => {
      this.#stateless.delete(session);
      void session.close("its only execution has ended");
    };
    execution.outcome.then(close, close);
    return execution;
  }

  #open(creation: SessionCreation): Session {
    const id = creation.id ?? randomBytes(12).toString("base64url");
    const session = this.#newSession({ ...creation, id }, this.#historyBudget, (reason) => {
      void this.#end(session, reason);
    });
    this.#sessions.set(nameOf(creation.owner, id), session);
    this.#observer.created(creation.owner, id);
    return session;
  }

  #newSession(
    creation: SessionCreation & { id: string },
    historyBudget: HistoryBudget | undefined,
    onOver: (reason: string) => void,
  ): Session {
    const { memoryBytesMax, cpuCoresMax, sessionTtlMs, queuedMax } = this.#config;
    return new Session(this.#pool, {
      owner: creation.owner,
      id: creation.id,
      limits: { memoryBytes: memoryBytesMax, cpuCores: cpuCoresMax, ...creation.limits },
      ttlMs: creation.ttlMs ?? sessionTtlMs,
      preparation: this.#preparation(creation.packages ?? []),
      mounts: this.#onRequest(creation.mounts ?? []),
      queuedMax,
      onCpuUsed: (seconds) => this.#observer.cpuUsed(creation.owner, seconds),
      bounds: this.#bounds,
      onOver,
      historyBudget,
    });
  }

  /** @throws ServiceError PACKAGES_UNAVAILABLE, INVALID_REQUEST */
  #preparation(packages: readonly string[]): Preparation | undefined {
    if (packages.length === 0) return undefined;
    checkPackages(packages, this.#config);
    return { request: installRequest(packages, this.#config), check: readInstallation };
  }

  /** Those of the names that not every sandbox has anyway. @throws ServiceError INVALID_REQUEST */
  #onRequest(names: readonly string[]): string[] {
    if (names.length === 0) return [];
    const known = this.#config.mounts.filter(({ name }) => name !== WHEELS_MOUNT);
    const unknown = names.find((name) => !known.some((mount) => mount.name === name));
    if (unknown !== undefined) {
      const there = known.map(({ name }) => name).join(", ") || "none";
      throw new ServiceError(
        "INVALID_REQUEST",
        `mounts: there is no folder "${unknown}"; there are: ${there}`,
      );
    }
    return known
      .filter((mount) => mount.onRequest && names.includes(mount.name))
      .map(({ name }) => name);
  }

  /** Idempotent, as several causes may come together. */
  #end(session: Session, reason: string): Promise<void> {
    const name = nameOf(session.owner, session.id);
    if (this.#sessions.get(name) === session) {
      this.#sessions.delete(name);
      this.#observer.ended(session.owner, session.id, reason);
    }
    return session.close(reason);
  }

  #get(owner: string, id: string): Session {
    const session = this.#sessions.get(nameOf(owner, id));
    if (!session) throw new ServiceError("SESSION_NOT_FOUND");
    return session;
  }

  #refuseWhenStopping(): void {
    if (this.#stopping) throw new ServiceError("SHUTTING_DOWN");
  }
}

/** Neither owners nor ids have a slash, so no two pairs have the same name. */
function nameOf(owner: string, id: string): string {
  return `${owner}/${id}`;
}
