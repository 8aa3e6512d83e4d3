/** How an execution looks on the wire. */

import { CODE_SHOWN_MAX } from "../../sessions/execution.js";
import type { CodeRemarks } from "../../sessions/execution-request.js";
import type { ExecutionHandle } from "../../sessions/interface.js";
import type { ExecutionOutcome, InlineFile } from "../../sessions/outcome.js";
import { imagesOf, type Output, textOf } from "../../sessions/outputs.js";
import type { ANSWER_PARTS } from "../schemas/execute.js";

/** `outputs` has all of it; what is repeated beside them is bounded. */
const RESULT_TEXT_MAX = 8 * 2 ** 20;

/** What was asked for, as the answer repeats it. */
export interface AnsweredRequest {
  readonly id: number | null;
  readonly sessionId: string | null;
  readonly request: { readonly code: string; readonly remarks?: CodeRemarks | undefined };
}

export type ExecuteResponse = ReturnType<typeof toExecuteResponse>;

export type AnswerPart = (typeof ANSWER_PARTS)[number];

/** `include` names the parts that are wanted; undefined for all. */
export function toExecuteResponse(
  outcome: ExecutionOutcome,
  asked: AnsweredRequest,
  include?: readonly AnswerPart[],
) {
  const { code, remarks } = asked.request;
  const has = (part: AnswerPart) => include?.includes(part) ?? true;
  return {
    status: outcome.status,
    stdout: has("stdout") ? outcome.stdout : "",
    stderr: has("stderr") ? outcome.stderr : "",
    truncated: outcome.truncated,
    exit_code: outcome.exitCode,
    execution_time: Math.round(outcome.executionTime * 1e6) / 1e6,
    result_text: has("result_text") ? resultText(outcome.outputs) : null,
    result_base64: has("result_base64") ? lastPng(outcome.outputs) : null,
    outputs: has("outputs") ? outcome.outputs : [],
    error: outcome.error,
    files_created: outcome.filesCreated,
    files_modified: outcome.filesModified,
    ...(outcome.restarted ? { session_restarted: { reason: outcome.restarted } } : {}),
    ...(outcome.files ? { files: outcome.files.map(toOutputFile) } : {}),
    session_id: asked.sessionId,
    execution_id: asked.id,
    execution_count: outcome.executionCount,
    original_code: has("code") ? (remarks?.originalCode ?? code) : "",
    executed_code: has("code") ? code : "",
    validation_result: remarks?.validationResult ?? null,
    validation: remarks?.validation ?? null,
    usage: {
      cpu_time: outcome.cpuSeconds,
      memory_peak_bytes: outcome.memoryPeakBytes,
      wall_time: outcome.wallSeconds,
    },
  };
}

function toOutputFile({ path, sizeBytes, encoding, content }: InlineFile) {
  return { path, size: sizeBytes, encoding, content };
}

/** An execution in a list. */
export function toExecutionInfo(execution: ExecutionHandle) {
  return {
    execution_id: execution.id,
    state: execution.state,
    status: execution.status,
    code: execution.request.code.slice(0, CODE_SHOWN_MAX),
    created_at: toTime(execution.createdAt),
    started_at: toTimeOrNull(execution.startedAt),
    finished_at: toTimeOrNull(execution.finishedAt),
    dropped: execution.isDropped,
  };
}

function toTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : toTime(ms);
}

export function toTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** `result_text`: everything that is text, in order, or null. */
function resultText(outputs: readonly Output[]): string | null {
  const text = textOf(outputs, "leave out", RESULT_TEXT_MAX);
  if (text.length > RESULT_TEXT_MAX) return `${text.slice(0, RESULT_TEXT_MAX)}${TEXT_CUT}`;
  return text === "" ? null : text;
}

const TEXT_CUT = "\n[result_text was cut here: outputs has all of it]\n";

/** `result_base64`: the last PNG, in base64, or null. */
function lastPng(outputs: readonly Output[]): string | null {
  let last: string | null = null;
  for (const { mimeType, content } of imagesOf(outputs)) {
    if (mimeType === "image/png") last = content;
  }
  return last === null ? null : last.trim();
}
