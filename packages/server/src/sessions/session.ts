/** A session: the name under which a caller keeps a sandbox, and the queue in front of it. */

import { ServiceError } from "../errors.js";
import type { SandboxFiles } from "../sandbox/files.js";
import type { KernelAnswer, KernelQuestion, QuestionName } from "../sandbox/questions.js";
import type { InputReply, Sandbox, SandboxLimits } from "../sandbox/sandbox.js";
import { ChangingFiles, type ReadingFiles, type ToldOfChange } from "./changing-files.js";
import { Execution } from "./execution.js";
import type { ExecutionRequest } from "./execution-request.js";
import { History, type HistoryBudget } from "./history.js";
import { type InputFiles, placeFiles, withFiles } from "./inline-files.js";
import type { SessionHandle, SessionInfo } from "./interface.js";
import type { ExecutionOutcome } from "./outcome.js";
import type { Leases } from "./places.js";
import { Run } from "./run.js";
import { SessionSandbox, type SessionSandboxOptions } from "./session-sandbox.js";
import { TimeToLive } from "./time-to-live.js";
import { type Work, WorkQueue } from "./work-queue.js";

export interface SessionOptions extends SessionSandboxOptions {
  readonly owner: string;
  readonly limits: SandboxLimits;
  readonly ttlMs: number;
  readonly queuedMax: number;
  /** Called after `ttlMs` without use, and when its first execution could not begin. */
  readonly onOver: (reason: string) => void;
  /** Undefined for a session of a single run, which has no name by which to ask for it. */
  readonly historyBudget: HistoryBudget | undefined;
}

const EXPIRED = "it was idle for longer than its ttl";
export const NEVER_USED = "its first execution could not be started";

export class Session implements SessionHandle {
  readonly owner: string;
  readonly id: string;
  readonly #options: SessionOptions;
  readonly #createdAt = Date.now();
  readonly #timeToLive: TimeToLive;
  readonly #sandbox: SessionSandbox;
  readonly #queue = new WorkQueue(() => this.#touch());
  readonly #history: History | undefined;
  #running: Execution | undefined;
  /** Transfers of files, and requests that come back to it; it does not expire meanwhile. */
  #holders = 0;
  #executions = 0;

  constructor(leases: Leases, options: SessionOptions) {
    this.owner = options.owner;
    this.id = options.id;
    this.#options = options;
    this.#sandbox = new SessionSandbox(leases, options);
    this.#timeToLive = new TimeToLive(options.ttlMs, () => options.onOver(EXPIRED));
    if (options.historyBudget) this.#history = new History(options.historyBudget, options.owner);
  }

  get closed(): boolean {
    return this.#sandbox.closed;
  }

  /** @throws ServiceError SESSION_NOT_FOUND, also while it is ending */
  refuseWhenClosed(): void {
    this.#sandbox.refuseWhenClosed();
  }

  /** What a run gets that asks for nothing else. */
  get limits(): SandboxLimits {
    return this.#options.limits;
  }

  /** Whether it has never had a sandbox, and waits for none. */
  get unused(): boolean {
    return !this.#sandbox.exists && this.#executions + this.#queue.length + this.#holders === 0;
  }

  /**
   * Run code after everything that was asked before. Who follows from the beginning says so. Whether it
   * may run is asked now and, as it may wait for long, again when it begins.
   * @throws ServiceError those of Admit.run, SESSION_NOT_FOUND, SESSION_BUSY; its outcome these,
   * EXECUTION_CANCELLED, and those of the pool
   */
  start(request: ExecutionRequest, limits: Partial<SandboxLimits>, followed = false): Execution {
    const queuedBefore = this.#refuseWork();
    const id = this.#history?.nextId() ?? null;
    const sessionId = this.#history ? this.id : null;
    const execution = new Execution({ id, sessionId, request, queuedBefore, followed });
    if (id !== null) this.#history?.add(id, execution);
    const work = () => this.#work(execution, limits);
    execution.queued(() => {
      this.#queue.takeBack(work);
      this.#noteEnd(execution);
      if (this.unused) this.#options.onOver(NEVER_USED);
    });
    this.#add(work);
    if (request.inputs) execution.outcome.catch(() => request.inputs?.take());
    return execution;
  }

  /** The outcome of `start`. @throws as it does */
  async execute(
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
  ): Promise<ExecutionOutcome> {
    return this.start(request, limits).outcome;
  }

