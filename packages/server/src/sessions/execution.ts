/** One execution from the moment it is asked for: its place, its events, its outcome. */

import { ServiceError } from "../errors.js";
import type { InputReply, Sandbox } from "../sandbox/sandbox.js";
import { EventLog } from "./event-log.js";
import type { EventSink } from "./execution-events.js";
import type { ExecutionRequest } from "./execution-request.js";
import type { Bounds } from "./explanation.js";
import type { ExecutionHandle, ExecutionState } from "./interface.js";
import type { ExecutionOutcome, ExecutionStatus, RestartReason } from "./outcome.js";
import type { Output } from "./outputs.js";
import { Run } from "./run.js";

/** Characters of an execution's code that a list shows, and that are kept for good. */
export const CODE_SHOWN_MAX = 200;

export interface ExecutionOrigin {
  /** The session's own number of it; null for a stateless run. */
  readonly id: number | null;
  /** Null for a stateless run. */
  readonly sessionId: string | null;
  readonly request: ExecutionRequest;
  /** Executions of the session that come first. */
  readonly queuedBefore: number;
  /** Whether to log events from the beginning, because there will be followers. */
  readonly followed: boolean;
}

export class Execution implements ExecutionHandle {
  readonly id: number | null;
  readonly sessionId: string | null;
  readonly createdAt = Date.now();
  /** What its history counts for it, once it is over. */
  heldBytes = 0;
  #startedAt: number | null = null;
  #finishedAt: number | null = null;
  #state: ExecutionState = "queued";
  readonly #queuedBefore: number;
  #request: ExecutionRequest;
  #isDropped = false;
  #status: ExecutionStatus | null = null;
  #run: Run | undefined;
  #log: EventLog | undefined;
  /** Put together after the end, for as long as it has followers. */
  #replay: WeakRef<EventLog> | undefined;
  #outcome: ExecutionOutcome | undefined;
  #takeBack: (() => void) | undefined;
  /** Why it has no outcome: it did not run, or what it left is no longer kept. */
  #failure: unknown;
  /** Created on the first request for the outcome, so that a rejection always has a handler. */
  #pending: Pending | undefined;

  constructor(origin: ExecutionOrigin) {
    this.id = origin.id;
    this.sessionId = origin.sessionId;
    this.#request = origin.request;
    this.#queuedBefore = origin.queuedBefore;
    if (origin.followed) this.#log = this.#newLog();
  }

  /** @throws ServiceError when it did not run, or its outputs are no longer kept */
  get outcome(): Promise<ExecutionOutcome> {
    if (this.#finishedAt === null) {
      this.#pending ??= newPending();
      return this.#pending.promise;
    }
    return this.#outcome ? Promise.resolve(this.#outcome) : Promise.reject(this.#failure);
  }

  get state(): ExecutionState {
    return this.#state;
  }

  /** How it ended; null while it has not, and where it never ran. */
  get status(): ExecutionStatus | null {
    return this.#status;
  }

  /** When the code began to run, and when it was over, or was taken back. */
  get startedAt(): number | null {
    return this.#startedAt;
  }

  get finishedAt(): number | null {
    return this.#finishedAt;
  }

  get request(): ExecutionRequest {
    return this.#request;
  }

  /** Whether its outputs, and all but the beginning of its code, are no longer kept. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** Its outcome, once it is done. */
  get outcomeIfDone(): ExecutionOutcome | undefined {
    return this.#outcome;
  }

