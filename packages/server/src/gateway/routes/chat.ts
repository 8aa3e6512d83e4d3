/** /api/chat: a conversation in which a model works in a session by tools. */

import { createHash, randomBytes } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { Audit } from "../../audit/audit.js";
import type { Config } from "../../config.js";
import { ServiceError } from "../../errors.js";
import type { ChatTurn } from "../../generate/chat/chat-turn.js";
import type { Conversations } from "../../generate/chat/conversations.js";
import { readMessage, textOf } from "../../generate/chat/messages.js";
import type { ChatMessage } from "../../generate/chat/parts.js";
import type { Generator } from "../../generate/generator.js";
import type { Session } from "../../sessions/session.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app-type.js";
import { auditModelFailed, auditModelUse } from "../audit-records.js";
import { SessionChatBench } from "../chat-bench.js";
import { answerChat, logFailure, SESSION_HEADER, streamChat } from "../chat-wire.js";
import { clientSignal } from "../client-gone.js";
import { chatBody } from "../http/body-limits.js";
import { beforeLargeBody } from "../http/refusal.js";
import { checkLimits, checkTimeout } from "../limits.js";
import { answers, Nothing, orEvents } from "../schemas/answers.js";
import { ChatAnswer, ChatBody, ConversationAnswer } from "../schemas/chat.js";
import { SessionParams } from "../schemas/common.js";

const tags = ["chat"];
const CHAT = {
  tags,
  summary: "Let a model answer, and work in a session by tools; a stream unless told otherwise",
  body: ChatBody,
  response: answers({ 200: orEvents(ChatAnswer) }),
};
const CONVERSATION = {
  tags,
  summary: "What was said in a session's chat",
  params: SessionParams,
  response: answers({ 200: ConversationAnswer }),
};
const FORGET = {
  tags,
  summary: "Forget what was said; the session stays",
  params: SessionParams,
  response: answers({ 204: Nothing }),
};

export interface ChatOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly admission: Admission;
  readonly audit: Audit;
  readonly generator: Generator;
  readonly conversations: Conversations;
}

export function registerChat(app: App, options: ChatOptions): void {
  const { sessions, config, admission, audit, generator, conversations } = options;

  const route = {
    schema: CHAT,
    ...chatBody(config),
    onRequest: beforeLargeBody(() => generator.requireModel()),
  };
  app.post("/api/chat", route, async (request, reply) => {
    const { body, principal } = request;
    const model = generator.requireModel();
    const sessionId = sessionOf(body);
    const budgets = checkBudgets(body, config);
    const timeoutMs = checkTimeout(body.timeout, config);
    const limits = checkLimits(body, config);
    const said = body.message !== undefined;
    const messages = readConversation(
      body,
      said ? conversations.messages(principal.id, sessionId) : [],
    );
    admission.admitExecution(principal, sessionId);
    const signal = clientSignal(reply);
    return sessions.withSession(principal, sessionId, async (session) => {
      const { scripts } = generator;
      const bench = new SessionChatBench({
        ...{ session, sessionId, limits, timeoutMs, config, scripts },
        ...{ audit, request, signal },
      });
      const asked = { ...budgets, sessionId, messages, messageId: newMessageId() };
      const { turn, chunks } = generator.chat(bench, asked, signal);
      const told = { sessionId, model, purpose: "chat" } as const;
      try {
        if (body.stream === false) {
          const answer = await answerChat(chunks, turn, sessionId);
          return await reply.header(SESSION_HEADER, sessionId).send(answer);
        }
        await streamChat(reply, chunks, sessionId);
        return reply;
      } finally {
        remember(session, principal.id, messages, turn);
        noteUse(request, told, turn);
      }
    });
  });

  app.get("/api/chat/:id", { schema: CONVERSATION }, async ({ params, principal }) => {
    const { id } = params;
    sessions.describe(principal, id);
    return { session_id: id, messages: conversations.messages(principal.id, id) };
  });

  app.delete("/api/chat/:id", { schema: FORGET }, async ({ params, principal }, reply) => {
    sessions.describe(principal, params.id);
    conversations.forget(principal.id, params.id);
    return reply.code(204).send();
  });

  /** Whole turns only; one that failed before it began may be asked again. */
  function remember(
    session: Session,
    owner: string,
    messages: readonly ChatMessage[],
    { reply }: ChatTurn,
  ): void {
    if (session.closed || reply.parts.length === 0) return;
    conversations.keep(owner, session.id, [...messages, reply]);
  }

  function noteUse(
    request: FastifyRequest,
    told: Parameters<typeof auditModelUse>[2],
    turn: ChatTurn,
  ): void {
    const { failure, modelUse } = turn;
    if (failure) auditModelFailed(audit, request, told, failure);
    // What was used before a failure is used as well.
    if (modelUse.calls > (failure ? 1 : 0)) auditModelUse(audit, request, told, modelUse);
    if (turn.begun) logFailure(request, failure);
  }
}

const NAME = /^[A-Za-z0-9._:@-]{1,128}$/;

/** A front end of the AI SDK names its chat; all messages of one are for one session. */
function sessionOf({ session_id, id }: ChatBody): string {
  if (session_id !== undefined) return session_id;
  if (id === undefined) return `chat-${randomBytes(12).toString("hex")}`;
  return NAME.test(id) ? id : `chat-${createHash("sha256").update(id).digest("hex").slice(0, 24)}`;
}

function newMessageId(): string {
  return `msg-${randomBytes(12).toString("hex")}`;
}

/** @throws ServiceError INVALID_REQUEST */
function readConversation(
  { message, messages: sent }: ChatBody,
  before: readonly ChatMessage[],
): readonly ChatMessage[] {
  if ((message === undefined) === (sent === undefined)) {
    throw new ServiceError("INVALID_REQUEST", "give either message or messages");
  }
  const messages = sent
    ? sent.map((one) => readMessage(one, newMessageId()))
    : [...before, readMessage({ role: "user", content: message ?? "" }, newMessageId())];
  const last = messages.at(-1) as ChatMessage;
  const isEmpty = textOf(last).trim() === "" && !last.parts.some(({ type }) => type === "file");
  if (last.role !== "user" || isEmpty) {
    throw new ServiceError("INVALID_REQUEST", "messages must end with one of the user");
  }
  return messages;
}

/** The operator's bounds are the defaults, too. @throws ServiceError INVALID_REQUEST */
function checkBudgets(body: ChatBody, config: Config) {
  const { chatStepsMax: stepsMax, chatTokensMax: tokensMax, chatTimeMs: timeMs } = config;
  const bounded = (name: string, asked: number | undefined, most: number): number => {
    if (asked !== undefined && asked > most) {
      throw new ServiceError("INVALID_REQUEST", `${name} must be at most ${most}`);
    }
    return asked ?? most;
  };
  return {
    stepsMax: bounded("max_steps", body.max_steps, stepsMax),
    tokensMax: bounded("max_tokens", body.max_tokens, tokensMax),
    timeMs: 1000 * bounded("max_seconds", body.max_seconds, timeMs / 1000),
  };
}
