/** POST /execute/batch on the wire. */

import { type Static, Type } from "typebox";
import { ErrorInfo, nullable } from "./answers.js";
import {
  CPU_LIMIT_MEANING,
  CpuLimit,
  closed,
  count,
  described,
  flag,
  MEMORY_LIMIT_MEANING,
  MemoryLimit,
  named,
  Seconds,
  text,
} from "./common.js";
import {
  ExecuteAnswer,
  INCLUDE_FILES_MEANING,
  INPUT_FILES_MEANING,
  Include,
  InputFile,
  STDIN_MEANING,
} from "./execute.js";

export const BATCH_ITEMS_MAX = 1000;
export const BATCH_CONCURRENCY_MAX = 16;

const BatchItem = named(
  "BatchItem",
  "One run of a batch.",
  Type.Object(
    {
      id: Type.Optional(
        Type.String({
          maxLength: 200,
          description: "A name of the caller's own, which the item's result repeats.",
        }),
      ),
      code: text("Python source, up to `MAX_CODE_SIZE` bytes."),
      stdin: Type.Optional(text(STDIN_MEANING)),
      files: Type.Optional(
        Type.Array(InputFile, { maxItems: 100, description: INPUT_FILES_MEANING }),
      ),
      include_files: Type.Optional(flag(INCLUDE_FILES_MEANING)),
      timeout: Type.Optional(
        described(Seconds, "Seconds; default and maximum `MAX_EXECUTION_TIME`."),
      ),
      memory_limit: Type.Optional(described(MemoryLimit, MEMORY_LIMIT_MEANING)),
      cpu_limit: Type.Optional(described(CpuLimit, CPU_LIMIT_MEANING)),
    },
    closed,
  ),
);

export const BatchBody = named(
  "BatchRequest",
  "Many runs, each in a fresh sandbox.",
  Type.Object(
    {
      items: Type.Array(BatchItem, {
        minItems: 1,
        maxItems: BATCH_ITEMS_MAX,
        description: "Each is run in a fresh sandbox of its own.",
      }),
      concurrency: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: BATCH_CONCURRENCY_MAX,
          description:
            "Items that run at a time, of one key 16 over all of its batches. Default: twice the server's cores.",
        }),
      ),
      stop_on: Type.Optional(
        Type.Union([Type.Literal("never"), Type.Literal("error")], {
          description:
            "`error`: once an item has not ended with `ok`, no more begin. Default: `never`.",
        }),
      ),
      include: Type.Optional(Include),
      stream: Type.Optional(
        flag("True: events as items end. Default: as the header `Accept: text/event-stream` says."),
      ),
    },
    {
      ...closed,
      examples: [{ items: [{ code: "print(6 * 7)" }, { code: "print(input())", stdin: "hi" }] }],
    },
  ),
);
export type BatchBody = Static<typeof BatchBody>;

export const BatchItemResult = named(
  "BatchItemResult",
  "What became of one item of a batch.",
  Type.Object(
    {
      index: count("The item's place in `items`, from 0."),
      id: nullable(text("The item's own name, or null.")),
      state: Type.Union([Type.Literal("done"), Type.Literal("refused"), Type.Literal("skipped")], {
        description:
          "`done`: it ran, however it ended. `refused`: it did not run, and `error` says why. `skipped`: it was not begun, as `stop_on` said.",
      }),
      result: described(
        nullable(ExecuteAnswer),
        "What POST /execute would have answered; null where it did not run.",
      ),
      error: described(nullable(ErrorInfo), "Why there is no result, or null."),
    },
    closed,
  ),
);

const counts = {
  ok: count("Items that ended with `ok`."),
  failed: count("Items that ran and did not."),
  not_run: count("Items that were refused or skipped."),
};

/** The last event of a stream, whose items were told before. */
export const BatchCounts = named(
  "BatchCounts",
  "How the items of a batch ended.",
  Type.Object(counts, closed),
);

export const BatchAnswer = named(
  "BatchResult",
  "What became of every item of a batch.",
  Type.Object(
    {
      results: Type.Array(BatchItemResult, { description: "In the order of `items`." }),
      ...counts,
    },
    closed,
  ),
);
