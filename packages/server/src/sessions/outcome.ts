/** How an execution ended, and all that it left. */

import type { Output } from "./outputs.js";

export type ExecutionStatus =
  | "ok"
  | "error"
  | "timeout"
  | "out_of_memory"
  | "killed"
  | "output_limit"
  | "interrupted";

/**
 * Why a session had to begin afresh: how the run ended that took its state along; `died` where the interpreter ended
 * between two runs, `reset` where somebody asked for that, `ended` where the session as a whole had ended.
 */
export const RESTART_REASONS = [
  "timeout",
  "out_of_memory",
  "killed",
  "output_limit",
  "interrupted",
  "died",
  "reset",
  "ended",
] as const;
export type RestartReason = (typeof RESTART_REASONS)[number];

export interface ExecutionError {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: string[];
}

export interface ExplainedError extends ExecutionError {
  /** What of the sandbox caused it and what to do about it; null when the sandbox did not. */
  readonly hint: string | null;
}

/** A small file that a run has made, carried in its answer. */
export interface InlineFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly encoding: "utf-8" | "base64" | null;
  /** Null for what is too large to travel so. */
  readonly content: string | null;
}

export interface ExecutionOutcome {
  readonly status: ExecutionStatus;
  readonly exitCode: number;
  readonly outputs: readonly Output[];
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly error: ExplainedError | null;
  /** Set in the first run of a session that has lost its state. */
  readonly restarted?: RestartReason | undefined;
  /** Seconds in the kernel, or until it was stopped. */
  readonly executionTime: number;
  readonly executionCount: number | null;
  /** As the kernel says, where some were asked for and they are small. */
  readonly userExpressions?: Readonly<Record<string, unknown>> | undefined;
  readonly filesCreated: readonly string[];
  readonly filesModified: readonly string[];
  /** Only where they were asked for. */
  readonly files?: readonly InlineFile[];
  readonly cpuSeconds: number;
  /** Of the sandbox since it began, at the end of the run. */
  readonly sandboxCpuSeconds: number;
  readonly memoryPeakBytes: number;
  readonly wallSeconds: number;
  /** Roughly what the outputs hold in memory. */
  readonly outputBytes: number;
  /** Whether the sandbox must be destroyed, because its state is lost or not to be trusted. */
  readonly spent: boolean;
}
