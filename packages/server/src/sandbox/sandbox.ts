/**
 * What a sandbox is to the layers above, whichever driver makes it. May import errors and config.
 */

import type { SandboxFiles } from "./files.js";
import type { KernelMessage } from "./guest/channel.js";
import type { KernelAnswer, KernelQuestion, QuestionName } from "./questions.js";
import type { Verification } from "./verification.js";

/** Limits that a request may change, within the configured maxima. */
export interface SandboxLimits {
  readonly memoryBytes: number;
  readonly cpuCores: number;
}

/** Why a sandbox, or only its kernel, ended. */
export interface SandboxEnd {
  readonly reason: "kernel_exited" | "sandbox_died" | "flood" | "protocol_violation" | "destroyed";
  /** The kernel's exit code, negative for a signal; undefined where it was not seen. */
  readonly exitCode?: number;
  readonly outOfMemory: boolean;
  /** For a person: what was violated, or who destroyed it. */
  readonly detail: string;
  /** A process of the service in there has failed, and `detail` says how. */
  readonly isFault?: boolean;
}

/** Resources used by a whole sandbox, from the kernel's own accounting. */
export interface Measurement {
  readonly cpuSeconds: number;
  readonly memoryPeakBytes: number;
}

/** What happened when a limit was met, counted by the kernel and not by the guest. */
export interface KernelEvents {
  /** Processes that were killed because memory ran out. */
  readonly oomKills: number;
  /** Processes and threads that were not started because there were too many. */
  readonly processesRefused: number;
}

export const NO_EVENTS: KernelEvents = Object.freeze({ oomKills: 0, processesRefused: 0 });

/** What a sandbox uses at this moment. */
export interface SandboxUsage {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  /** Processes and threads, the warden included. */
  readonly processes: number;
}

/** How every sandbox was ended at once. */
export interface PanicCount {
  readonly sandboxes: number;
  readonly processes: number;
  /** Until every process stood still. */
  readonly frozenMs: number;
  /** Until every process was seen to be gone, or patience ended. */
  readonly goneMs: number;
  /** What the control groups still held at the end; both zero when all is well. */
  readonly remaining: { readonly sandboxes: number; readonly processes: number };
  /** What went wrong on the way, or null. */
  readonly problem: string | null;
}

/** How a front end wants a cell to be run that is not an ordinary one. */
export interface CellWishes {
  /** Nothing is told of a value, and nothing is kept of the cell. */
  readonly silent: boolean;
  /** Whether it has a number and a place in the history. */
  readonly storeHistory: boolean;
  /** Evaluated after a cell that has ended well, by name. */
  readonly expressions: Readonly<Record<string, string>>;
}

/** What a front end says to an object of the kernel, or is told by one: Jupyter's comms, by which widgets work. */
export interface CommMessage {
  readonly kind: "open" | "msg" | "close";
  readonly commId: string;
  /** Whom to open it with. */
  readonly targetName?: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** In base64. */
  readonly buffers: readonly string[];
}

/** A cell, as a kernel is asked to run it. */
export interface CellRequest {
  readonly code: string;
  /** The caller ends it by then; a little later the driver does, without the help of this process. */
  readonly timeoutMs: number;
  /** Of stdout and of stderr, each. What is beyond is counted only. */
  readonly outputBytesMax: number;
  /** Whether input() can be answered. */
  readonly allowInput: boolean;
  /** What standard input has, before it ends; such code asks nobody. */
  readonly stdin?: string | undefined;
  /** For `sys.argv`; the first names the script. */
  readonly argv?: readonly string[] | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly wishes?: CellWishes | undefined;
  /** In place of code. */
  readonly comm?: CommMessage | undefined;
  /** The request of a front end that this is, by its own id: it is told what objects say to their likenesses there. */
  readonly parentId?: string | undefined;
  /** Our own code: in a namespace apart, without a number, and in no history. */
  readonly quiet?: true;
}

/** What `input()` returns; or the next piece of standard input, in base64, and whether it is the last. */
export type InputReply =
  | { readonly line: string }
  | { readonly data: string; readonly eof: boolean };

/** Receives what a kernel sends while one execution runs, in order. */
export type MessageSink = (message: KernelMessage) => void;

/**
 * One isolated environment with a live kernel. Runs one execution, or answers one question, at a
 * time; the caller keeps that order. Once `ended` resolves nothing more arrives, and the sandbox's processes are gone or
 * about to be.
 */
export interface Sandbox {
  readonly id: string;
  readonly alive: boolean;
  /** Resolves once, with the first cause. By then every message that was sent has been delivered. */
  readonly ended: Promise<SandboxEnd>;
  readonly limits: SandboxLimits;
  /** Messages go to `sink` until the next call. The execute_reply is among them. */
  execute(request: CellRequest, sink: MessageSink): void;
  /** To the input_request that the execution has sent last. False when none is open. */
  answerInput(reply: InputReply): boolean;
  /**
   * Ask something about the kernel's state between two executions. The state stays as it is,
   * whatever code of the user's an answer makes run. A kernel that is silent for much longer than
   * `timeoutMs` is destroyed.
   * @throws ServiceError QUESTION_UNANSWERED
   */
  ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name>>;
  /** Stop reading, so that a guest that writes on has to wait. For one execution at most. */
  pauseOutput(): void;
  /** Read on. Nothing is lost in between. */
  resumeOutput(): void;
  /** Let output appear as it is written, at the price of one more process running. */
  watchOutput(on: boolean, outputBytesMax: number): void;
  /** KeyboardInterrupt in user code. State is kept, if the code lets it through. */
  interrupt(): void;
  /** @throws ServiceError INVALID_REQUEST when more memory is in use than asked for. */
  setLimits(limits: SandboxLimits): Promise<void>;
  /** Have folders appear that not every sandbox has. Before its first code. @throws ServiceError MOUNT_FAILED */
  mount(names: readonly string[]): Promise<void>;
  /** Start a new measurement of the memory peak and return the CPU time so far. */
  beginMeasuring(): number;
  /** What was used since beginMeasuring returned `cpuSecondsBefore`. */
  endMeasuring(cpuSecondsBefore: number): Measurement;
  usage(): SandboxUsage;
  /** Used since the sandbox began. Cheap, and like usage() fails in the moment in which it ends. */
  cpuSeconds(): number;
  /** A cheap look at the confinement, before the first user code: what is wrong with it, or null. */
  problem(): string | null;
  /** What the kernel has counted since the last call, or since an idle sandbox was used again. */
  newEvents(): KernelEvents;
  /** Its files. Made ready at the first call. @throws ServiceError TRANSFER_INTERRUPTED */
  files(): Promise<SandboxFiles>;
  /** Free everything. Idempotent; resolves when all processes are gone. */
  destroy(reason: string): Promise<void>;
}

/** A way to make sandboxes. */
export interface SandboxDriver {
  readonly name: string;
  /** Resolves when sandboxes can be made. @throws ServiceError ISOLATION_UNAVAILABLE */
  start(): Promise<void>;
  /** @throws ServiceError SANDBOX_START_FAILED */
  create(): Promise<Sandbox>;
  /** Stop every process of every sandbox where it stands, then kill them all, then look again. */
  panic(): Promise<PanicCount>;
  /** Make a sandbox, try every protection on it, and destroy it. @throws ServiceError */
  verify(): Promise<Verification>;
  /** Destroy every sandbox. */
  stop(): Promise<void>;
}
