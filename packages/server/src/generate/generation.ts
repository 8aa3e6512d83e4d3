/**
 * From a task to a result: code is written, looked at and run; what fails goes back to the model with its
 * traceback, as often as allowed. Each code is run at most once.
 */

import type { ValidationPolicy } from "../config/model-settings.js";
import { ServiceError } from "../errors.js";
import type { ExecutionError, ExecutionOutcome } from "../sessions/outcome.js";
import { type ExtractedAnswer, extractAnswer, extractFields } from "./answer/extraction.js";
import { isDenied } from "./code-review.js";
import type { CodeRunner } from "./code-runner.js";
import type { ContextReader } from "./context.js";
import { DataMarks } from "./data-block.js";
import type { ModelClient, ModelRequest } from "./model.js";
import { ModelUse } from "./model-use.js";
import {
  CODE_FORM,
  failureMessage,
  instructionsToJudge,
  instructionsToWrite,
  JUDGEMENT_FORM,
  judgeMessages,
  ownAnswer,
  rejectionMessage,
  taskMessage,
  wrongResultMessage,
} from "./prompt.js";
import { checkStatically, type Finding, type StaticCheck } from "./static-check.js";

export interface GenerationRequest {
  readonly query: string;
  readonly attemptsMax: number;
  /** Let the model judge a result, and count one that it finds wrong as a failure. */
  readonly check: boolean;
}

export interface Attempt {
  readonly code: string;
  readonly explanation: string | null;
  /** `wrong`: it ran well, and the model does not take its result for a solution. */
  readonly status: ExecutionOutcome["status"] | "rejected" | "wrong";
  readonly error: ExecutionError | null;
  readonly findings: readonly Finding[];
  /** What the model itself says about the safety of its code. */
  readonly safety: string | null;
  readonly judgement: string | null;
  readonly executionSeconds: number;
}

export interface Generation {
  readonly attempts: readonly Attempt[];
  /** Of the last attempt; undefined when that was rejected. */
  readonly outcome: ExecutionOutcome | undefined;
  /** Of all runs. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly use: ModelUse;
  /** Why there was no further attempt although the last one failed, else undefined. */
  readonly stoppedBy: ServiceError | undefined;
}

export interface GenerationParts {
  readonly model: ModelClient;
  readonly policy: ValidationPolicy;
  readonly runner: CodeRunner;
  readonly context: ContextReader;
  readonly signal: AbortSignal;
}

/** @throws ServiceError when nothing was tried, with the reason */
export async function generate(
  parts: GenerationParts,
  request: GenerationRequest,
): Promise<Generation> {
  return new Loop(parts, request).run();
}

class Loop {
  readonly #parts: GenerationParts;
  readonly #request: GenerationRequest;
  readonly #marks = new DataMarks();
  readonly #messages: ModelRequest["messages"][number][] = [];
  readonly #attempts: Attempt[] = [];
  readonly #use = new ModelUse();
  #outcome: ExecutionOutcome | undefined;
  #cpuSeconds = 0;
  #wallSeconds = 0;

  constructor(parts: GenerationParts, request: GenerationRequest) {
    this.#parts = parts;
    this.#request = request;
  }

  async run(): Promise<Generation> {
    const { runner } = this.#parts;
    await runner.prepare();
    const context = await this.#parts.context.describe(runner);
    this.#say("user", taskMessage(this.#marks, context, this.#request.query));
    let goesOn = true;
    while (goesOn) {
      try {
        goesOn = await this.#attempt();
      } catch (error) {
        // What was tried is told, whatever went wrong afterwards.
        if (this.#attempts.length === 0 || !(error instanceof ServiceError)) throw error;
        return this.#result(error);
      }
    }
    return this.#result(undefined);
  }

  #result(stoppedBy: ServiceError | undefined): Generation {
    return {
      attempts: this.#attempts,
      outcome: this.#outcome,
      cpuSeconds: this.#cpuSeconds,
      wallSeconds: this.#wallSeconds,
      use: this.#use,
      stoppedBy,
    };
  }

  /** Whether another attempt is to follow. */
  async #attempt(): Promise<boolean> {
    const { runner, policy } = this.#parts;
    const isLast = this.#attempts.length + 1 >= this.#request.attemptsMax;
    const answer = await this.#write();
    const check = await checkStatically(runner, answer.candidates, policy);
    const code = answer.candidates[check.chosen] ?? "";
    this.#say("assistant", ownAnswer(code));

