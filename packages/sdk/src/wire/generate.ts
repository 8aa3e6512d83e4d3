/** Validation, and from a question to a result by a model. */

import type { ExecuteResponse, ExecutionError, InputFile } from "./execution.js";

/** What was said about code before it ran. Advice: what holds is the sandbox. */
export interface Validation {
  readonly advice: true;
  readonly verdict: "approved" | "warned" | "rejected";
  readonly static: {
    readonly findings: readonly ValidationFinding[];
    /** Why nothing was looked at, or null. */
    readonly problem: string | null;
  };
  /** By a model, where one is set. */
  readonly review: {
    readonly verdict: "approve" | "improve" | "reject";
    readonly reasons: readonly string[];
  } | null;
  readonly review_problem: string | null;
}

export interface ValidationFinding {
  readonly rule: string;
  readonly action: "warn" | "deny";
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Body of POST /generate-and-execute. */
export interface GenerateRequest {
  /** What to compute, in plain words. */
  readonly query: string;
  readonly session_id?: string;
  readonly timeout?: number;
  readonly memory_limit?: string | number;
  readonly cpu_limit?: number;
  /** Put into the workspace first, all or none. */
  readonly files?: readonly InputFile[];
  /** The answer carries small files that the code has created or modified. */
  readonly include_files?: boolean;
  readonly max_attempts?: number;
  /** Let the model judge the result before it is taken. */
  readonly check?: boolean;
}

export interface GenerateResponse
  extends Omit<ExecuteResponse, "validation_result" | "validation" | "usage"> {
  readonly query: string;
  readonly generated_code: string;
  readonly explanation: string | null;
  readonly validation_result: string;
  readonly validation: Validation;
  readonly attempts: readonly GenerationAttempt[];
  readonly images: readonly { readonly mime_type: string; readonly data: string }[];
  /** Why there was no further attempt although the last one failed, or null. */
  readonly stopped_by: { readonly code: string; readonly message: string } | null;
  readonly usage: ExecuteResponse["usage"] & {
    readonly model_calls: number;
    readonly model_time: number;
    readonly input_tokens: number;
    readonly output_tokens: number;
  };
}

export interface GenerationAttempt {
  readonly code: string;
  readonly explanation: string | null;
  /** As of an execution, or `rejected`, or `wrong`. */
  readonly status: string;
  readonly error: Omit<ExecutionError, "hint"> | null;
  readonly validation_result: string;
  readonly judgement: string | null;
  readonly execution_time: number;
}
