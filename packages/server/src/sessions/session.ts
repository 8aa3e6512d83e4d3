/** A session: the name under which a caller keeps a sandbox, and the queue in front of it. */

import { ServiceError } from "../errors.js";
import type { Lease, Pool } from "../pool/pool.js";
import type { SandboxFiles } from "../sandbox/files.js";
import type { KernelAnswer, KernelQuestion, QuestionName } from "../sandbox/questions.js";
import type { Sandbox, SandboxLimits } from "../sandbox/sandbox.js";
import { type ExecutionOutcome, type ExecutionRequest, Run } from "./execution.js";
import type { Bounds } from "./explanation.js";
import { History, type HistoryBudget } from "./history.js";
import { collectFiles, type InputFiles, placeFiles } from "./inline-files.js";
import { RunningExecution } from "./running-execution.js";
import { type Work, WorkQueue } from "./work-queue.js";

export interface Preparation {
  readonly request: ExecutionRequest;
  /** @throws when the sandbox is not fit for use */
  readonly check: (outcome: ExecutionOutcome) => void;
}

export interface SessionOptions {
  readonly owner: string;
  readonly id: string;
  readonly limits: SandboxLimits;
  readonly ttlMs: number;
  /** Our own code for each of its sandboxes, before any other, and what to think of its outcome. */
  readonly preparation: Preparation | undefined;
  /** Folders that it sees besides those that every sandbox has. */
  readonly mounts: readonly string[];
  readonly queuedMax: number;
  /** Told of all CPU time once, that of threads and processes between two runs included. */
  readonly onCpuUsed: (seconds: number) => void;
  /** For telling which limit a failed run has met. */
  readonly bounds: Bounds;
  /** Called after `ttlMs` without use, and when its first execution could not begin. */
  readonly onOver: (reason: string) => void;
  /** Undefined for a session of a single run, which has no name by which to ask for it. */
  readonly historyBudget: HistoryBudget | undefined;
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
const EXPIRED = "it was idle for longer than its ttl";
const NEVER_USED = "its first execution could not be started";

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
  readonly #queue = new WorkQueue(() => this.#touch());
  readonly #history: History | undefined;
  #running: RunningExecution | undefined;
  /** Transfers of files, and requests that come back to it; it does not expire meanwhile. */
  #holders = 0;
  #acquiring: Promise<Lease> | undefined;
  #executions = 0;
  #ttlMs: number;
  #ttlTimer: NodeJS.Timeout | undefined;
  #closed: string | undefined;

  constructor(pool: Pool, options: SessionOptions) {
    this.owner = options.owner;
    this.id = options.id;
    this.#pool = pool;
    this.#options = options;
    this.#limits = options.limits;
    this.#ttlMs = options.ttlMs;
    if (options.historyBudget) this.#history = new History(options.historyBudget);
    this.#restartTtl();
  }

  /** Whether it has never had a sandbox, and nobody waits for one. */
  get unused(): boolean {
    return !this.#lease && this.#executions + this.#queue.length + this.#holders === 0;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * Run code after everything that was asked before. Who follows from the beginning says so.
   * @throws ServiceError SESSION_BUSY; its outcome SESSION_NOT_FOUND (deleted meanwhile),
   * EXECUTION_CANCELLED, and those of the pool
   */
  start(
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
    followed = false,
  ): RunningExecution {
    const queuedBefore = this.#refuseWhenFull();
    const id = this.#history?.nextId() ?? null;
    const sessionId = this.#history ? this.id : null;
    const execution = new RunningExecution({ id, sessionId, request, queuedBefore, followed });
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
   * @throws ServiceError SESSION_BUSY, SESSION_NOT_FOUND (deleted meanwhile) and those of the pool
   */
  async runOwn(request: ExecutionRequest): Promise<ExecutionOutcome> {
    this.#refuseWhenFull();
    return this.#inOrder(async () => {
      const lease = await this.#ensureLease(this.#limits);
      const outcome = await new Run(lease.sandbox, request).toEnd(this.#options.bounds);
      this.#settle(lease, outcome);
      return outcome;
    });
  }

  /** Do not end it for want of use while `work` goes on, which may have long pauses between its runs. */
  async held<T>(work: () => Promise<T>): Promise<T> {
    this.#holders++;
    clearTimeout(this.#ttlTimer);
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
      const lease = await this.#ensureLease({ ...this.#limits, ...limits });
      if (inputs) await placeFiles(lease.sandbox, inputs);
    });
  }

