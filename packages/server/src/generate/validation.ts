/** What is said about code before it runs, by the static check and, where there is a model, by a review. */

import type { ValidationPolicy } from "../config/model-settings.js";
import { extractAnswer, extractFields } from "./answer/extraction.js";
import type { CodeRunner } from "./code-runner.js";
import { DataMarks } from "./data-block.js";
import type { ModelClient } from "./model.js";
import type { ModelUse } from "./model-use.js";
import { instructionsToReview, REVIEW_FORM, reviewMessage } from "./prompt.js";
import { checkStatically, type Finding, type StaticCheck } from "./static-check.js";

export type ReviewVerdict = "approve" | "improve" | "reject";

export interface Review {
  readonly verdict: ReviewVerdict;
  readonly reasons: readonly string[];
}

export interface Validation {
  readonly verdict: "approved" | "warned" | "rejected";
  readonly findings: readonly Finding[];
  /** Why the static part has not looked, else null. */
  readonly staticProblem: string | null;
  readonly review: Review | null;
  /** Why there is no review, else null. */
  readonly reviewProblem: string | null;
  /** What is to be run: the code as it was, or as the review has improved it. */
  readonly code: string;
}

const REASONS_MAX = 20;
const REASON_CHARACTERS_MAX = 500;

/**
 * Advice does not stop what it is about.
 * @throws the signal's reason when it is aborted, and what says that the code cannot run anyway
 */
export async function validate(
  runner: CodeRunner,
  code: string,
  policy: ValidationPolicy,
  reviewer: { readonly model: ModelClient; readonly use: ModelUse } | undefined,
  signal: AbortSignal,
): Promise<Validation> {
  const check = await checkStatically(runner, [code], policy);
  if (isDenied(check) || !reviewer) {
    const reviewProblem = reviewer ? "the static check has rejected it" : "no model is configured";
    return conclude(code, check, null, reviewProblem);
  }
  let review: (Review & { improvedCode: string | null }) | null;
  try {
    review = await askForReview(runner, code, check.findings, reviewer, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return conclude(code, check, null, `the model gave no review: ${(error as Error).message}`);
  }
  if (!review) return conclude(code, check, null, "the model's review cannot be read");
  if (review.verdict !== "improve" || review.improvedCode === null) {
    return conclude(code, check, review, null);
  }
  // What the model makes of the code is as little to be trusted as the code.
  const again = await checkStatically(runner, [review.improvedCode], policy);
  if (isDenied(again) || again.findings.some(({ rule }) => rule === "syntax_error")) {
    return conclude(code, check, review, "the improved code does not pass the static check");
  }
  return conclude(review.improvedCode, again, review, null);
}

async function askForReview(
  runner: CodeRunner,
  code: string,
  findings: readonly Finding[],
  { model, use }: { readonly model: ModelClient; readonly use: ModelUse },
  signal: AbortSignal,
): Promise<(Review & { improvedCode: string | null }) | null> {
  const marks = new DataMarks();
  const answer = await use.count(() =>
    model.complete({
      system: instructionsToReview(marks, runner),
      messages: [{ role: "user", content: reviewMessage(marks, code, findings) }],
      form: REVIEW_FORM,
      signal,
    }),
  );
  const fields = extractFields(answer.text, ["verdict", "reasons", "improved_code"]);
  const verdict = readVerdict(fields?.["verdict"]);
  if (!fields || !verdict) return null;
  const said = fields["reasons"];
  const reasons = (Array.isArray(said) ? said : [said])
    .filter((reason) => typeof reason === "string")
    .slice(0, REASONS_MAX)
    .map((reason) => reason.slice(0, REASON_CHARACTERS_MAX));
  return { verdict, reasons, improvedCode: improvedCodeIn(fields, answer.cutByLength) };
}

function readVerdict(said: unknown): ReviewVerdict | undefined {
  if (typeof said !== "string") return undefined;
  const word = said.trim().toLowerCase();
  if (/^(?:approved?|safe|ok|pass(?:ed)?)$/.test(word)) return "approve";
  if (/^(?:improved?|caution|warn(?:ing)?)$/.test(word)) return "improve";
  if (/^(?:reject(?:ed)?|unsafe|den(?:y|ied))$/.test(word)) return "reject";
  return undefined;
}

function improvedCodeIn(fields: Readonly<Record<string, unknown>>, isCut: boolean): string | null {
  const code = fields["improved_code"] ?? fields["code"];
  if (typeof code !== "string" || code.trim() === "" || isCut) return null;
  // The string may hold a fence once more.
  return extractAnswer(JSON.stringify({ code })).candidates[0] ?? null;
}

export function isDenied({ findings }: Pick<StaticCheck, "findings">): boolean {
  return findings.some(({ action }) => action === "deny");
}

function conclude(
  code: string,
  check: StaticCheck,
  review: Review | null,
  reviewProblem: string | null,
): Validation {
  const rejected = isDenied(check) || review?.verdict === "reject";
  const warned = check.findings.length > 0 || review?.verdict === "improve";
  return {
    verdict: rejected ? "rejected" : warned ? "warned" : "approved",
    findings: check.findings,
    staticProblem: check.problem,
    review: review && { verdict: review.verdict, reasons: review.reasons },
    reviewProblem,
    code,
  };
}

/** `validation_result`: one string for people. */
export function validationSentence(validation: Validation): string {
  const { verdict, findings, review } = validation;
  const found = findings.slice(0, 3).map(({ line, message }) => `line ${line}: ${message}`);
  const reasons = [...found, ...(review?.reasons ?? [])].join("; ");
  if (verdict === "rejected") return `Code was rejected and not run: ${reasons}`;
  if (verdict === "warned") return `Code was run with remarks: ${reasons}`;
  return review === null
    ? "Code is safe to execute. (A static check only; advice, not a guarantee.)"
    : "Code is safe to execute.";
}
