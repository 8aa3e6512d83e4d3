/** Notebooks as Jupyter keeps them (nbformat 4.5), and a session's history as one. */

import type { ExecutionHandle } from "./interface.js";
import type { Output } from "./outputs.js";

export interface Notebook {
  readonly nbformat: 4;
  readonly nbformat_minor: 5;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly cells: readonly Cell[];
}

export type Cell = CodeCell | TextCell;

export interface CodeCell {
  readonly cell_type: "code";
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly source: string;
  readonly execution_count: number | null;
  readonly outputs: readonly Output[];
}

export interface TextCell {
  readonly cell_type: "markdown" | "raw";
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly source: string;
  readonly attachments?: Readonly<Record<string, unknown>>;
}

/** What the schema of nbformat lets hold any JSON. Everything else is text. */
const JSON_MIME = /^application\/(.*\+)?json$/;

export const PYTHON_METADATA = {
  kernelspec: { display_name: "Python 3", language: "python", name: "python3" },
  language_info: {
    codemirror_mode: { name: "ipython", version: 3 },
    file_extension: ".py",
    mimetype: "text/x-python",
    name: "python",
    nbconvert_exporter: "python",
    pygments_lexer: "ipython3",
  },
} as const;

/** What was run, in the order of asking. Executions that have not ended, or never ran, are left out. */
export function notebookOf(executions: readonly ExecutionHandle[]): Notebook {
  const cells: Cell[] = [];
  for (const execution of executions) {
    // What a front end asks in silence, such as what a widget calls, is no cell.
    if (execution.request.wishes?.storeHistory === false) continue;
    if (execution.outcomeIfDone) cells.push(codeCellOf(execution));
    else if (execution.isDropped && execution.status !== null) cells.push(droppedCellOf(execution));
  }
  return { nbformat: 4, nbformat_minor: 5, metadata: PYTHON_METADATA, cells };
}

/** When the code ran, as JupyterLab records it in the metadata of a cell. */
export function executionTimes(startedAt: number | null, finishedAt: number | null) {
  if (startedAt === null || finishedAt === null) return {};
  const [started, finished] = [startedAt, finishedAt].map((ms) => new Date(ms).toISOString());
  return {
    execution: {
      "iopub.execute_input": started,
      "iopub.status.busy": started,
      "iopub.status.idle": finished,
      "shell.execute_reply": finished,
    },
  };
}

/** Outputs as the schema of nbformat wants them, whatever a guest has put into a bundle. */
export function notebookOutputs(outputs: readonly Output[]): Output[] {
  return outputs.map((output) =>
    "data" in output ? { ...output, data: textualBundle(output.data) } : output,
  );
}

function codeCellOf({
  id,
  request,
  outcomeIfDone,
  startedAt,
  finishedAt,
}: ExecutionHandle): CodeCell {
  return {
    cell_type: "code",
    id: `execution-${id}`,
    metadata: executionTimes(startedAt, finishedAt),
    source: request.code,
    execution_count: outcomeIfDone?.executionCount ?? null,
    outputs: notebookOutputs(outcomeIfDone?.outputs ?? []),
  };
}

/** Not as code: it is no longer whole, and must not be run. */
function droppedCellOf({ id, request }: ExecutionHandle): TextCell {
  return {
    cell_type: "raw",
    id: `execution-${id}`,
    metadata: {},
    source: `Execution ${id} is no longer kept. Its code began with:\n\n${request.code}`,
  };
}

function textualBundle(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const bundle: Record<string, unknown> = {};
  for (const [mime, value] of Object.entries(data)) {
    bundle[mime] =
      typeof value === "string" || JSON_MIME.test(mime) ? value : JSON.stringify(value ?? null);
  }
  return bundle;
}
