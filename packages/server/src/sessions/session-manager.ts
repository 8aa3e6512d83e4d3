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
import type { KernelAnswer, KernelQuestion, QuestionName } from "../sandbox/questions.js";
import type { InputReply, SandboxLimits } from "../sandbox/sandbox.js";
import { type Caller, sessionKey } from "./caller.js";
import type { ChangingFiles, ReadingFiles, ToldOfChange } from "./changing-files.js";
import type { Execution } from "./execution.js";
import type { ExecutionRequest } from "./execution-request.js";
import { type Bounds, boundsOf } from "./explanation.js";
import { HistoryBudget } from "./history.js";
import type { SessionCreation, SessionInfo, Sessions } from "./interface.js";
import type { ExecutionOutcome, RestartReason } from "./outcome.js";
import { checkPackages, installRequest, readInstallation } from "./packages.js";
import { Places } from "./places.js";
import { NEVER_USED, Session } from "./session.js";
import type { Preparation } from "./session-sandbox.js";

/** Told when a named session begins and ends, and what all of them and stateless runs use. */
export interface SessionObserver {
  /** Whether it can be told: asked before anything that must not go unrecorded. @throws ServiceError AUDIT_UNAVAILABLE */
  assertRecording(): void;
  onCreated(owner: string, id: string, wanted: Pick<SessionCreation, "mounts" | "packages">): void;
  onEnded(owner: string, id: string, reason: string): void;
  onCpuUsed(owner: string, seconds: number): void;
}

const ENDED_NAMES_MAX = 1000;
const CLOSE_PATIENCE_MS = 3000;
/** Use between runs is charged this often, so that no key exceeds its quota for long. */
const CHARGE_EVERY_MS = 2000;

export class SessionManager implements Sessions {
  readonly #pool: Pool;
  readonly #places: Places;
  readonly #config: Config;
  readonly #bounds: Bounds;
  readonly #observer: SessionObserver;
  /** By owner and id, see `sessionKey`. */
  readonly #sessions = new Map<string, Session>();
  readonly #stateless = new Set<Session>();
  /** Of sessions that have ended, the latest ones: who comes back is told that nothing is left. */
  readonly #endedNames = new Set<string>();
  readonly #historyBudget: HistoryBudget;
  readonly #chargeTimer: NodeJS.Timeout;
  #stopping = false;