  /**
   * Run our own code after everything that was asked before. It has no number and is in no history.
   * Aborted before its turn it does not begin.
   * @throws ServiceError as start
   */
  async runOwn(request: ExecutionRequest, signal?: AbortSignal): Promise<ExecutionOutcome> {
    this.#refuseWork();
    return this.#inOrder(async () => {
      signal?.throwIfAborted();
      const lease = await this.#sandbox.withLimits(this.#options.limits);
      this.#admitRun();
      const outcome = await new Run(lease.sandbox, request).toEnd(this.#options.bounds);
      this.#sandbox.settle(lease, outcome);
      return outcome;
    });
  }

  /** Do not end it for want of use while `work` goes on, which may have long pauses between its runs. */
  async held<T>(work: () => Promise<T>): Promise<T> {
    this.#holders++;
    this.#timeToLive.hold();
    try {
      return await work();
    } finally {
      this.#holders--;
      this.#touch();
    }
  }

  /** Have a sandbox, and files in it, ready for what comes, after everything that was asked before. */
  warm(limits: Partial<SandboxLimits> = {}, inputs?: InputFiles): Promise<void> {
    return this.#inOrder(async () => {
      const lease = await this.#sandbox.withLimits({ ...this.#options.limits, ...limits });
      if (inputs) await this.#place(lease.sandbox, inputs);
    });
  }

  /**
   * Read its files, beside whatever runs. `work` gets undefined where there is no sandbox and none
   * is to be made, and must not end before the transfer has.
   * @throws ServiceError those of `work`, of the pool, TRANSFER_INTERRUPTED, SESSION_NOT_FOUND
   */
  readFiles<T>(
    makeSandbox: boolean,
    work: (files: ReadingFiles | undefined) => Promise<T>,
  ): Promise<T> {
    return this.#useFiles(makeSandbox, work);
  }

  /** The same for changes, each of which `told` hears of. @throws as readFiles, and those of Admit.change */
  changeFiles<T>(
    makeSandbox: boolean,
    told: ToldOfChange,
    work: (files: ChangingFiles | undefined) => Promise<T>,
  ): Promise<T> {
    const admit = () => this.#admitChange();
    return this.#useFiles(makeSandbox, (files) =>
      work(files && new ChangingFiles(files, admit, told)),
    );
  }

  async #useFiles<T>(
    makeSandbox: boolean,
    work: (files: SandboxFiles | undefined) => Promise<T>,
  ): Promise<T> {
    return this.held(async () => {
      try {
        if (makeSandbox) await this.#sandbox.acquire();
        return await work(await this.#sandbox.living?.files());
      } catch (error) {
        this.#sandbox.refuseWhenClosed(); // Whatever has failed: that is why.
        throw error;
      }
    });
  }

  /** The id of its sandbox, if it has one. */
  get sandboxId(): string | undefined {
    return this.#sandbox.id;
  }

  /** End the sandbox, running code included. The session gets another when it is next used. */
  endSandbox(reason: string): Promise<void> {
    return this.#sandbox.end(reason);
  }

  /** Tell what the sandbox has used since that was told, while its code runs on between two runs. */
  chargeCpu(): void {
    this.#sandbox.chargeCpu();
  }

  /** A fresh interpreter and an empty workspace, for whatever comes after this call. */
  async reset(): Promise<void> {
    this.#executions = 0;
    this.#touch();
    await this.endSandbox("the session was reset");
  }

  /** Destroy the sandbox, running code included. Idempotent. */
  async close(reason: string): Promise<void> {
    this.#timeToLive.stop();
    this.#history?.close();
    await this.#sandbox.close(reason);
  }

  /** Resolves when nothing runs or waits. */
  drained(): Promise<void> {
    return this.#queue.drained();
  }

  /** Count its time to live from now, and have another if one is given. */
  keepAlive(ttlMs: number | undefined): void {
    if (ttlMs !== undefined) this.#timeToLive.ms = ttlMs;
    this.#touch();
  }

  /** KeyboardInterrupt in the code that runs. @throws ServiceError NOTHING_RUNNING */
  interrupt(): Execution {
    const running = this.#running;
    if (!running?.interrupt()) throw new ServiceError("NOTHING_RUNNING");
    return running;
  }

  /** To the input() of the code that runs. @throws ServiceError NO_INPUT_REQUESTED */
  answerInput(reply: InputReply): void {
    if (!this.#running?.answerInput(reply)) throw new ServiceError("NO_INPUT_REQUESTED");
  }

  /**
   * Ask the kernel something after everything that was asked before. Waits for `timeoutMs` at the
   * most, and then the kernel has as long again. Undefined where there is no sandbox to ask.
   * @throws ServiceError as start, and QUESTION_UNANSWERED
   */
  ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name> | undefined> {
    this.#refuseWork();
    return new Promise((resolve, reject) => {
      const work = async () => {
        clearTimeout(patience);
        try {
          const answer = await this.#askNow(question, timeoutMs);
          return () => resolve(answer);
        } catch (error) {
          return () => reject(error);
        }
      };
      const patience = setTimeout(() => {
        this.#queue.takeBack(work);
        reject(
          new ServiceError("SESSION_BUSY", `Code runs in session ${this.id}, and goes on.`, {
            retryAfterMs: 1000,
            hint: "Questions are answered between executions. Ask again when nothing runs.",
          }),
        );
      }, timeoutMs);
      this.#add(work);
    });
  }

  /** What runs, what waits, and what is kept of what was done, in the order of asking. */
  executions(): Execution[] {
    return this.#history?.list() ?? [];
  }

  /** @throws ServiceError EXECUTION_NOT_FOUND */
  executionOf(id: number): Execution {
    if (!this.#history) throw new ServiceError("EXECUTION_NOT_FOUND");
    return this.#history.get(id);
  }

  describe(): SessionInfo {
    const pending = this.#queue.length;
    const inUse = pending + this.#holders > 0;
    const { lastUsedAt, ms: ttlMs } = this.#timeToLive;
    return {
      id: this.id,
      state: pending > 0 ? "busy" : this.#sandbox.exists ? "idle" : "new",
      createdAt: this.#createdAt,
      lastUsedAt,
      expiresAt: inUse ? null : lastUsedAt + ttlMs,
      ttlMs,
      executionCount: this.#executions,
      queued: Math.max(0, pending - 1),
      limits: this.#options.limits,
    };
  }

  #add(work: Work): void {
    this.#timeToLive.hold();
    this.#queue.add(work);
  }

  /** Do something between two executions, after everything that was asked before. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#add(() =>
        work().then(
          (value) => () => resolve(value),
          (error) => () => reject(error),
        ),
      );
    });
  }

  #touch(): void {
    this.#timeToLive.touch();
    if (this.#queue.length + this.#holders === 0) this.#timeToLive.run();
  }

  async #work(execution: Execution, limits: Partial<SandboxLimits>): Promise<() => void> {
    try {
      const outcome = await this.#execute(execution, { ...this.#options.limits, ...limits });
      return () => {
        if (!outcome) return;
        execution.succeeded(outcome);
        this.#noteEnd(execution);
      };
    } catch (error) {
      return () => {
        if (execution.state === "cancelled") return;
        execution.failed(error);
        this.#noteEnd(execution);
        if (this.unused) this.#options.onOver(NEVER_USED);
      };
    }
  }

  /** Undefined for one that was cancelled while it waited for a sandbox. */
  async #execute(
    execution: Execution,
    limits: SandboxLimits,
  ): Promise<ExecutionOutcome | undefined> {
    const lease = await this.#sandbox.withLimits(limits);
    const { inputs, includeFiles } = execution.request;
    if (inputs) await this.#place(lease.sandbox, inputs);
    this.#admitRun();
    this.#running = execution;
    const { restarted } = this.#sandbox;
    const outcome = await execution.runIn(lease.sandbox, this.#options.bounds, restarted);
    this.#running = undefined;
    if (!outcome) return undefined;
    this.#sandbox.toldOfRestart();
    this.#executions++;
    this.#sandbox.settle(lease, outcome);
    return includeFiles ? withFiles(lease.sandbox, outcome) : outcome;
  }

  async #askNow<Name extends QuestionName>(question: KernelQuestion<Name>, timeoutMs: number) {
    this.#admitRun();
    try {
      return await this.#sandbox.living?.ask(question, timeoutMs);
    } catch (error) {
      this.refuseWhenClosed(); // A closed session is the reason for any failure.
      throw error;
    }
  }

  #place(sandbox: Sandbox, inputs: InputFiles): Promise<void> {
    return placeFiles(sandbox, inputs, () => this.#admitChange());
  }

  /** For the turn in which code begins. */
  #admitRun(): void {
    this.#options.admit.run();
    this.refuseWhenClosed();
  }

  #admitChange(): void {
    this.#options.admit.change();
    this.refuseWhenClosed();
  }

  #noteEnd(execution: Execution): void {
    this.#history?.finished(execution);
  }

  /** Returns how many there are that come first. */
  #refuseWork(): number {
    this.#admitRun();
    const queuedBefore = this.#queue.length;
    if (queuedBefore > this.#options.queuedMax) {
      throw new ServiceError(
        "SESSION_BUSY",
        `${queuedBefore} executions wait for session ${this.id} already`,
        { retryAfterMs: 1000 },
      );
    }
    return queuedBefore;
  }
}
