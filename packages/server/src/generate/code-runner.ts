/** What generation and review need of a session. The desk makes one for each request. */

import { type ErrorCode, ServiceError } from "../errors.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import type { ExecutionOutcome } from "../sessions/outcome.js";

export interface CodeRunner {
  readonly limits: SandboxLimits;
  readonly timeoutMs: number;
  /**
   * Whether this request created the session. Until its first run it holds no user's text.
   */
  readonly isNew: boolean;
  /** Have a sandbox, so that no tokens are spent where there is none. @throws ServiceError */
  prepare(): Promise<void>;
  /** Run code as any other execution of the session. @throws ServiceError when it cannot be run */
  run(code: string): Promise<ExecutionOutcome>;
  /**
   * Run a script of ours in the sandbox, outside of any history, and return what its `main` returns, which
   * comes from a guest and must be checked. `apart` costs a fork and leaves the session untouched.
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
 * A silent kernel costs its advice only. A session that has ended, or a caller that was revoked, is an error.
 */
export function throwUnlessSilent(error: unknown): void {
  if (error instanceof ServiceError && !SILENT.has(error.code)) throw error;
}
