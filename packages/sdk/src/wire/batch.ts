/** Many runs by one request. */

import type { WireError } from "./errors.js";
import type { AnswerPart, ExecuteRequest, ExecuteResponse } from "./execution.js";

/** One run, in a fresh sandbox of its own. */
export interface BatchItem
  extends Pick<
    ExecuteRequest,
    "code" | "stdin" | "files" | "include_files" | "timeout" | "memory_limit" | "cpu_limit"
  > {
  /** A name of the caller's own. */
  readonly id?: string;
}

/** Body of POST /execute/batch. */
export interface BatchRequest {
  readonly items: readonly BatchItem[];
  readonly concurrency?: number;
  readonly stop_on?: "never" | "error";
  readonly include?: readonly AnswerPart[];
  readonly stream?: boolean;
}

export interface BatchItemResult {
  /** Its place among the items, from 0. */
  readonly index: number;
  readonly id: string | null;
  readonly state: "done" | "refused" | "skipped";
  /** Null where it did not run. */
  readonly result: ExecuteResponse | null;
  /** Why there is no result, or null. */
  readonly error: WireError["error"] | null;
}

export interface BatchCounts {
  readonly ok: number;
  readonly failed: number;
  readonly not_run: number;
}

export interface BatchResponse extends BatchCounts {
  /** In the order of the items. */
  readonly results: readonly BatchItemResult[];
}
