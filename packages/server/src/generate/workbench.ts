/** What generation and validation need of a session. The gateway makes one for each request. */

import { type ErrorCode, ServiceError } from "../errors.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import type { ExecutionOutcome } from "../sessions/outcome.js";

export interface Workbench {
  readonly limits: SandboxLimits;
  readonly timeoutMs: number;
  /**
   * It began with this request and nobody else can reach it. Before the first run it holds what every new
   * sandbox holds, and what it says of itself is nobody's words.
   */
  readonly isNew: boolean;
  /** Have a sandbox, so that no tokens are spent where there is none. @throws ServiceError */
  prepare(): Promise<void>;
  /** Run code as any other execution of the session. @throws ServiceError when it cannot be run */
  run(code: string): Promise<ExecutionOutcome>;
  /**
   * Run a script of ours in the sandbox, in no history and seen by nobody, and hand back what its `main`
   * returns. That comes from a guest: whoever reads it checks it first. `apart` costs a fork and keeps
   * what the script meets away from the session.
   * @throws ServiceError when there is no answer
   */
  examine(
    script: GuestScript,
    content: Readonly<Record<string, unknown>>,
    apart: boolean,
  ): Promise<unknown>;
}

/** By the names of the files in the guest's `probes`, without their ending. */
export type GuestScript = "static_check" | "context_probe";

/** What a live session may answer to a question: that the kernel is silent, or busy. */
const SILENT: ReadonlySet<ErrorCode> = new Set(["QUESTION_UNANSWERED", "SESSION_BUSY"]);

/**
 * A kernel that says nothing costs what it would have said. A session that has ended, or whoever may use it no
 * more, is no advice.
 */
export function throwUnlessSilent(error: unknown): void {
  if (error instanceof ServiceError && !SILENT.has(error.code)) throw error;
}
