/** Notebooks, in the shape of nbformat. */

import type { ExecutionStatus } from "./execution.js";

/** nbformat 4.5, as far as a client needs to know it. */
export interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly cells: readonly NotebookCell[];
}

export interface NotebookCell {
  readonly cell_type: string;
  readonly id?: string;
  readonly source: string | readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly unknown[];
  readonly execution_count?: number | null;
}

export interface RunNotebookBody {
  readonly notebook: Notebook;
  readonly stream?: boolean;
  readonly on_error?: "stop" | "continue";
  /** Seconds, for each cell. */
  readonly timeout?: number;
}

export interface RunNotebookResponse {
  readonly notebook: Notebook;
  /** `ok`, or how the first cell ended that failed. */
  readonly status: ExecutionStatus;
  readonly executions: readonly number[];
}

/** The data of a `cell` event, which stand between the events of the cells. */
export interface NotebookCellEvent {
  readonly index: number;
  readonly state: "running" | "done";
}
