/** Notebooks on the wire. Their cells are described by nbformat's own schema. */

import { type Static, Type } from "typebox";
import { closed, Seconds } from "./common.js";
import { ExecutionStatus } from "./execute.js";

const Fields = Type.Record(Type.String(), Type.Unknown());

export const NotebookBody = Type.Object(
  {
    // Checked by sessions/notebook-input.ts, which says what is wrong with it.
    notebook: Type.Unknown({
      description: "A notebook of nbformat 4, the JSON of an .ipynb file.",
    }),
    stream: Type.Optional(Type.Boolean()),
    on_error: Type.Optional(Type.Union([Type.Literal("stop"), Type.Literal("continue")])),
    timeout: Type.Optional(Seconds),
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
);
export type NotebookBody = Static<typeof NotebookBody>;

export const NotebookFile = Type.Object(
  {
    nbformat: Type.Literal(4),
    nbformat_minor: Type.Literal(5),
    metadata: Fields,
    cells: Type.Array(Fields),
  },
  closed,
);

export const NotebookAnswer = Type.Object(
  {
    notebook: NotebookFile,
    status: ExecutionStatus,
    executions: Type.Array(Type.Integer({ minimum: 1, description: "Counted by the session." })),
  },
  closed,
);
