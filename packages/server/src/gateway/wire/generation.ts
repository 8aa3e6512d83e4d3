/** How generations and reviews of code look on the wire. */

import { type ValidationAction, validationActions } from "../../config/model-settings.js";
import { type CodeReview, reviewSentence } from "../../generate/code-review.js";
import type { Attempt, Generation } from "../../generate/generation.js";
import type { Finding } from "../../generate/static-check.js";
import type { BundleImage } from "../../mime.js";
import type { ExecutionHandle } from "../../sessions/interface.js";
import type { ExecutionOutcome } from "../../sessions/outcome.js";
import { imagesOf } from "../../sessions/outputs.js";
import { type ExecuteResponse, toExecuteResponse } from "./execution.js";

/** As a shell says that a command was found and not run. */
const EXIT_NOT_RUN = 126;

const NOTHING_RUN: ExecutionOutcome = {
  status: "ok",
  exitCode: EXIT_NOT_RUN,
  outputs: [],
  stdout: "",
  stderr: "",
  truncated: false,
  error: null,
  executionTime: 0,
  executionCount: null,
  filesCreated: [],
  filesModified: [],
  cpuSeconds: 0,
  sandboxCpuSeconds: 0,
  memoryPeakBytes: 0,
  wallSeconds: 0,
  outputBytes: 0,
  spent: false,
};

/** The answer for code that was not run because of what was found in it. */
function toRejectedResponse(
  code: string,
  sessionId: string | undefined,
  findings: readonly Finding[],
  why: string,
) {
  const denied = findings.filter(({ action }) => action === "deny");
  const lines = denied.map(({ rule, line, message }) => `line ${line}: ${message} (${rule})`);
  const asked = { id: null, sessionId: sessionId ?? null, request: { code } };
  return {
    ...toExecuteResponse(NOTHING_RUN, asked),
    status: "rejected" as const,
    stderr: `CodeRejected: ${why}\n`,
    error: {
      ename: "CodeRejected",
      evalue: why,
      traceback: [...lines, `CodeRejected: ${why}`],
      hint: "Nothing was run. VALIDATION_POLICY is the operator's to set; without validate_code code runs as it is.",
    },
  };
}

function toWireReview(review: CodeReview) {
  const { verdict, findings, staticProblem, opinion, opinionProblem } = review;
  return {
    advice: true,
    verdict,
    static: { findings, problem: staticProblem },
    review: opinion,
    review_problem: opinionProblem,
  };
}

/** What an answer of /execute says about code that was reviewed. */
export function toRemarks(review: CodeReview, originalCode: string) {
  return {
    originalCode,
    validationResult: reviewSentence(review),
    validation: toWireReview(review),
  };
}

/** The answer of /execute for code that its review does not let run. */
export function toRejectedAnswer(code: string, sessionId: string | undefined, review: CodeReview) {
  const { originalCode, validationResult, ...said } = toRemarks(review, code);
  return {
    ...toRejectedResponse(code, sessionId, review.findings, validationResult),
    ...said,
    ...{ original_code: originalCode, validation_result: validationResult },
  };
}

export function toGenerateResponse(
  query: string,
  generation: Generation,
  last: ExecutionHandle | undefined,
  sessionId: string | undefined,
) {
  const { attempts, outcome, use, stoppedBy } = generation;
  const final = attempts.at(-1) as Attempt;
  const answer: Omit<ExecuteResponse, "status"> & { status: string } =
    outcome && last
      ? toExecuteResponse(outcome, last)
      : toRejectedResponse(final.code, sessionId, final.findings, sentenceOn(final));
  return {
    ...answer,
    query,
    generated_code: final.code,
    explanation: final.explanation,
    validation_result: sentenceOn(final),
    validation: {
      advice: true,
      verdict: verdictOn(final),
      static: { findings: final.findings, problem: null },
      review: null,
      review_problem: null,
    },
    attempts: attempts.map(toWireAttempt),
    images: outcome ? Array.from(imagesOf(outcome.outputs), toWireImage) : [],
    stopped_by: stoppedBy ? { code: stoppedBy.code, message: stoppedBy.message } : null,
    usage: {
      cpu_time: generation.cpuSeconds,
      memory_peak_bytes: answer.usage.memory_peak_bytes,
      wall_time: generation.wallSeconds,
      model_calls: use.calls,
      model_time: use.seconds,
      input_tokens: use.inputTokens,
      output_tokens: use.outputTokens,
    },
  };
}

function toWireAttempt(attempt: Attempt) {
  return {
    code: attempt.code,
    explanation: attempt.explanation,
    status: attempt.status,
    error: attempt.error,
    validation_result: sentenceOn(attempt),
    judgement: attempt.judgement,
    execution_time: attempt.executionSeconds,
  };
}

function worst(findings: readonly Finding[]): ValidationAction {
  const found = findings.map(({ action }) => validationActions.indexOf(action));
  return validationActions[Math.max(0, ...found)] ?? "allow";
}

function verdictOn({ findings }: Attempt): CodeReview["verdict"] {
  return ({ allow: "approved", warn: "warned", deny: "rejected" } as const)[worst(findings)];
}

/** One string for people: the model's own words where there are any. */
function sentenceOn(attempt: Attempt): string {
  const { findings, code, safety } = attempt;
  const verdict = verdictOn(attempt);
  if (verdict === "approved" && safety !== null) return safety;
  return reviewSentence({
    ...{ verdict, findings, code, staticProblem: null, opinionProblem: null },
    opinion: safety === null ? null : { verdict: "approve", reasons: [safety] },
  });
}

/** Base64, and SVG as the text that it is. */
function toWireImage({ mimeType, content }: BundleImage): { mime_type: string; data: string } {
  return { mime_type: mimeType, data: content.trim() };
}
