/** The shape that docs/api.md promises of every answer to an execution, whatever the code has done. */
import assert from "node:assert/strict";
import type { ExecutionResponse, ExecutionStatus } from "./server.ts";

/** How a run that was started may end; one that is `rejected` is not. */
export const STATUSES: readonly ExecutionStatus[] = [
  "ok",
  "error",
  "timeout",
  "out_of_memory",
  "killed",
  "output_limit",
  "interrupted",
];
const OUTPUT_TYPES = ["stream", "display_data", "execute_result", "error"];

type Test = (value: unknown) => boolean;

const isString: Test = (value) => typeof value === "string";
const isCount: Test = (value) => Number.isInteger(value) && Number(value) >= 0;
const isSeconds: Test = (value) => typeof value === "number" && value >= 0;
const isObject: Test = (value) => typeof value === "object" && value !== null;
const isStrings: Test = (value) => Array.isArray(value) && value.every(isString);
const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value);

const isError: Test = (value) => {
  const { ename, evalue, traceback } = value as Record<string, unknown>;
  return isString(ename) && isString(evalue) && isStrings(traceback);
};

const isOutput: Test = (value) => {
  const output = value as Record<string, unknown>;
  if (output.output_type === "stream") return isString(output.name) && isString(output.text);
  if (output.output_type === "error") return isError(output);
  return OUTPUT_TYPES.includes(String(output.output_type)) && isObject(output.data);
};

const FIELDS: Readonly<Record<keyof Required<ExecutionResponse>, Test>> = {
  status: (value) => STATUSES.some((status) => status === value),
  stdout: isString,
  stderr: isString,
  truncated: (value) => typeof value === "boolean",
  exit_code: isCount,
  execution_time: isSeconds,
  result_text: orNull(isString),
  result_base64: orNull(isString),
  outputs: (value) => Array.isArray(value) && value.every(isOutput),
  error: orNull(isError),
  files_created: isStrings,
  files: (value) => value === undefined || Array.isArray(value),
  session_restarted: (value) => value === undefined || isObject(value),
  files_modified: isStrings,
  session_id: orNull(isString),
  execution_id: orNull(isCount),
  execution_count: orNull(isCount),
  original_code: isString,
  executed_code: isString,
  validation_result: orNull(isString),
  validation: orNull(isObject),
  usage: isObject,
};

export function assertExecutionShape(body: ExecutionResponse): void {
  for (const [name, test] of Object.entries(FIELDS)) {
    const value = body[name as keyof ExecutionResponse];
    assert.ok(test(value), `${name} is ${JSON.stringify(value)?.slice(0, 500)}`);
  }
}
