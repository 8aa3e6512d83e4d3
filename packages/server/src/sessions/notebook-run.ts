/** Runs the code cells of a notebook one after the other, each as an execution of its session. */

import type { ExecutionHandle } from "./interface.js";
import {
  type Cell,
  type CodeCell,
  executionTimes,
  type Notebook,
  notebookOutputs,
} from "./notebook.js";
import { isSkipped, mayFail } from "./notebook-input.js";
import type { ExecutionOutcome, ExecutionStatus } from "./outcome.js";

/** Outputs of all cells together; those of later cells are left out. */
const OUTPUT_BYTES_MAX = 16 * 2 ** 20;

/** What a run does with a cell. */
export interface CellHooks {
  /** Begin to run it. @throws ServiceError */
  start(code: string): ExecutionHandle;
  /** Called as soon as it was asked for; the cell is over when this and its execution are. */
  follow(index: number, execution: ExecutionHandle): Promise<void>;
}

export interface NotebookOutcome {
  /** With the outputs of the cells that ran; the others have none. */
  readonly notebook: Notebook;
  /** `ok`, or how the first cell ended that failed though it was not meant to. */
  readonly status: ExecutionStatus;
  /** The session's own numbers of what ran. */
  readonly executions: readonly number[];
}

export class NotebookRun {
  readonly #notebook: Notebook;
  readonly #onError: "stop" | "continue";
  readonly #hooks: CellHooks;
  readonly #cells: Cell[];
  readonly #executions: number[] = [];
  #status: ExecutionStatus = "ok";
  #outputBytes = 0;
  #current: ExecutionHandle | undefined;
  #abandoned = false;

  constructor(notebook: Notebook, onError: "stop" | "continue", hooks: CellHooks) {
    this.#notebook = notebook;
    this.#onError = onError;
    this.#hooks = hooks;
    this.#cells = [...notebook.cells];
  }

  /** @throws ServiceError where a cell could not be run at all */
  async toEnd(): Promise<NotebookOutcome> {
    for (const [index, cell] of this.#notebook.cells.entries()) {
      if (this.#abandoned) break;
      // As in Jupyter, a cell without code is not run.
      if (cell.cell_type !== "code" || cell.source.trim() === "" || isSkipped(cell)) continue;
      const outcome = await this.#runCell(index, cell);
      if (this.#endsAfter(cell, outcome)) break;
    }
    return {
      notebook: { ...this.#notebook, cells: this.#cells },
      status: this.#status,
      executions: this.#executions,
    };
  }

  /** It is no longer wanted: what runs is interrupted, and no more is begun. */
  abandon(): void {
    this.#abandoned = true;
    this.#current?.abandon();
  }

  async #runCell(index: number, cell: CodeCell): Promise<ExecutionOutcome> {
    const execution = this.#hooks.start(cell.source);
    this.#current = execution;
    // Taken hold of at once: the session may have no room for it later.
    const { outcome } = execution;
    outcome.catch(() => undefined);
    await this.#hooks.follow(index, execution);
    const ended = await outcome;
    if (execution.id !== null) this.#executions.push(execution.id);
    this.#cells[index] = this.#cellWith(cell, execution, ended);
    return ended;
  }

  #cellWith(cell: CodeCell, execution: ExecutionHandle, outcome: ExecutionOutcome): CodeCell {
    const { startedAt, finishedAt } = execution;
    this.#outputBytes += outcome.outputBytes;
    const hasRoom = this.#outputBytes <= OUTPUT_BYTES_MAX;
    return {
      ...cell,
      metadata: { ...cell.metadata, ...executionTimes(startedAt, finishedAt) },
      execution_count: outcome.executionCount,
      outputs: hasRoom ? notebookOutputs(outcome.outputs) : [noteFor(execution)],
    };
  }

  /** A failure that is not expected is noted; and whether it is the end. */
  #endsAfter(cell: Cell, { status, spent }: ExecutionOutcome): boolean {
    if (status === "ok" || (status === "error" && mayFail(cell))) return false;
    if (this.#status === "ok") this.#status = status;
    // What follows would run without the variables of what came before, or was not wanted any more.
    return spent || status === "interrupted" || this.#onError === "stop";
  }
}

function noteFor({ id }: ExecutionHandle) {
  const where = id === null ? "" : ` Execution ${id} of the session may have them.`;
  const text = `[these outputs were left out: a notebook's may have ${OUTPUT_BYTES_MAX} bytes.${where}]\n`;
  return { output_type: "stream", name: "stderr", text } as const;
}
