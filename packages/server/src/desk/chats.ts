/** Conversations in which a model works in a session by tools, with the records of what it has used. */

import { randomBytes } from "node:crypto";
import type { Config } from "../config.js";
import { ServiceError } from "../errors.js";
import type { ChatTurn } from "../generate/chat/chat-turn.js";
import type { ChatChunk } from "../generate/chat/chunks.js";
import { readMessage, type SentMessage, textOf } from "../generate/chat/messages.js";
import type { ChatMessage } from "../generate/chat/parts.js";
import type { SessionHandle } from "../sessions/interface.js";
import { auditModelFailed, auditModelUse } from "./audit-records.js";
import { ChatRunner } from "./chat-runner.js";
import type { AdmittingParts } from "./desk-parts.js";
import { type AskedBounds, checkBounds } from "./limits.js";
import { goneSignal, type Visit } from "./visit.js";

export interface AskedTurn extends AskedBounds {
  readonly sessionId: string;
  /** Continues what was said in the session. Either this or `messages`. */
  readonly message: string | undefined;
  /** The whole conversation, in place of what the session keeps. */
  readonly messages: readonly SentMessage[] | undefined;
  /** Calls of the model, its tokens, and seconds: undefined for as much as the operator allows. */
  readonly stepsMax: number | undefined;
  readonly tokensMax: number | undefined;
  readonly secondsMax: number | undefined;
}

type Chunks = AsyncGenerator<ChatChunk, void, undefined>;

export class Chats {
  readonly #parts: AdmittingParts;

  constructor(parts: AdmittingParts) {
    this.#parts = parts;
  }

  /**
   * One turn. `answer` reads its chunks, and what it makes of them is what this resolves to.
   * @throws ServiceError LLM_NOT_CONFIGURED, INVALID_REQUEST, those of Admission, and what `answer` throws
   */
  async turn<T>(
    visit: Visit,
    asked: AskedTurn,
    answer: (chunks: Chunks, turn: ChatTurn) => Promise<T>,
  ): Promise<T> {
    const { config, sessions, audit, admission, generator } = this.#parts;
    const { principal } = visit;
    const { sessionId } = asked;
    const model = generator.requireModel();
    const budgets = checkBudgets(asked, config);
    const bounds = checkBounds(asked, config);
    const messages = this.#conversation(visit, asked);
    const admitted = admission.admitExecution(visit, sessionId);
    const signal = goneSignal(visit);
    return sessions.withSession(principal, sessionId, async (session) => {
      const { scripts } = generator;
      const runner = new ChatRunner({
        ...{ session, sessionId, ...bounds, config, scripts },
        ...{ audit, visit: admitted, signal },
      });
      const picturesRefused = this.#parts.conversations.picturesRefused(principal.id, sessionId);
      const wanted = {
        ...{ ...budgets, sessionId, messages, messageId: newMessageId() },
        picturesRefused,
      };
      const { turn, chunks } = generator.chat(runner, wanted, signal);
      try {
        return await answer(chunks, turn);
      } finally {
        this.#remember(visit, session, messages, turn);
        this.#noteUse(visit, sessionId, model, turn);
      }
    });
  }

  /** What was said in a session. @throws ServiceError SESSION_NOT_FOUND */
  messages({ principal }: Visit, sessionId: string): readonly ChatMessage[] {
    const { sessions, conversations } = this.#parts;
    sessions.describe(principal, sessionId);
    return conversations.messages(principal.id, sessionId);
  }

  /** The session stays. @throws ServiceError SESSION_NOT_FOUND */
  forget({ principal }: Visit, sessionId: string): void {
    const { sessions, conversations } = this.#parts;
    sessions.describe(principal, sessionId);
    conversations.forget(principal.id, sessionId);
  }

  /** @throws ServiceError INVALID_REQUEST */
  #conversation({ principal }: Visit, asked: AskedTurn): readonly ChatMessage[] {
    const { message, messages: sent, sessionId } = asked;
    if ((message === undefined) === (sent === undefined)) {
      throw new ServiceError("INVALID_REQUEST", "give either message or messages");
    }
    const { conversations } = this.#parts;
    const messages = sent
      ? sent.map((one) => readMessage(one, newMessageId()))
      : [
          ...conversations.messages(principal.id, sessionId),
          readMessage({ role: "user", content: message ?? "" }, newMessageId()),
        ];
    const last = messages.at(-1) as ChatMessage;
    const isEmpty = textOf(last).trim() === "" && !last.parts.some(({ type }) => type === "file");
    if (last.role !== "user" || isEmpty) {
      throw new ServiceError("INVALID_REQUEST", "messages must end with one of the user");
    }
    return messages;
  }

  /** Whole turns only; one that failed before it began may be asked again. */
  #remember(
    { principal }: Visit,
    session: SessionHandle,
    messages: readonly ChatMessage[],
    { reply, picturesRefused }: ChatTurn,
  ): void {
    if (session.closed || reply.parts.length === 0) return;
    const { conversations } = this.#parts;
    conversations.keep(principal.id, session.id, [...messages, reply], { picturesRefused });
  }

  #noteUse(visit: Visit, sessionId: string, model: string, turn: ChatTurn): void {
    const { audit } = this.#parts;
    const { failure, modelUse } = turn;
    const told = { sessionId, model, purpose: "chat" } as const;
    if (failure) auditModelFailed(audit, visit, told, failure);
    // What was used before a failure is used as well.
    if (modelUse.calls > (failure ? 1 : 0)) auditModelUse(audit, visit, told, modelUse);
  }
}

function newMessageId(): string {
  return `msg-${randomBytes(12).toString("hex")}`;
}

/** The operator's bounds are the defaults, too. @throws ServiceError INVALID_REQUEST */
function checkBudgets(asked: AskedTurn, config: Config) {
  const { chatStepsMax, chatTokensMax, chatTimeMs } = config;
  const bounded = (name: string, wanted: number | undefined, most: number): number => {
    if (wanted !== undefined && wanted > most) {
      throw new ServiceError("INVALID_REQUEST", `${name} must be at most ${most}`);
    }
    return wanted ?? most;
  };
  return {
    stepsMax: bounded("max_steps", asked.stepsMax, chatStepsMax),
    tokensMax: bounded("max_tokens", asked.tokensMax, chatTokensMax),
    timeMs: 1000 * bounded("max_seconds", asked.secondsMax, chatTimeMs / 1000),
  };
}
