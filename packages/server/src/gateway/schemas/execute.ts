/** POST /execute on the wire. */

import { type Static, Type } from "typebox";
import { recordOf } from "../../sandbox/records.js";
import { RESTART_REASONS } from "../../sessions/outcome.js";
import { nullable } from "./answers.js";
import {
  CPU_LIMIT_MEANING,
  CpuLimit,
  closed,
  count,
  described,
  duration,
  FilePath,
  flag,
  MEMORY_LIMIT_MEANING,
  MemoryLimit,
  named,
  Seconds,
  SessionId,
  text,
  texts,
  told,
} from "./common.js";
import { ExecutionError, Output } from "./outputs.js";
import { ValidationAnswer } from "./validation.js";

export const FileEncoding = named(
  "FileEncoding",
  "How content is written in JSON.",
  Type.Union([Type.Literal("utf-8"), Type.Literal("base64")]),
);
export const InputFile = named(
  "InputFile",
  "A file to put in place before the code runs.",
  Type.Object(
    {
      path: described(FilePath, "Where it goes, relative to `/workspace`."),
      content: text("Its text, or its bytes in base64."),
      encoding: Type.Optional(described(FileEncoding, "Of `content`. Default: `utf-8`.")),
    },
    closed,
  ),
);
export const OutputFile = named(
  "OutputFile",
  "A file that the code has made or changed.",
  Type.Object(
    {
      path: text("Relative to `/workspace`."),
      size: count("Bytes."),
      encoding: described(nullable(FileEncoding), "`utf-8` or `base64`; null where `content` is."),
      content: nullable(text("Null for a file over 1 MiB, and for those beyond 8 MiB in all.")),
    },
    closed,
  ),
);

export const STDIN_MEANING =
  "What standard input has: `input()`, `sys.stdin` and child processes read it, and then meet its end. Default: standard input is empty.";
export const INPUT_FILES_MEANING =
  "Files to put in place first, all or none. See docs/files.md#files-with-an-execution.";
export const INCLUDE_FILES_MEANING =
  "Whether the answer carries small files that were created or changed. Default: false.";

/** What an answer repeats, or may hold much of. */
export const ANSWER_PARTS = [
  "stdout",
  "stderr",
  "result_text",
  "result_base64",
  "outputs",
  "code",
] as const;
const AnswerPart = named(
  "AnswerPart",
  "A part of an answer that can be left out.",
  Type.Enum([...ANSWER_PARTS]),
);
export const Include = Type.Array(AnswerPart, {
  maxItems: ANSWER_PARTS.length,
  description:
    'Which parts the answer has; the others are empty (`""`, `[]` or null). `code` is `original_code` and `executed_code`. Default: all. Events are not changed but for the `result`.',
});

