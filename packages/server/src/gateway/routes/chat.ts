/** /api/chat: a conversation in which a model works in a session by tools. */

import { createHash, randomBytes } from "node:crypto";
import type { Config } from "../../config.js";
import type { AskedTurn } from "../../desk/chats.js";
import type { Desk } from "../../desk/desk.js";
import type { App } from "../app-type.js";
import { chatBody } from "../http/body-limits.js";
import { beforeLargeBody } from "../http/refusal.js";
import { visitOf } from "../http/visit.js";
import { answers, Nothing, orEvents, tellsEvents } from "../schemas/answers.js";
import { ChatAnswer, ChatBody, ConversationAnswer } from "../schemas/chat.js";
import { ChatChunk } from "../schemas/chat-events.js";
import { SessionParams } from "../schemas/common.js";
import { answerChat, logFailure, SESSION_HEADER, streamChat } from "../wire/chat.js";
import { readLimits } from "../wire/limits.js";

const tags = ["chat"];
const CHAT = {
  tags,
  operationId: "chat",
  summary: "Let a model answer, and work in a session by tools; a stream unless told otherwise",
  ...tellsEvents(ChatChunk),
  body: ChatBody,
  response: answers({ 200: orEvents(ChatAnswer) }),
};
const CONVERSATION = {
  tags,
  operationId: "getConversation",
  summary: "What was said in a session's chat",
  params: SessionParams,
  response: answers({ 200: ConversationAnswer }),
};
const RESUME = {
  tags,
  operationId: "resumeChat",
  summary:
    "Whether a chat's answer can be taken up again: there is never one, as a chat ends with its client",
  params: SessionParams,
  response: answers({ 204: Nothing }),
};
const FORGET = {
  tags,
  operationId: "forgetConversation",
  summary: "Forget what was said; the session stays",
  params: SessionParams,
  response: answers({ 204: Nothing }),
};

export interface ChatOptions {
  readonly desk: Desk;
  readonly config: Config;
}

export function registerChat(app: App, { desk, config }: ChatOptions): void {
  const { chats } = desk;
  const route = {
    schema: CHAT,
    ...chatBody(config),
    onRequest: beforeLargeBody(() => desk.requireModel()),
  };
  app.post("/api/chat", route, async (request, reply) => {
    const { body } = request;
    const asked = toAsked(body);
    const { sessionId } = asked;
    return chats.turn(visitOf(reply), asked, async (chunks, turn) => {
      try {
        if (body.stream === false) {
          const answer = await answerChat(chunks, turn, sessionId);
          return await reply.header(SESSION_HEADER, sessionId).send(answer);
        }
        await streamChat(reply, chunks, sessionId);
        return reply;
      } finally {
        if (turn.begun) logFailure(request, turn.failure);
      }
    });
  });

  app.get("/api/chat/:id", { schema: CONVERSATION }, async ({ params: { id } }, reply) => ({
    session_id: id,
    messages: chats.messages(visitOf(reply), id),
  }));

  // Front ends ask this before there is a session, and take another answer for a failure.
  app.get("/api/chat/:id/stream", { schema: RESUME }, async (_request, reply) =>
    reply.code(204).send(),
  );

  app.delete("/api/chat/:id", { schema: FORGET }, async ({ params }, reply) => {
    chats.forget(visitOf(reply), params.id);
    return reply.code(204).send();
  });
}

function toAsked(body: ChatBody): AskedTurn {
  return {
    sessionId: sessionOf(body),
    ...{ message: body.message, messages: body.messages },
    stepsMax: body.max_steps,
    tokensMax: body.max_tokens,
    secondsMax: body.max_seconds,
    ...{ timeout: body.timeout, limits: readLimits(body) },
  };
}

const NAME = /^[A-Za-z0-9._:@-]{1,128}$/;

/** A front end of the AI SDK names its chat; all messages of one are for one session. */
function sessionOf({ session_id, id }: ChatBody): string {
  if (session_id !== undefined) return session_id;
  if (id === undefined) return `chat-${randomBytes(12).toString("hex")}`;
  return NAME.test(id) ? id : `chat-${createHash("sha256").update(id).digest("hex").slice(0, 24)}`;
}
