/** What code shows, and why it fails, on the wire. */

import { Type } from "typebox";
import { nullable } from "./answers.js";
import { closed, count, described, named, text, texts } from "./common.js";

export const MimeBundle = named(
  "MimeBundle",
  "By MIME type: text and base64 as strings, JSON as JSON.",
  Type.Record(Type.String(), Type.Unknown()),
);
/** Of a display or a result. */
export const rich = {
  data: MimeBundle,
  metadata: described(MimeBundle, "By MIME type, such as the size of an image in pixels."),
};
export const counter = count("IPython's counter.");
export const StreamName = named(
  "StreamName",
  "Where it was written.",
  Type.Union([Type.Literal("stdout"), Type.Literal("stderr")]),
);

/** Of an exception. */
export const errorFields = {
  ename: text("The name of the exception's class."),
  evalue: text("The exception's message."),
  traceback: texts("Lines, without colour codes."),
};
export const ExecutionError = named(
  "ExecutionError",
  "Why a run failed.",
  Type.Object(
    {
      ...errorFields,
      hint: nullable(
        text(
          "Which limit or rule of the sandbox was met and what to do about it; null when none was. See docs/errors.md#explained-failures.",
        ),
      ),
    },
    closed,
  ),
);

const outputType = <T extends string>(name: T) =>
  Type.Literal(name, { description: "The kind of output." });

const StreamOutput = named(
  "StreamOutput",
  "Text that was written.",
  Type.Object(
    { output_type: outputType("stream"), name: StreamName, text: text("What was written.") },
    closed,
  ),
);
const DisplayDataOutput = named(
  "DisplayDataOutput",
  "What the code has displayed.",
  Type.Object({ output_type: outputType("display_data"), ...rich }, closed),
);
const ExecuteResultOutput = named(
  "ExecuteResultOutput",
  "The value of the last expression.",
  Type.Object(
    { output_type: outputType("execute_result"), execution_count: counter, ...rich },
    closed,
  ),
);
const ErrorOutput = named(
  "ErrorOutput",
  "The exception that has ended the code.",
  Type.Object({ output_type: outputType("error"), ...errorFields }, closed),
);

export const Output = named(
  "Output",
  "An output as nbformat v4 has it.",
  Type.Union([StreamOutput, DisplayDataOutput, ExecuteResultOutput, ErrorOutput]),
);