const VariableName = Type.String({ maxLength: 128, pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$" });
const variable = Type.String({ maxLength: 131_072 });
const Environment = told(
  recordOf(variable, { maxProperties: 100, propertyNames: VariableName }),
  // A generator takes a pattern for names of fields.
  Type.Record(Type.String(), variable, { maxProperties: 100, propertyNames: VariableName }),
);

export const ExecuteBody = named(
  "ExecuteRequest",
  "Code to run, and how.",
  Type.Object(
    {
      code: text(
        "Python source, up to `MAX_CODE_SIZE` bytes. IPython's syntax works: magics, `!cmd`, top-level `await`.",
      ),
      session_id: Type.Optional(
        described(
          SessionId,
          "A session, made on first use. 1 to 128 characters of `A-Za-z0-9._:@-`. Absent: a fresh sandbox for this run alone.",
        ),
      ),
      user_uuid: Type.Optional(
        described(
          SessionId,
          "Another name for `session_id`, for clients that answer to 504. The two name the same sessions; sent together they must be equal.",
        ),
      ),
      timeout: Type.Optional(
        described(
          Seconds,
          "Seconds, above 0, fractions allowed; default and maximum `MAX_EXECUTION_TIME`.",
        ),
      ),
      memory_limit: Type.Optional(described(MemoryLimit, MEMORY_LIMIT_MEANING)),
      cpu_limit: Type.Optional(described(CpuLimit, CPU_LIMIT_MEANING)),
      stream: Type.Optional(
        flag(
          "True: server-sent events as output happens, see docs/executions.md#streams. Default: as the header `Accept: text/event-stream` says.",
        ),
      ),
      on_disconnect: Type.Optional(
        named(
          "OnDisconnect",
          "`interrupt` (default): a client that closes the connection interrupts its run. `continue`: the run goes on; needs a `session_id`.",
          Type.Union([Type.Literal("interrupt"), Type.Literal("continue")]),
        ),
      ),
      allow_input: Type.Optional(
        flag(
          "Whether somebody can answer `input()`, see docs/executions.md#input; needs a `session_id`. Default: true for a session's stream, else false.",
        ),
      ),
      stdin: Type.Optional(text(STDIN_MEANING)),
      argv: Type.Optional(
        Type.Array(Type.String({ maxLength: 131_072 }), {
          minItems: 1,
          maxItems: 1000,
          description:
            "What `sys.argv` has, as for a script of the name `argv[0]`, which `__file__` then names. Stays in the session.",
        }),
      ),
      env: Type.Optional(
        described(
          Environment,
          "Variables of the environment. They stay in the session, and are in no log.",
        ),
      ),
      files: Type.Optional(
        Type.Array(InputFile, { maxItems: 100, description: INPUT_FILES_MEANING }),
      ),
      include_files: Type.Optional(flag(INCLUDE_FILES_MEANING)),
      include: Type.Optional(Include),
      validate_code: Type.Optional(
        flag(
          "Look at the code before it runs: advice, not a protection. See docs/models.md#validation. Default: false.",
        ),
      ),
    },
    { ...closed, examples: [{ session_id: "demo", code: "x = 20\nprint(x)\nx + 22" }] },
  ),
);
export type ExecuteBody = Static<typeof ExecuteBody>;

export const ExecutionStatus = named(
  "ExecutionStatus",
  "How a run ended.",
  Type.Enum([
    "ok",
    "error",
    "timeout",
    "out_of_memory",
    "killed",
    "output_limit",
    "interrupted",
    "rejected",
  ]),
);

const CHANGED_FILES =
  "Paths relative to `/workspace`, sorted, at most 1000. Only the first 5000 files are looked at; `__pycache__` and `.ipynb_checkpoints` are left out. Empty when the kernel did not live to say.";

export const MEMORY_PEAK_MEANING =
  "Highest memory use of the whole sandbox; pages that it still shares with the zygote are not counted. On older kernels that of the session so far, see docs/operations.md#control-groups.";

export const ExecuteAnswer = named(
  "ExecutionResult",
  "How a run ended, and what it has shown.",
  Type.Object(
    {
      status: described(ExecutionStatus, "How the run ended."),
      stdout: text(
        "Text of Python, of C code and of child processes. Bytes that are not UTF-8 become U+FFFD.",
      ),
      stderr: text("The same of standard error. Ends with the traceback, if there is one."),
      truncated: flag(
        "True when text was cut at `MAX_OUTPUT_SIZE` (beginning and end are there, and a line between them says so), or outputs were left out.",
      ),
      exit_code: Type.Integer({
        description:
          "0 for `ok`, N for `sys.exit(N)`, 124 for `timeout`, 126 for `rejected`, 130 for `interrupted`, 137 for what was ended by force.",
      }),
      execution_time: Type.Number({
        description: "Wall seconds in the kernel; until the stop when the run was stopped.",
      }),
      result_text: nullable(
        text(
          "All text in order: streams, plain text of results and displays, traceback. What has an image (PNG, JPEG, GIF, WebP, SVG) is left out, its plain text included; images are in `outputs`. Null when there is none. Cut after 8 MiB, and says so; `outputs` has all of it.",
        ),
      ),
      result_base64: nullable(
        text("The last PNG in base64, or null. Images of other types are in `outputs` alone."),
      ),
      outputs: Type.Array(Output, {
        description:
          "nbformat v4 output objects in order: `stream`, `display_data`, `execute_result`, `error`.",
      }),
      error: described(nullable(ExecutionError), "Why the run failed, or null."),
      files_created: texts(CHANGED_FILES),
      files_modified: texts("The same of files that were there before."),
      session_restarted: Type.Optional(
        named(
          "SessionRestarted",
          "In the first run after a session has lost its variables and files, see docs/errors.md#a-session-that-begins-afresh. Else absent.",
          Type.Object(
            {
              reason: named(
                "RestartReason",
                "How the run ended that took the state along; `died` between two runs, `reset`, or `ended` with the whole session.",
                Type.Enum([...RESTART_REASONS]),
              ),
            },
            closed,
          ),
        ),
      ),
      files: Type.Optional(
        Type.Array(OutputFile, {
          description:
            "With `include_files` only: files that were created or changed, see docs/files.md#files-with-an-execution.",
        }),
      ),
      session_id: nullable(text("The session, null for a stateless run.")),
      execution_id: nullable(
        Type.Integer({
          minimum: 1,
          description:
            "The session's own number of this run: 1, 2, 3, …, also over resets. Null for a stateless run.",
        }),
      ),
      execution_count: nullable(
        count(
          "IPython's counter, 1 for the first run of a sandbox; null when the kernel did not live to say.",
        ),
      ),
      original_code: text("The code as it was sent."),
      executed_code: text("The code as it was run: the same, unless a review has improved it."),
      validation_result: nullable(
        text("What was said about the code, in words; null without `validate_code`."),
      ),
      validation: described(
        nullable(ValidationAnswer),
        "The same in detail, see docs/models.md#validation; null without `validate_code`.",
      ),
      usage: named(
        "ExecutionUsage",
        "What the run has used.",
        Type.Object(
          {
            cpu_time: duration("CPU seconds of the whole sandbox during the run."),
            memory_peak_bytes: count(MEMORY_PEAK_MEANING),
            wall_time: duration(
              "Seconds from the gateway's view, from the moment the sandbox is the run's own.",
            ),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
);