  /** Everything that happens, for everybody who follows. Costs nothing until it is asked for. */
  get events(): EventLog {
    const present = this.#log ?? this.#replay?.deref();
    if (present) return present;
    const log = this.#lateLog();
    // What is over can be put together again for the next who asks, but not once for each of many.
    if (this.#finishedAt === null) this.#log = log;
    else this.#replay = new WeakRef(log);
    return log;
  }

  /** Of its events, as far as there are any. */
  get loggedBytes(): number {
    return this.#log?.bytes ?? 0;
  }

  /** KeyboardInterrupt in the code, and state is kept. False when it does not run. */
  interrupt(): boolean {
    if (this.#state !== "running") return false;
    this.#run?.interrupt();
    return true;
  }

  /** To its input() that waits. False when none does. */
  answerInput(reply: InputReply): boolean {
    return this.#run?.answerInput(reply) ?? false;
  }

  /** Take it back before it runs: its outcome is EXECUTION_CANCELLED. False when it is too late. */
  cancel(reason: string): boolean {
    if (this.#state !== "queued") return false;
    const takeBack = this.#takeBack;
    this.failed(new ServiceError("EXECUTION_CANCELLED", `It was cancelled: ${reason}.`));
    takeBack?.();
    return true;
  }

  /** It is no longer wanted. A session's state is kept, if the code lets an interrupt through. */
  abandon(): void {
    if (this.#state === "done" || this.#state === "cancelled") return;
    if (this.cancel("its client went away")) return;
    if (this.sessionId === null) this.#run?.end();
    else this.#run?.interrupt();
  }

  // --- for its session -----------------------------------------------------------------------

  /** `takeBack` frees its place in the queue. */
  queued(takeBack: () => void): void {
    this.#takeBack = takeBack;
  }

  /** Run in this sandbox, unless it was cancelled meanwhile. */
  async runIn(
    sandbox: Sandbox,
    bounds: Bounds,
    restarted?: RestartReason,
  ): Promise<ExecutionOutcome | undefined> {
    if (this.#state !== "queued") return undefined;
    this.#state = "running";
    this.#startedAt = Date.now();
    const log = this.#log;
    if (log) this.#logState(log.append, 0);
    this.#run = new Run(sandbox, this.#request, log?.append, restarted);
    return this.#run.toEnd(bounds);
  }

  succeeded(outcome: ExecutionOutcome): void {
    this.#state = "done";
    this.#outcome = outcome;
    this.#status = outcome.status;
    this.#finish()?.resolve(outcome);
  }

  failed(error: unknown): void {
    if (this.#finishedAt !== null) return;
    this.#state = "cancelled";
    this.#failure = error;
    this.#finish()?.reject(error);
  }

  /** Keep nothing of what it has produced. */
  dropOutputs(): void {
    this.#isDropped = true;
    // Only a copy lets go of the string that it was cut from.
    const code = Buffer.from(this.#request.code.slice(0, CODE_SHOWN_MAX)).toString();
    this.#request = { ...this.#request, code };
    this.#outcome = undefined;
    this.#log = undefined;
    this.#replay = undefined;
    this.#failure ??= new ServiceError(
      "EXECUTION_NOT_FOUND",
      "The outputs of this execution are no longer kept.",
    );
  }

  /** Returns what is to be told now. */
  #finish(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#finishedAt = Date.now();
    this.#run = undefined;
    this.#takeBack = undefined;
    // What went into the sandbox is not kept with what came out: nobody asks for it, and it may be megabytes.
    const given = { inputs: undefined, stdin: undefined, argv: undefined, env: undefined };
    this.#request = { ...this.#request, ...given, comm: undefined };
    this.#log?.end();
    return pending;
  }

  #newLog(): EventLog {
    const log = new EventLog((isBehind) => this.#run?.setPaused(isBehind));
    if (this.#queuedBefore > 0) this.#logState(log.append, this.#queuedBefore);
    return log;
  }

  /** For who comes later than the first output: what there is, put together as in the answer. */
  #lateLog(): EventLog {
    const log = this.#newLog();
    if (this.#startedAt !== null) this.#logState(log.append, 0);
    replay(this.#run?.outputs ?? this.#outcome?.outputs ?? [], this.#outcome, log.append);
    const inputRequest = this.#run?.inputRequest;
    if (inputRequest) log.append("input_request", inputRequest);
    if (this.#run) this.#run.onEvent = log.append;
    if (this.#finishedAt !== null) log.end();
    return log;
  }

  #logState(append: EventSink, queuedBefore: number): void {
    append("execution", {
      executionId: this.id,
      sessionId: this.sessionId,
      state: this.#startedAt === null ? "queued" : "running",
      queuedBefore,
    });
  }
}

interface Pending {
  readonly promise: Promise<ExecutionOutcome>;
  readonly resolve: (outcome: ExecutionOutcome) => void;
  readonly reject: (error: unknown) => void;
}

function newPending(): Pending {
  let resolve!: Pending["resolve"];
  let reject!: Pending["reject"];
  const promise = new Promise<ExecutionOutcome>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  return { promise, resolve, reject };
}

function replay(
  outputs: readonly Output[],
  ended: ExecutionOutcome | undefined,
  append: EventSink,
): void {
  for (const output of outputs) {
    switch (output.output_type) {
      case "stream":
        append("stream", { name: output.name, text: output.text });
        break;
      case "display_data":
        append("display_data", { data: output.data, metadata: output.metadata });
        break;
      case "execute_result": {
        const { execution_count: executionCount, data, metadata } = output;
        append("execute_result", { executionCount, data, metadata });
        break;
      }
      case "error":
        // A run has at most one, at its end.
        if (ended?.error) append("error", ended.error);
    }
  }
}
