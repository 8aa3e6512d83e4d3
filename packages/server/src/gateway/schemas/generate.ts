/** POST /generate-and-execute on the wire. */

import { type Static, Type } from "typebox";
import { Count, nullable } from "./answers.js";
import { CpuLimit, closed, MemoryLimit, Seconds, SessionId } from "./common.js";
import { InputFile } from "./execute.js";
import { ValidationAnswer } from "./validation.js";

const QUERY_CHARACTERS_MAX = 32_768;
export const ATTEMPTS_MAX = 10;

export const GenerateBody = Type.Object(
  {
    query: Type.String({
      minLength: 1,
      maxLength: QUERY_CHARACTERS_MAX,
      description: "What to compute, in plain words.",
    }),
    session_id: Type.Optional(SessionId),
    timeout: Type.Optional(Seconds),
    memory_limit: Type.Optional(MemoryLimit),
    cpu_limit: Type.Optional(CpuLimit),
    files: Type.Optional(
      Type.Array(InputFile, { maxItems: 100, description: "Put in place first, all or none." }),
    ),
    include_files: Type.Optional(
      Type.Boolean({ description: "The answer carries small files that the code has made." }),
    ),
    max_attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: ATTEMPTS_MAX })),
    check: Type.Optional(
      Type.Boolean({ description: "Let the model judge the result before it is taken." }),
    ),
  },
  { ...closed, examples: [{ query: "Calculate the first 10 prime numbers", timeout: 15 }] },
);
export type GenerateBody = Static<typeof GenerateBody>;

export const AttemptAnswer = Type.Object(
  {
    code: Type.String(),
    explanation: nullable(Type.String()),
    status: Type.String({ description: "As of an execution, or `rejected`, or `wrong`." }),
    error: nullable(
      Type.Object({
        ename: Type.String(),
        evalue: Type.String(),
        traceback: Type.Array(Type.String()),
      }),
    ),
    validation_result: Type.String(),
    judgement: nullable(Type.String()),
    execution_time: Type.Number({ minimum: 0 }),
  },
  closed,
);

/** Besides the fields of ExecuteAnswer. */
export const GenerateFields = {
  query: Type.String(),
  generated_code: Type.String(),
  explanation: nullable(Type.String()),
  validation_result: Type.String(),
  validation: ValidationAnswer,
  attempts: Type.Array(AttemptAnswer),
  images: Type.Array(Type.Object({ mime_type: Type.String(), data: Type.String() }, closed)),
  stopped_by: nullable(Type.Object({ code: Type.String(), message: Type.String() }, closed)),
  usage: Type.Object(
    {
      cpu_time: Type.Number({ minimum: 0, description: "Seconds, of all attempts." }),
      memory_peak_bytes: Count,
      wall_time: Type.Number({ minimum: 0, description: "Seconds, of all attempts." }),
      model_calls: Count,
      model_time: Type.Number({ minimum: 0, description: "Seconds." }),
      input_tokens: Count,
      output_tokens: Count,
    },
    closed,
  ),
};
