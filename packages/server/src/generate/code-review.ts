/** What is said about code before it runs, by the static check and, where there is a model, by its opinion. */

import type { ValidationPolicy } from "../config/model-settings.js";
import { extractAnswer, extractFields } from "./answer/extraction.js";
import type { CodeRunner } from "./code-runner.js";
import { DataMarks } from "./data-block.js";
import type { ModelClient } from "./model.js";
import type { ModelUse } from "./model-use.js";
import { instructionsToReview, REVIEW_FORM, reviewMessage } from "./prompt.js";
import { checkStatically, type Finding, type StaticCheck } from "./static-check.js";

export type OpinionVerdict = "approve" | "improve" | "reject";

export interface Opinion {
  readonly verdict: OpinionVerdict;
  readonly reasons: readonly string[];
}

export interface CodeReview {
  readonly verdict: "approved" | "warned" | "rejected";
  readonly findings: readonly Finding[];
  /** Why the static part has not looked, else null. */
  readonly staticProblem: string | null;
  readonly opinion: Opinion | null;
  /** Why there is no opinion, else null. */
  readonly opinionProblem: string | null;
  /** What is to be run: the code as it was, or as the model has improved it. */
  readonly code: string;
}

const REASONS_MAX = 20;
const REASON_CHARACTERS_MAX = 500;

/**
 * Advice does not stop what it is about.
 * @throws the signal's reason when it is aborted, and what says that the code cannot run anyway
 */
export async function reviewCode(
  runner: CodeRunner,
  code: string,
  policy: ValidationPolicy,
  reviewer: { readonly model: ModelClient; readonly use: ModelUse } | undefined,
  signal: AbortSignal,
): Promise<CodeReview> {
  const check = await checkStatically(runner, [code], policy);
  if (isDenied(check) || !reviewer) {
    const opinionProblem = reviewer ? "the static check has rejected it" : "no model is configured";
    return conclude(code, check, null, opinionProblem);
  }
  let opinion: (Opinion & { improvedCode: string | null }) | null;
  try {
    opinion = await askForOpinion(runner, code, check.findings, reviewer, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return conclude(code, check, null, `the model gave no review: ${(error as Error).message}`);
  }
  if (!opinion) return conclude(code, check, null, "the model's review cannot be read");
  if (opinion.verdict !== "improve" || opinion.improvedCode === null) {
    return conclude(code, check, opinion, null);
  }
  // What the model makes of the code is as little to be trusted as the code.
  const again = await checkStatically(runner, [opinion.improvedCode], policy);
  if (isDenied(again) || again.findings.some(({ rule }) => rule === "syntax_error")) {
    return conclude(code, check, opinion, "the improved code does not pass the static check");
  }
  return conclude(opinion.improvedCode, again, opinion, null);
}

async function askForOpinion(
  runner: CodeRunner,
  code: string,
  findings: readonly Finding[],
  { model, use }: { readonly model: ModelClient; readonly use: ModelUse },
  signal: AbortSignal,
): Promise<(Opinion & { improvedCode: string | null }) | null> {
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

function readVerdict(said: unknown): OpinionVerdict | undefined {
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
  opinion: Opinion | null,
  opinionProblem: string | null,
): CodeReview {
  const rejected = isDenied(check) || opinion?.verdict === "reject";
  const warned = check.findings.length > 0 || opinion?.verdict === "improve";
  return {
    verdict: rejected ? "rejected" : warned ? "warned" : "approved",
    findings: check.findings,
    staticProblem: check.problem,
    opinion: opinion && { verdict: opinion.verdict, reasons: opinion.reasons },
    opinionProblem,
    code,
  };
}

/** `validation_result`: one string for people. */
export function reviewSentence(review: CodeReview): string {
  const { verdict, findings, opinion } = review;
  const found = findings.slice(0, 3).map(({ line, message }) => `line ${line}: ${message}`);
  const reasons = [...found, ...(opinion?.reasons ?? [])].join("; ");
  if (verdict === "rejected") return `Code was rejected and not run: ${reasons}`;
  if (verdict === "warned") return `Code was run with remarks: ${reasons}`;
  return opinion === null
    ? "Code is safe to execute. (A static check only; advice, not a guarantee.)"
    : "Code is safe to execute.";
}