  constructor(pool: Pool, config: Config, observer: SessionObserver) {
    this.#pool = pool;
    this.#places = new Places(pool, config.acquireTimeoutMs);
    this.#config = config;
    this.#bounds = boundsOf(config);
    this.#observer = observer;
    this.#historyBudget = new HistoryBudget(config.historyBytesMax);
    this.#chargeTimer = setInterval(() => {
      for (const session of this.#sessions.values()) session.chargeCpu();
    }, CHARGE_EVERY_MS).unref();
  }

  /**
   * Run in the caller's session of this name, made on first use, or in a sandbox for this run alone. Who has
   * looked at a session before gives that: another of the same name is not what was looked at.
   * @throws ServiceError as Session.start, and QUOTA_EXCEEDED
   */
  start(
    caller: Caller,
    where: string | Session | undefined,
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
    followed = false,
  ): Execution {
    this.#refuseWhenStopping();
    if (where === undefined) return this.#startStateless(caller, request, limits, followed);
    const session = typeof where === "string" ? this.obtain(caller, where) : where;
    try {
      return session.start(request, limits, followed);
    } catch (error) {
      if (session.unused) void this.#end(session, NEVER_USED);
      throw error;
    }
  }

  /** The caller's session of this name, made on first use. @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED */
  obtain(caller: Caller, id: string): Session {
    this.#refuseWhenStopping();
    caller.assertAlive();
    const name = sessionKey(caller.id, id);
    const restarted = this.#endedNames.has(name) ? "ended" : undefined;
    return this.#sessions.get(name) ?? this.#open({ owner: caller, id }, restarted);
  }

  /**
   * Do several things with one session: the caller's of this name, made on first use, or one that ends
   * with `work`.
   */
  async withSession<T>(
    caller: Caller,
    sessionId: string | undefined,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    if (sessionId !== undefined) {
      const session = this.obtain(caller, sessionId);
      try {
        return await session.held(() => work(session));
      } finally {
        if (session.unused) void this.#end(session, NEVER_USED);
      }
    }
    const session = this.#newStateless(caller);
    try {
      return await work(session);
    } finally {
      this.#stateless.delete(session);
      void session.close("the request that it was for has ended");
    }
  }

  /** @throws ServiceError SESSION_EXISTS, UNAUTHENTICATED, QUOTA_EXCEEDED and those of the pool */
  async create(creation: SessionCreation): Promise<SessionInfo> {
    this.#refuseWhenStopping();
    const { owner, id } = creation;
    if (id !== undefined && this.has(owner.id, id)) throw new ServiceError("SESSION_EXISTS");
    const session = this.#open(creation);
    try {
      await session.warm();
      session.refuseWhenClosed();
    } catch (error) {
      await this.#end(session, "it could not be started");
      owner.assertAlive(); // A revoked owner is the reason for any failure.
      throw error;
    }
    return session.describe();
  }

  /** Read the files of a session that exists. @throws as Session.readFiles */
  async readFiles<T>(
    caller: Caller,
    id: string,
    work: (files: ReadingFiles | undefined) => Promise<T>,
  ): Promise<T> {
    return this.#get(caller, id).readFiles(false, work);
  }

  /** Change files of a session that exists, and as far as it has any. @throws as Session.changeFiles */
  async changeFiles<T>(
    caller: Caller,
    id: string,
    told: ToldOfChange,
    work: (files: ChangingFiles | undefined) => Promise<T>,
  ): Promise<T> {
    return this.#get(caller, id).changeFiles(false, told, work);
  }

  /** Add files to a session, which is made as by an execution. @throws as Session.changeFiles */
  async addFiles<T>(
    caller: Caller,
    id: string,
    told: ToldOfChange,
    work: (files: ChangingFiles) => Promise<T>,
  ): Promise<T> {
    const session = this.obtain(caller, id);
    try {
      return await session.changeFiles(true, told, (files) => {
        if (!files) throw new ServiceError("TRANSFER_INTERRUPTED");
        return work(files);
      });
    } catch (error) {
      if (session.unused) void this.#end(session, "its first use could not be started");
      throw error;
    }
  }

  has(owner: string, id: string): boolean {
    return this.#sessions.has(sessionKey(owner, id));
  }

  list(caller: Caller): SessionInfo[] {
    caller.assertAlive();
    return [...this.#sessions.values()]
      .filter((session) => session.owner === caller.id)
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
  describe(caller: Caller, id: string): SessionInfo {
    return this.#get(caller, id).describe();
  }

  /** Run pip in the session, behind what was asked before. @throws ServiceError SESSION_NOT_FOUND */
  install(
    caller: Caller,
    id: string,
    packages: readonly string[],
    signal: AbortSignal,
  ): Promise<ExecutionOutcome> {
    return this.#get(caller, id).runOwn(installRequest(packages, this.#config), signal);
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  keepAlive(caller: Caller, id: string, ttlMs: number | undefined): SessionInfo {
    const session = this.#get(caller, id);
    session.keepAlive(ttlMs);
    return session.describe();
  }

  /** @throws ServiceError SESSION_NOT_FOUND, NOTHING_RUNNING */
  interrupt(caller: Caller, id: string): Execution {
    return this.#get(caller, id).interrupt();
  }

  /** @throws ServiceError SESSION_NOT_FOUND, NO_INPUT_REQUESTED */
  answerInput(caller: Caller, id: string, reply: InputReply): void {
    this.#get(caller, id).answerInput(reply);
  }

  /** @throws ServiceError SESSION_NOT_FOUND and those of Session.ask */
  async ask<Name extends QuestionName>(
    caller: Caller,
    id: string,
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name> | undefined> {
    return this.#get(caller, id).ask(question, timeoutMs);
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  executions(caller: Caller, id: string): Execution[] {
    return this.#get(caller, id).executions();
  }

  /** @throws ServiceError SESSION_NOT_FOUND, EXECUTION_NOT_FOUND */
  executionOf(caller: Caller, id: string, execution: number): Execution {
    return this.#get(caller, id).executionOf(execution);
  }

  /** @throws ServiceError SESSION_NOT_FOUND */
  async reset(caller: Caller, id: string): Promise<SessionInfo> {
    const session = this.#get(caller, id);
    await session.reset();
    return session.describe();
  }

  /** Resolves when the sandbox's processes are gone. @throws ServiceError SESSION_NOT_FOUND */
  async delete(caller: Caller, id: string, reason: string): Promise<void> {
    await this.#end(this.#get(caller, id), reason);
  }

  /**
   * End the sessions of this id, for any owner. `gone` resolves when their processes are.
   * @throws ServiceError SESSION_NOT_FOUND
   */
  endNamed(id: string, reason: string): { owners: string[]; gone: Promise<void> } {
    const found = [...this.#sessions.values()].filter((session) => session.id === id);
    if (found.length === 0) throw new ServiceError("SESSION_NOT_FOUND");
    const gone = Promise.all(found.map((session) => this.#end(session, reason)));
    return { owners: found.map(({ owner }) => owner), gone: gone.then(() => undefined) };
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

  /** End the sandbox of whichever session or stateless run has it. Undefined when none does. */
  endSandbox(sandboxId: string, reason: string): Promise<void> | undefined {
    return this.#all()
      .find((one) => one.sandboxId === sandboxId)
      ?.endSandbox(reason);
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
    // The supervisor ends what could not be ended here.
    const closed = Promise.all(all.map((session) => this.#end(session, "the server is stopping")));
    await Promise.race([closed, delay(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
  }

  #all(): Session[] {
    return [...this.#sessions.values(), ...this.#stateless];
  }

  #startStateless(
    caller: Caller,
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
    followed: boolean,
  ): Execution {
    const session = this.#newStateless(caller);
    const close = () => {
      this.#stateless.delete(session);
      void session.close("its only execution has ended");
    };
    try {
      const execution = session.start(request, limits, followed);
      execution.outcome.then(close, close);
      return execution;
    } catch (error) {
      close();
      throw error;
    }
  }

  #newStateless(owner: Caller): Session {
    this.#refuseWhenStopping();
    this.#admitSession(owner);
    const session = this.#newSession({ owner, id: "stateless" }, undefined, () => undefined);
    this.#stateless.add(session);
    return session;
  }

  /** Asked wherever one begins, in the turn in which it does. */
  #admitSession(owner: Caller): void {
    this.#observer.assertRecording();
    if (owner.sessionsMax === undefined) owner.assertAlive();
    else owner.admitSession(this.count(owner.id));
  }

  #open(creation: SessionCreation, restarted?: RestartReason): Session {
    this.#admitSession(creation.owner);
    const id = creation.id ?? randomBytes(12).toString("base64url");
    const wanted = { ...creation, id, restarted };
    const session = this.#newSession(wanted, this.#historyBudget, (reason) => {
      void this.#end(session, reason);
    });
    this.#sessions.set(sessionKey(creation.owner.id, id), session);
    this.#endedNames.delete(sessionKey(creation.owner.id, id));
    this.#observer.onCreated(creation.owner.id, id, creation);
    return session;
  }

  #newSession(
    creation: SessionCreation & { id: string; restarted?: RestartReason | undefined },
    historyBudget: HistoryBudget | undefined,
    onOver: (reason: string) => void,
  ): Session {
    const { memoryBytesMax, cpuCoresMax, sessionTtlMs, queuedMax } = this.#config;
    const { owner } = creation;
    const observer = this.#observer;
    return new Session(this.#places.of(owner), {
      owner: owner.id,
      id: creation.id,
      admit: {
        run: () => {
          observer.assertRecording();
          owner.admitRun();
        },
        change: () => {
          observer.assertRecording();
          owner.assertAlive();
        },
      },
      limits: { memoryBytes: memoryBytesMax, cpuCores: cpuCoresMax, ...creation.limits },
      ttlMs: creation.ttlMs ?? sessionTtlMs,
      preparation: this.#preparation(creation.packages ?? []),
      mounts: this.#onRequest(creation.mounts ?? []),
      queuedMax,
      onCpuUsed: (seconds) => observer.onCpuUsed(owner.id, seconds),
      bounds: this.#bounds,
      restarted: creation.restarted,
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
    const name = sessionKey(session.owner, session.id);
    if (this.#sessions.get(name) === session) {
      this.#sessions.delete(name);
      if (!session.unused) this.#rememberEnd(name);
      this.#observer.onEnded(session.owner, session.id, reason);
    }
    return session.close(reason);
  }

  #rememberEnd(name: string): void {
    this.#endedNames.add(name);
    const [oldest] = this.#endedNames;
    if (this.#endedNames.size > ENDED_NAMES_MAX && oldest) this.#endedNames.delete(oldest);
  }

  #get(caller: Caller, id: string): Session {
    caller.assertAlive();
    const session = this.#sessions.get(sessionKey(caller.id, id));
    if (!session) throw new ServiceError("SESSION_NOT_FOUND");
    return session;
  }

  #refuseWhenStopping(): void {
    if (this.#stopping) throw new ServiceError("SHUTTING_DOWN");
  }
}
