/** What is asked of a session: a cell, and what travels with it. */

import type { CellRequest } from "../sandbox/sandbox.js";
import type { InputFiles } from "./inline-files.js";

/** What was said about code before it was run, for its answer to repeat. */
export interface CodeRemarks {
  /** As it was sent; what is run may be an improved one. */
  readonly originalCode: string;
  readonly validationResult: string;
  readonly validation: object;
}

export interface ExecutionRequest extends CellRequest {
  readonly remarks?: CodeRemarks | undefined;
  /** Whether its sandbox goes at the deadline even where the code has obeyed the interrupt. */
  readonly endsAtTimeout?: boolean | undefined;
  /** Between the interrupt at the deadline and the end of the sandbox; default a second. */
  readonly graceMs?: number | undefined;
  /** Put in place before the code runs. */
  readonly inputs?: InputFiles | undefined;
  /** Whether the outcome is to hold small files that were made. */
  readonly includeFiles?: boolean | undefined;
}
