/**
 * The part of a review that needs no model: Python's own `ast`, in the sandbox that would run the
 * code. What it says is advice, also where the policy denies: see docs/models.md.
 */

import { Type } from "typebox";
import { Compile } from "typebox/compile";
import {
  type ValidationAction,
  type ValidationPolicy,
  type ValidationRule,
  validationRules,
} from "../config/model-settings.js";
import { type CodeRunner, throwUnlessSilent } from "./code-runner.js";

export interface Finding {
  readonly rule: ValidationRule;
  readonly action: Exclude<ValidationAction, "allow">;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface StaticCheck {
  /** Which of the readings is Python; the first where none is. */
  readonly chosen: number;
  readonly findings: readonly Finding[];
  /** Why there are no findings where nothing was looked at, else null. */
  readonly problem: string | null;
}

const Place = Type.Integer({ minimum: 1, maximum: 10_000_000 });
const Answer = Type.Object({
  chosen: Type.Integer({ minimum: 0, maximum: 100 }),
  checked: Type.Boolean(),
  findings: Type.Array(
    Type.Object({
      rule: Type.String({ maxLength: 40 }),
      line: Place,
      column: Place,
      message: Type.String({ maxLength: 200 }),
    }),
    { maxItems: 200 },
  ),
});
const isAnswer = Compile(Answer);

export async function checkStatically(
  runner: CodeRunner,
  candidates: readonly string[],
  policy: ValidationPolicy,
): Promise<StaticCheck> {
  let answer: unknown;
  try {
    answer = await runner.examine("static_check", { candidates }, isLong(candidates));
  } catch (error) {
    throwUnlessSilent(error);
    return { chosen: 0, findings: [], problem: "the static check gave no answer" };
  }
  if (!isAnswer.Check(answer) || answer.chosen >= candidates.length) {
    return { chosen: 0, findings: [], problem: "the static check's answer makes no sense" };
  }
  const { chosen, checked } = answer;
  const findings = answer.findings.flatMap(({ rule, ...place }): Finding[] => {
    if (!isRule(rule)) return [];
    const action = policy[rule];
    return action === "allow" ? [] : [{ rule, action, ...place }];
  });
  return { chosen, findings, problem: checked ? null : "the code is too long to be checked" };
}

/** Of so much code a look takes milliseconds, and reading code runs none of it. */
const SHORT_CHARACTERS_MAX = 10_000;

function isLong(candidates: readonly string[]): boolean {
  return candidates.reduce((sum, { length }) => sum + length, 0) > SHORT_CHARACTERS_MAX;
}

function isRule(name: string): name is ValidationRule {
  return Object.hasOwn(validationRules, name);
}