    const findings = withVerdict(check, answer, policy);
    const attempt = { code, explanation: answer.explanation, findings, safety: answer.safety };
    if (isDenied({ findings })) {
      this.#note({ ...attempt, ...NOT_RUN, status: "rejected" });
      this.#outcome = undefined;
      this.#say("user", rejectionMessage(this.#marks, findings));
      return !isLast;
    }
    this.#parts.signal.throwIfAborted();
    const outcome = await runner.run(code);
    this.#outcome = outcome;
    this.#cpuSeconds += outcome.cpuSeconds;
    this.#wallSeconds += outcome.wallSeconds;
    const { status, error, executionTime } = outcome;
    const ran = { ...attempt, error, judgement: null, executionSeconds: executionTime };
    if (status !== "ok") {
      this.#note({ ...ran, status });
      // Somebody wanted it to end.
      if (isLast || status === "interrupted") return false;
      await this.#reportFailure(outcome);
      return true;
    }
    const judgement = this.#request.check ? await this.#judge(code, outcome) : null;
    if (judgement === null) {
      this.#note({ ...ran, status });
      return false;
    }
    this.#note({ ...ran, status: "wrong", judgement });
    this.#say("user", wrongResultMessage(judgement));
    return !isLast;
  }

  #note(attempt: Attempt): void {
    this.#attempts.push(attempt);
  }

  #say(role: "user" | "assistant", content: string): void {
    this.#messages.push({ role, content });
  }

  async #reportFailure(outcome: ExecutionOutcome): Promise<void> {
    const { runner, context: reader } = this.#parts;
    const state = outcome.spent ? "lost" : "kept";
    if (outcome.spent) await runner.prepare();
    const context = await reader.describeAgain(runner);
    this.#say("user", failureMessage(this.#marks, outcome, state, context));
  }

  async #write(): Promise<ExtractedAnswer> {
    const { model, runner, signal } = this.#parts;
    const answer = await this.#use.count(() =>
      model.complete({
        system: instructionsToWrite(this.#marks, runner),
        messages: this.#messages,
        form: CODE_FORM,
        signal,
      }),
    );
    if (answer.refusal !== null) throw refused(answer.refusal);
    const extracted = extractAnswer(answer.text);
    const isHalf = extracted.candidates.length === 0 || extracted.codeIsOpen;
    if (answer.cutByLength && isHalf) throw new ServiceError("LLM_ANSWER_TOO_LONG");
    if (extracted.refuses) throw refused(extracted.safety ?? extracted.explanation ?? answer.text);
    if (extracted.candidates.length === 0) throw new ServiceError("LLM_NO_CODE");
    return extracted;
  }

  /** Why the model takes the result for wrong, or null. Without a judgement that can be read the result stands. */
  async #judge(code: string, outcome: ExecutionOutcome): Promise<string | null> {
    const { model, signal } = this.#parts;
    const marks = new DataMarks();
    const request: ModelRequest = {
      ...{ system: instructionsToJudge(marks), form: JUDGEMENT_FORM, signal },
      ...judgeMessages(marks, this.#request.query, code, outcome, model.takesPictures),
    };
    let text: string;
    try {
      text = (await this.#use.count(() => model.complete(request))).text;
    } catch {
      return null;
    }
    const fields = extractFields(text, ["ok", "reason"]);
    if (fields?.["ok"] !== false) return null;
    const reason = fields["reason"];
    return typeof reason === "string" && reason !== ""
      ? reason.slice(0, REASON_CHARACTERS_MAX)
      : "no reason given";
  }
}

const NOT_RUN = { error: null, judgement: null, executionSeconds: 0 } as const;
const REASON_CHARACTERS_MAX = 1000;
const REFUSAL_CHARACTERS_MAX = 500;

function refused(words: string): ServiceError {
  const said = words.trim().slice(0, REFUSAL_CHARACTERS_MAX);
  return new ServiceError("LLM_REFUSED", `The model refuses this request: ${said}`);
}

/** A verdict of the model against its own code counts like a finding. */
function withVerdict(
  check: StaticCheck,
  { verdict, safety }: ExtractedAnswer,
  policy: ValidationPolicy,
): readonly Finding[] {
  const action = policy.unsafe_verdict;
  if (verdict !== "unsafe" || action === "allow") return check.findings;
  const message = (safety ?? "the model calls its code unsafe").slice(0, REASON_CHARACTERS_MAX);
  return [...check.findings, { rule: "unsafe_verdict", action, line: 1, column: 1, message }];
}
