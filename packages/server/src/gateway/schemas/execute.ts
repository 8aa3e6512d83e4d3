/** POST /execute on the wire. */

import { type Static, Type } from "typebox";
import { Count, nullable } from "./answers.js";
import { CpuLimit, closed, MemoryLimit, Seconds, SessionId } from "./common.js";
import { ValidationAnswer } from "./validation.js";

const Encoding = Type.Union([Type.Literal("utf-8"), Type.Literal("base64")]);
export const InputFile = Type.Object(
  { path: Type.String(), content: Type.String(), encoding: Type.Optional(Encoding) },
  closed,
);
export const OutputFile = Type.Object(
  {
    path: Type.String(),
    size: Count,
    encoding: nullable(Encoding),
    content: nullable(Type.String({ description: "Null for what is too large." })),
  },
  closed,
);

export const ExecuteBody = Type.Object(
  {
    code: Type.String({ description: "Python source. IPython's syntax works." }),
    session_id: Type.Optional(SessionId),
    user_uuid: Type.Optional(SessionId),
    timeout: Type.Optional(Seconds),
    memory_limit: Type.Optional(MemoryLimit),
    cpu_limit: Type.Optional(CpuLimit),
    stream: Type.Optional(Type.Boolean()),
    on_disconnect: Type.Optional(Type.Union([Type.Literal("interrupt"), Type.Literal("continue")])),
    allow_input: Type.Optional(Type.Boolean()),
    files: Type.Optional(
      Type.Array(InputFile, { maxItems: 100, description: "Put in place first, all or none." }),
    ),
    include_files: Type.Optional(
      Type.Boolean({ description: "The answer carries small files that the code has made." }),
    ),
    validate_code: Type.Optional(
      Type.Boolean({ description: "Look at the code before it runs: advice, not a protection." }),
    ),
  },
  { ...closed, examples: [{ session_id: "demo", code: "x = 20\nprint(x)\nx + 22" }] },
);
export type ExecuteBody = Static<typeof ExecuteBody>;

const MimeBundle = Type.Record(Type.String(), Type.Unknown());
const ErrorFields = {
  ename: Type.String(),
  evalue: Type.String(),
  traceback: Type.Array(Type.String()),
};

/** An nbformat v4 output. */
export const Output = Type.Union([
  Type.Object(
    {
      output_type: Type.Literal("stream"),
      name: Type.Union([Type.Literal("stdout"), Type.Literal("stderr")]),
      text: Type.String(),
    },
    closed,
  ),
  Type.Object(
    { output_type: Type.Literal("display_data"), data: MimeBundle, metadata: MimeBundle },
    closed,
  ),
  Type.Object(
    {
      output_type: Type.Literal("execute_result"),
      execution_count: Count,
      data: MimeBundle,
      metadata: MimeBundle,
    },
    closed,
  ),
  Type.Object({ output_type: Type.Literal("error"), ...ErrorFields }, closed),
]);

export const ExecutionStatus = Type.Enum([
  "ok",
  "error",
  "timeout",
  "out_of_memory",
  "killed",
  "output_limit",
  "interrupted",
  "rejected",
]);

export const ExecuteAnswer = Type.Object(
  {
    status: ExecutionStatus,
    stdout: Type.String(),
    stderr: Type.String(),
    truncated: Type.Boolean(),
    exit_code: Type.Integer(),
    execution_time: Type.Number({ description: "Seconds in the kernel." }),
    result_text: nullable(Type.String()),
    result_base64: nullable(Type.String({ description: "The last image, PNG." })),
    outputs: Type.Array(Output),
    error: nullable(Type.Object({ ...ErrorFields, hint: nullable(Type.String()) }, closed)),
    files_created: Type.Array(Type.String()),
    files_modified: Type.Array(Type.String()),
    files: Type.Optional(Type.Array(OutputFile)),
    session_id: nullable(Type.String()),
    execution_id: nullable(Type.Integer({ minimum: 1, description: "Counted by the session." })),
    execution_count: nullable(Count),
    original_code: Type.String(),
    executed_code: Type.String(),
    validation_result: nullable(Type.String()),
    validation: nullable(ValidationAnswer),
    usage: Type.Object(
      {
        cpu_time: Type.Number({ minimum: 0, description: "Seconds." }),
        memory_peak_bytes: Count,
        wall_time: Type.Number({ minimum: 0, description: "Seconds." }),
      },
      closed,
    ),
  },
  closed,
);
