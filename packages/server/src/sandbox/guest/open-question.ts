/** One question to a kernel, from the asking to its end. */

import { ServiceError } from "../../errors.js";
import type { AnswerType, KernelAnswer, KernelQuestion, QuestionName } from "../questions.js";
import { type GuestMessage, ProtocolViolation } from "./channel.js";

/** A kernel keeps the time of a question itself. If it fails to, it gets this much more. */
const GRACE_MS = 1500;

const REASONS: Readonly<Record<"timeout" | "ended" | "failed", string>> = {
  timeout: "it took too long",
  ended: "the process that was to answer ended",
  failed: "it could not be answered",
};

export class OpenQuestion<Name extends QuestionName = QuestionName> {
  readonly answer: Promise<KernelAnswer<Name>>;
  readonly #name: Name;
  readonly #timer: NodeJS.Timeout;
  #resolve!: (answer: KernelAnswer<Name>) => void;
  #reject!: (error: ServiceError) => void;

  constructor(question: KernelQuestion<Name>, timeoutMs: number, onSilence: () => void) {
    this.#name = question.name;
    this.#timer = setTimeout(onSilence, timeoutMs + GRACE_MS);
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** @throws ProtocolViolation for the answer to another question */
  settle(message: GuestMessage<AnswerType>): void {
    if (message.msg_type === "question_failed") {
      const { reason, detail } = message.content;
      this.fail(reason === "failed" ? detail : REASONS[reason]);
    } else if (message.msg_type === `${this.#name}_reply`) {
      clearTimeout(this.#timer);
      this.#resolve(message.content as KernelAnswer<Name>);
    } else {
      throw new ProtocolViolation("an answer to another question");
    }
  }

  fail(why: string): void {
    clearTimeout(this.#timer);
    this.#reject(new ServiceError("QUESTION_UNANSWERED", `The kernel gave no answer: ${why}.`));
  }
}