  /**
   * Work on its files, beside whatever runs. `work` gets undefined where there is no sandbox and none
   * is to be made, and must not end before the transfer has.
   * @throws ServiceError those of `work`, of the pool, TRANSFER_INTERRUPTED, SESSION_NOT_FOUND
   */
  async useFiles<T>(
    makeSandbox: boolean,
    work: (files: SandboxFiles | undefined) => Promise<T>,
  ): Promise<T> {
    return this.held(async () => {
      try {
        const lease = makeSandbox ? await this.#acquire() : this.#lease;
        const alive = lease?.sandbox.alive ? lease.sandbox : undefined;
        return await work(await alive?.files());
      } catch (error) {
        this.#refuseWhenClosed(); // Whatever has failed: that is why.
        throw error;
      }
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
    this.#history?.close();
    if (this.#lease) await this.#release(this.#lease, reason);
  }

  /** Resolves when nothing runs or waits. */
  drained(): Promise<void> {
    return this.#queue.drained();
  }

  /** Count its time to live from now, and have another if one is given. */
  keepAlive(ttlMs: number | undefined): void {
    this.#ttlMs = ttlMs ?? this.#ttlMs;
    this.#touch();
  }

  /** KeyboardInterrupt in the code that runs. @throws ServiceError NOTHING_RUNNING */
  interrupt(): RunningExecution {
    const running = this.#running;
    if (!running?.interrupt()) throw new ServiceError("NOTHING_RUNNING");
    return running;
  }

  /** To the input() of the code that runs. @throws ServiceError NO_INPUT_REQUESTED */
  answerInput(text: string): void {
    if (!this.#running?.answerInput(text)) throw new ServiceError("NO_INPUT_REQUESTED");
  }

  /**
   * Ask the kernel something after everything that was asked before. Waits for `timeoutMs` at the
   * most, and then the kernel has as long again. Undefined where there is no sandbox to ask.
   * @throws ServiceError SESSION_BUSY, QUESTION_UNANSWERED
   */
  ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name> | undefined> {
    this.#refuseWhenFull();
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
  executions(): RunningExecution[] {
    return this.#history?.list() ?? [];
  }

  /** @throws ServiceError EXECUTION_NOT_FOUND */
  executionOf(id: number): RunningExecution {
    if (!this.#history) throw new ServiceError("EXECUTION_NOT_FOUND");
    return this.#history.get(id);
  }

  describe(): SessionInfo {
    const pending = this.#queue.length;
    const inUse = pending + this.#holders > 0;
    const expiresAt = inUse ? null : this.#lastUsedAt + this.#ttlMs;
    return {
      session_id: this.id,
      state: pending > 0 ? "busy" : this.#lease ? "idle" : "new",
      created_at: new Date(this.#createdAt).toISOString(),
      last_used_at: new Date(this.#lastUsedAt).toISOString(),
      expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      ttl: this.#ttlMs / 1000,
      execution_count: this.#executions,
      queued: Math.max(0, pending - 1),
      limits: { memory_bytes: this.#limits.memoryBytes, cpus: this.#limits.cpuCores },
    };
  }

  #add(work: Work): void {
    clearTimeout(this.#ttlTimer);
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
    this.#lastUsedAt = Date.now();
    if (this.#queue.length + this.#holders === 0) this.#restartTtl();
  }

  #restartTtl(): void {
    clearTimeout(this.#ttlTimer);
    if (this.closed) return;
    const leftMs = this.#lastUsedAt + this.#ttlMs - Date.now();
    this.#ttlTimer = setTimeout(
      () => (leftMs > TIMER_MS_MAX ? this.#restartTtl() : this.#options.onOver(EXPIRED)),
      Math.min(leftMs, TIMER_MS_MAX),
    ).unref();
  }

  async #work(execution: RunningExecution, limits: Partial<SandboxLimits>): Promise<() => void> {
    try {
      const outcome = await this.#execute(execution, { ...this.#limits, ...limits });
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
    execution: RunningExecution,
    limits: SandboxLimits,
  ): Promise<ExecutionOutcome | undefined> {
    const lease = await this.#ensureLease(limits);
    const { inputs, includeFiles } = execution.request;
    if (inputs) await placeFiles(lease.sandbox, inputs);
    this.#running = execution;
    const outcome = await execution.runIn(lease.sandbox, this.#options.bounds);
    this.#running = undefined;
    if (!outcome) return undefined;
    this.#executions++;
    this.#settle(lease, outcome);
    return includeFiles ? withFiles(lease.sandbox, outcome) : outcome;
  }

  #settle(lease: Lease, outcome: ExecutionOutcome): void {
    const began = outcome.sandboxCpuSeconds - outcome.cpuSeconds;
    this.#tellCpu(lease, this.#cpuTold.get(lease) ?? began, outcome.sandboxCpuSeconds);
    if (outcome.spent) {
      if (this.#lease === lease) this.#lease = undefined;
      // Nobody has to wait for the cleaning up; the pool counts the place as taken until then.
      void lease.release(`an execution ended with status ${outcome.status}`);
    }
  }

  async #askNow<Name extends QuestionName>(question: KernelQuestion<Name>, timeoutMs: number) {
    this.#refuseWhenClosed();
    const sandbox = this.#lease?.sandbox;
    return sandbox?.alive ? sandbox.ask(question, timeoutMs) : undefined;
  }

  #noteEnd(execution: RunningExecution): void {
    this.#history?.finished(execution);
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
    const lease = this.#takeLease() ?? (await this.#acquire());
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

  /** The sandbox that it has, if that lives. */
  #takeLease(): Lease | undefined {
    this.#refuseWhenClosed();
    if (this.#lease && !this.#lease.sandbox.alive) {
      void this.#release(this.#lease, "its sandbox has ended");
      this.#lease = undefined;
    }
    return this.#lease;
  }

  /** The sandbox that it has, or one for everybody who asks at this moment. */
  async #acquire(): Promise<Lease> {
    const present = this.#takeLease();
    if (present) return present;
    this.#acquiring ??= this.#leasePrepared().finally(() => {
      this.#acquiring = undefined;
    });
    const lease = await this.#acquiring;
    if (this.closed) {
      await lease.release("the session was deleted while it waited for a sandbox");
      this.#refuseWhenClosed();
    }
    this.#lease = lease;
    return lease;
  }

  /** Every sandbox that the session gets has its folders and packages before its code runs there. */
  async #leasePrepared(): Promise<Lease> {
    const lease = await this.#pool.acquire();
    const { mounts, preparation, bounds } = this.#options;
    if (mounts.length === 0 && !preparation) return lease;
    try {
      if (mounts.length > 0) await lease.sandbox.mount(mounts);
      if (preparation) {
        const outcome = await new Run(lease.sandbox, preparation.request).toEnd(bounds);
        const { cpuSeconds, sandboxCpuSeconds } = outcome;
        this.#tellCpu(lease, sandboxCpuSeconds - cpuSeconds, sandboxCpuSeconds);
        preparation.check(outcome);
      }
    } catch (error) {
      void lease.release("it could not be prepared for the session");
      throw error;
    }
    return lease;
  }

  /** Returns how many there are that come first. */
  #refuseWhenFull(): number {
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

  #refuseWhenClosed(): void {
    if (this.#closed !== undefined) {
      throw new ServiceError("SESSION_NOT_FOUND", `Session ${this.id} has ended: ${this.#closed}.`);
    }
  }
}

/** Held in memory like the outputs, and counted with them. */
async function withFiles(sandbox: Sandbox, outcome: ExecutionOutcome): Promise<ExecutionOutcome> {
  const paths = new Set([...outcome.filesCreated, ...outcome.filesModified]);
  const files = outcome.spent || paths.size === 0 ? [] : await collectFiles(sandbox, [...paths]);
  const bytes = files.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  return { ...outcome, files, outputBytes: outcome.outputBytes + bytes };
}
