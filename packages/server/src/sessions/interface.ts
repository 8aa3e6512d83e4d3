/**
 * Sessions as the layers above see them. The classes of this area stand behind it in this process; a double does in
 * tests, and another node or another kind of session may. No layer above names a class of this area.
 */

import type { PoolStatus } from "../pool/pool.js";
import type { KernelAnswer, KernelQuestion, QuestionName } from "../sandbox/questions.js";
import type { InputReply, SandboxLimits } from "../sandbox/sandbox.js";
import type { Caller } from "./caller.js";
import type { ChangingFiles, ReadingFiles, ToldOfChange } from "./changing-files.js";
import type { ExecutionRequest } from "./execution-request.js";
import type { InputFiles } from "./inline-files.js";
import type { LoggedEvent } from "./logged-event.js";
import type { ExecutionOutcome, ExecutionStatus } from "./outcome.js";

/** The events of an execution for one who follows it. Iterating ends with the execution. */
export interface FollowedEvents extends AsyncIterable<LoggedEvent> {
  /** The next event, or undefined when there will be none. */
  first(): Promise<LoggedEvent | undefined>;
  /** Hand over `first` and all after it; waits where `send` asks for it. */
  forward(
    first: LoggedEvent | undefined,
    send: (event: LoggedEvent) => Promise<void> | undefined,
  ): Promise<void>;
  /** Follow no more. Idempotent. */
  close(): void;
}

/** `cancelled`: it was taken back, or could not begin. */
export type ExecutionState = "queued" | "running" | "done" | "cancelled";

export interface ExecutionHandle {
  /** The session's own number of it; null for a stateless run, as is `sessionId`. */
  readonly id: number | null;
  readonly sessionId: string | null;
  readonly request: ExecutionRequest;
  readonly state: ExecutionState;
  /** How it ended; null while it has not, and where it never ran. */
  readonly status: ExecutionStatus | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Whether its outputs, and all but the beginning of its code, are no longer kept. */
  readonly isDropped: boolean;
  readonly outcomeIfDone: ExecutionOutcome | undefined;
  /** Rejects with a ServiceError when it did not run, or its outputs are no longer kept. */
  readonly outcome: Promise<ExecutionOutcome>;
  readonly events: {
    /** Of the latest event, 0 before the first. */
    readonly lastId: number;
    /** @throws ServiceError TOO_MANY_TRANSFERS */
    follow(after?: number): FollowedEvents;
  };
  /** Take it back before it runs. False when it is too late. */
  cancel(reason: string): boolean;
  /** Its client has gone: what waits is taken back, what runs is interrupted. */
  abandon(): void;
}

/** An execution that was begun, and its outcome, taken hold of at once: its session may have no room for it later. */
export interface StartedRun {
  readonly execution: ExecutionHandle;
  readonly outcome: Promise<ExecutionOutcome>;
}

/** What a caller is told about a session. */
export interface SessionInfo {
  readonly id: string;
  readonly state: "new" | "idle" | "busy";
  /** Milliseconds since 1970, as are the other times. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Null while it is in use. */
  readonly expiresAt: number | null;
  readonly ttlMs: number;
  readonly executionCount: number;
  readonly queued: number;
  readonly limits: SandboxLimits;
}

export interface SessionHandle {
  readonly id: string;
  readonly closed: boolean;
  /** What a run gets that asks for nothing else. */
  readonly limits: SandboxLimits;
  /** @throws ServiceError SESSION_NOT_FOUND */
  refuseWhenClosed(): void;
  /** @throws ServiceError as Session.start */
  start(
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
    followed?: boolean,
  ): ExecutionHandle;
  /** Have a sandbox, and files in it, ready. */
  warm(limits?: Partial<SandboxLimits>, inputs?: InputFiles): Promise<void>;
  /** Undefined where there is no sandbox to ask. @throws ServiceError as Session.ask */
  ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name> | undefined>;
  readFiles<T>(
    makeSandbox: boolean,
    work: (files: ReadingFiles | undefined) => Promise<T>,
  ): Promise<T>;
  changeFiles<T>(
    makeSandbox: boolean,
    told: ToldOfChange,
    work: (files: ChangingFiles | undefined) => Promise<T>,
  ): Promise<T>;
}

export interface SessionCreation {
  /** Whose name space the id is in. Only its owner ever sees a session. */
  readonly owner: Caller;
  readonly id?: string | undefined;
  readonly limits?: Partial<SandboxLimits> | undefined;
  readonly ttlMs?: number | undefined;
  /** Names of DATA_MOUNTS that are shown only to who asks. */
  readonly mounts?: readonly string[] | undefined;
  /** Installed in each of its sandboxes before its first code. */
  readonly packages?: readonly string[] | undefined;
}

/** Every session by the caller whose it is, and its name. Errors are those of SessionManager. */
export interface Sessions {
  /** In the session of this name, in one that these sessions gave out, or in a sandbox for this run alone. */
  start(
    caller: Caller,
    where: string | SessionHandle | undefined,
    request: ExecutionRequest,
    limits: Partial<SandboxLimits>,
    followed?: boolean,
  ): ExecutionHandle;
  obtain(caller: Caller, id: string): SessionHandle;
  withSession<T>(
    caller: Caller,
    id: string | undefined,
    work: (session: SessionHandle) => Promise<T>,
  ): Promise<T>;
  create(creation: SessionCreation): Promise<SessionInfo>;
  list(caller: Caller): SessionInfo[];
  has(owner: string, id: string): boolean;
  /** Live sessions and stateless runs of this owner. */
  count(owner: string): number;

  status(): { pool: PoolStatus; sessions: number; stateless: number };

  describe(caller: Caller, id: string): SessionInfo;
  keepAlive(caller: Caller, id: string, ttlMs: number | undefined): SessionInfo;
  reset(caller: Caller, id: string): Promise<SessionInfo>;
  delete(caller: Caller, id: string, reason: string): Promise<void>;
  endOwner(owner: string, reason: string): Promise<void>;

  executions(caller: Caller, id: string): readonly ExecutionHandle[];
  executionOf(caller: Caller, id: string, execution: number): ExecutionHandle;
  interrupt(caller: Caller, id: string): ExecutionHandle;
  answerInput(caller: Caller, id: string, reply: InputReply): void;
  ask<Name extends QuestionName>(
    caller: Caller,
    id: string,
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name> | undefined>;
  install(
    caller: Caller,
    id: string,
    packages: readonly string[],
    signal: AbortSignal,
  ): Promise<ExecutionOutcome>;

  readFiles<T>(
    caller: Caller,
    id: string,
    work: (files: ReadingFiles | undefined) => Promise<T>,
  ): Promise<T>;
  changeFiles<T>(
    caller: Caller,
    id: string,
    told: ToldOfChange,
    work: (files: ChangingFiles | undefined) => Promise<T>,
  ): Promise<T>;
  addFiles<T>(
    caller: Caller,
    id: string,
    told: ToldOfChange,
    work: (files: ChangingFiles) => Promise<T>,
  ): Promise<T>;
}
