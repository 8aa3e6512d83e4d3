/** Notebooks on the wire. Their cells are described by nbformat's own schema. */

import { type Static, Type } from "typebox";
import { closed, described, flag, named, Seconds } from "./common.js";
import { ExecutionStatus } from "./execute.js";

const Fields = Type.Record(Type.String(), Type.Unknown());

export const NotebookBody = named(
  "RunNotebookRequest",
  "A notebook to run.",
  Type.Object(
    {
      // Checked by sessions/notebook-input.ts, which says what is wrong with it.
      notebook: Type.Unknown({
        description:
          "A notebook of nbformat 4, the JSON of an `.ipynb` file. Its outputs are not looked at.",
      }),
      on_error: Type.Optional(
        Type.Union([Type.Literal("stop"), Type.Literal("continue")], {
          description:
            "`stop` (default): the first cell that fails ends the run. `continue`: the cells after it run.",
        }),
      ),
      timeout: Type.Optional(
        described(
          Seconds,
          "Seconds for each cell, up to `MAX_EXECUTION_TIME`, which is the default.",
        ),
      ),
      stream: Type.Optional(
        flag(
          "True: events as they happen. Default: as the header `Accept: text/event-stream` says.",
        ),
      ),
    },
    {
      ...closed,
      examples: [
        {
          notebook: {
            nbformat: 4,
            nbformat_minor: 5,
            metadata: {},
            cells: [
              { cell_type: "markdown", id: "title", metadata: {}, source: "# Sums" },
              {
                cell_type: "code",
                id: "sum",
                metadata: {},
                source: "sum(range(10))",
                execution_count: null,
                outputs: [],
              },
            ],
          },
          on_error: "stop",
        },
      ],
    },
  ),
);
export type NotebookBody = Static<typeof NotebookBody>;

export const NotebookFile = named(
  "Notebook",
  "A notebook of nbformat 4.5.",
  Type.Object(
    {
      nbformat: Type.Literal(4, { description: "The format's version." }),
      nbformat_minor: Type.Literal(5, { description: "The format's minor version." }),
      metadata: described(Fields, "Of the notebook: its kernel and language."),
      cells: Type.Array(Fields, { description: "As nbformat describes them." }),
    },
    closed,
  ),
);

export const NotebookAnswer = named(
  "NotebookResult",
  "How a notebook ran.",
  Type.Object(
    {
      notebook: described(
        NotebookFile,
        "What was sent, with the outputs, counts and times of the cells that ran.",
      ),
      status: described(ExecutionStatus, "`ok`, or how the first cell ended that failed."),
      executions: Type.Array(Type.Integer({ minimum: 1 }), {
        description: "The session's own numbers of the cells that ran.",
      }),
    },
    closed,
  ),
);
