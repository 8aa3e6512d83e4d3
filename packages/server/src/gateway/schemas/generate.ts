/** POST /generate-and-execute on the wire. */

import { type Static, Type } from "typebox";
import { nullable } from "./answers.js";
import { StoppedBy } from "./chat.js";
import {
  CPU_LIMIT_MEANING,
  CpuLimit,
  closed,
  count,
  described,
  duration,
  flag,
  MEMORY_LIMIT_MEANING,
  MemoryLimit,
  named,
  Seconds,
  SessionId,
  text,
} from "./common.js";
import { ExecuteAnswer, INCLUDE_FILES_MEANING, InputFile, MEMORY_PEAK_MEANING } from "./execute.js";
import { errorFields } from "./outputs.js";
import { ValidationAnswer } from "./validation.js";

const QUERY_CHARACTERS_MAX = 32_768;
export const ATTEMPTS_MAX = 10;

export const GenerateBody = named(
  "GenerateRequest",
  "A question, and how it may be answered.",
  Type.Object(
    {
      query: Type.String({
        minLength: 1,
        maxLength: QUERY_CHARACTERS_MAX,
        description: "What to compute, in plain words, up to 32768 characters.",
      }),
      session_id: Type.Optional(
        described(
          SessionId,
          "The session to work in, with its files and variables. Absent: a sandbox for this request, over all attempts.",
        ),
      ),
      timeout: Type.Optional(
        described(Seconds, "Seconds for each attempt; default and maximum `MAX_EXECUTION_TIME`."),
      ),
      memory_limit: Type.Optional(
        described(MemoryLimit, `For each attempt. ${MEMORY_LIMIT_MEANING}`),
      ),
      cpu_limit: Type.Optional(described(CpuLimit, `For each attempt. ${CPU_LIMIT_MEANING}`)),
      files: Type.Optional(
        Type.Array(InputFile, {
          maxItems: 100,
          description:
            "Files to put in place before the model is told what is there, all or none, and again where a sandbox was lost. See docs/files.md#files-with-an-execution.",
        }),
      ),
      include_files: Type.Optional(flag(INCLUDE_FILES_MEANING)),
      max_attempts: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: ATTEMPTS_MAX,
          description: "How often code is written at most; default 3.",
        }),
      ),
      check: Type.Optional(
        flag(
          "Ask the model whether the result solves the task; one that it finds wrong is repaired like an error. One more call for each attempt. Default: false.",
        ),
      ),
    },
    { ...closed, examples: [{ query: "Calculate the first 10 prime numbers", timeout: 15 }] },
  ),
);
export type GenerateBody = Static<typeof GenerateBody>;

const AttemptError = named("AttemptError", "Why an attempt failed.", Type.Object(errorFields));

export const AttemptAnswer = named(
  "GenerationAttempt",
  "Code that was written for a question, and how it ran.",
  Type.Object(
    {
      code: text("The code."),
      explanation: nullable(text("The model's words about it, or null.")),
      status: text("As of an execution, or `rejected`, or `wrong`: the model judged it so."),
      error: described(nullable(AttemptError), "Why the run failed, or null."),
      validation_result: text("What was said about the code, in words."),
      judgement: nullable(text("Why the result was judged wrong, or null.")),
      execution_time: duration("Wall seconds in the kernel."),
    },
    closed,
  ),
);

const Image = named(
  "GeneratedImage",
  "An image that the code has shown.",
  Type.Object({ mime_type: text("Its type."), data: text("Base64, but SVG as text.") }, closed),
);

/** Besides the fields of ExecuteAnswer. */
export const GenerateFields = {
  query: text("As it was sent."),
  generated_code: text(
    "The code of the last attempt. `original_code` and `executed_code` are the same.",
  ),
  explanation: nullable(text("The model's words about it, or null.")),
  validation_result: text(
    "One string for people: what the model says about the safety of its code, or what the static check found.",
  ),
  validation: described(
    ValidationAnswer,
    "The same in detail, see docs/models.md#validation. Advice.",
  ),
  attempts: Type.Array(AttemptAnswer, { description: "Each attempt in order." }),
  images: Type.Array(Image, { description: "Every image in order." }),
  stopped_by: described(
    nullable(StoppedBy),
    "The error for which there was no further attempt although the last one failed, or null.",
  ),
  usage: named(
    "GenerationUsage",
    "What all attempts together have used.",
    Type.Object(
      {
        cpu_time: duration("CPU seconds of all attempts."),
        memory_peak_bytes: count(`Of the last attempt. ${MEMORY_PEAK_MEANING}`),
        wall_time: duration("Seconds of all attempts."),
        model_calls: count("Calls of the model."),
        model_time: duration("Seconds that the model took."),
        input_tokens: count("Tokens that the model was told."),
        output_tokens: count("Tokens that the model has written."),
      },
      closed,
    ),
  ),
};

export const GenerateAnswer = named(
  "GenerationResult",
  "How the last attempt ran, and all that led there.",
  Type.Object({ ...ExecuteAnswer.properties, ...GenerateFields }, closed),
);
