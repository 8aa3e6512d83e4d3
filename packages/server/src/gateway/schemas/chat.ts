/** POST /api/chat on the wire, and the conversation that a session keeps. */

import { type Static, Type } from "typebox";
import { nullable } from "./answers.js";
import {
  CPU_LIMIT_MEANING,
  CpuLimit,
  closed,
  count,
  described,
  duration,
  MEMORY_LIMIT_MEANING,
  MemoryLimit,
  named,
  Seconds,
  SessionId,
  text,
  texts,
} from "./common.js";

export const MESSAGE_CHARACTERS_MAX = 100_000;
export const MESSAGES_MAX = 500;
const PARTS_MAX = 2000;

/** Kinds of parts that are not known are passed over, as the AI SDK's front ends send what they like. */
const Part = named(
  "ChatPart",
  "A part of a message, by `type` as the AI SDK has it.",
  Type.Object(
    {
      type: Type.String({
        maxLength: 100,
        description: "Text, a call of a tool, a file, and so on.",
      }),
    },
    { additionalProperties: true },
  ),
);
const Parts = Type.Array(Part, {
  maxItems: PARTS_MAX,
  description: "As the AI SDK's UI messages have them.",
});
const Role = named(
  "ChatRole",
  "Who says it. `system`: wishes of the application, after the server's own.",
  Type.Union([Type.Literal("user"), Type.Literal("assistant"), Type.Literal("system")]),
);

export const ChatMessage = named(
  "ChatMessage",
  "`content`, or `parts` as the AI SDK's UI messages.",
  Type.Object(
    {
      id: Type.Optional(Type.String({ maxLength: 256, description: "The message's name." })),
      role: Role,
      content: Type.Optional(
        Type.Union([Type.String({ maxLength: MESSAGE_CHARACTERS_MAX }), Parts], {
          description: "Text, or parts as chat APIs have them.",
        }),
      ),
      parts: Type.Optional(Parts),
    },
    { additionalProperties: true },
  ),
);

export const ChatBody = named(
  "ChatRequest",
  "`message`, or `messages`: what to answer, and how much that may take.",
  Type.Object(
    {
      message: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: MESSAGE_CHARACTERS_MAX,
          description: "What the user says; the conversation that the session keeps goes on.",
        }),
      ),
      messages: Type.Optional(
        Type.Array(ChatMessage, {
          minItems: 1,
          maxItems: MESSAGES_MAX,
          description:
            "Instead of `message`: the whole conversation, `{role, content}` or the AI SDK's UI messages. It replaces what the session keeps.",
        }),
      ),
      session_id: Type.Optional(
        described(
          SessionId,
          "The session to work in, made on first use. Absent: `id`, else a new one.",
        ),
      ),
      stream: Type.Optional(
        Type.Boolean({
          description: "True (default): server-sent events. False: one JSON answer at the end.",
        }),
      ),
      max_steps: Type.Optional(
        Type.Integer({
          minimum: 1,
          description: "Calls of the model at most. `CHAT_MAX_STEPS` is default and maximum.",
        }),
      ),
      max_tokens: Type.Optional(
        Type.Integer({
          minimum: 1,
          description:
            "No further step once so many tokens were used, of the model's questions and answers together. `CHAT_MAX_TOKENS` is default and maximum.",
        }),
      ),
      max_seconds: Type.Optional(
        described(
          Seconds,
          "Seconds for all of it; what runs then is interrupted. `CHAT_MAX_TIME` is default and maximum.",
        ),
      ),
      timeout: Type.Optional(
        described(
          Seconds,
          "Seconds for each run of code; default and maximum `MAX_EXECUTION_TIME`.",
        ),
      ),
      memory_limit: Type.Optional(
        described(MemoryLimit, `For each run of code. ${MEMORY_LIMIT_MEANING}`),
      ),
      cpu_limit: Type.Optional(described(CpuLimit, `For each run of code. ${CPU_LIMIT_MEANING}`)),
      id: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 256,
          description:
            "The AI SDK's name of the chat: names the session where `session_id` does not.",
        }),
      ),
      trigger: Type.Optional(
        Type.String({ maxLength: 64, description: "The AI SDK's; not used." }),
      ),
      messageId: Type.Optional(
        Type.String({ maxLength: 256, description: "The AI SDK's; not used." }),
      ),
    },
    {
      ...closed,
      examples: [{ message: "Plot a sine wave.", session_id: "demo", stream: false, max_steps: 4 }],
    },
  ),
);
export type ChatBody = Static<typeof ChatBody>;

/** A message as the AI SDK's front ends hold it. */
const UiMessage = named(
  "ChatUiMessage",
  "A message as the AI SDK holds it.",
  Type.Object(
    {
      id: text("The message's name."),
      role: Role,
      parts: Type.Array(Part, { description: "Text, calls of tools and files, in order." }),
    },
    closed,
  ),
);

export const ChatUsage = named(
  "ChatUsage",
  "What the chat has used.",
  Type.Object(
    {
      steps: count("Calls of the model."),
      model_time: duration("Seconds that the model took."),
      input_tokens: count("Tokens that the model was told."),
      output_tokens: count("Tokens that the model has written."),
      cpu_time: duration("CPU seconds of all runs."),
      wall_time: duration("Seconds of all runs."),
    },
    closed,
  ),
);

const ToolCall = named(
  "ChatToolCall",
  "A tool that the model has called.",
  Type.Object(
    {
      tool_call_id: text("The call's name."),
      tool_name: text("The tool."),
      input: Type.Unknown({ description: "What it was called with." }),
      output: Type.Unknown({ description: "What it came to; null where it failed." }),
      error: nullable(text("Why it failed, or null.")),
    },
    closed,
  ),
);

const Image = named(
  "ChatImage",
  "An image that code has shown.",
  Type.Object({ mime_type: text("Its type."), data: text("Base64.") }, closed),
);

/** Why something has ended early. */
export const StoppedBy = named(
  "StoppedBy",
  "The error that ended something early.",
  Type.Object(
    { code: text("One of the table in docs/errors.md."), message: text("What went wrong.") },
    closed,
  ),
);

export const ChatAnswer = named(
  "ChatResult",
  "What the model has answered and done.",
  Type.Object(
    {
      session_id: text("Where the code ran, and where the conversation is kept."),
      message: described(UiMessage, "The answer as a UI message."),
      text: text("All that the model has said."),
      steps: count("Calls of the model."),
      tool_calls: Type.Array(ToolCall, { description: "In order." }),
      images: Type.Array(Image, { description: "What code has shown, in order." }),
      files_created: texts("By code and by `write_file`, relative to `/workspace`."),
      files_modified: texts("The same of files that were there before."),
      end_reason: text(
        "`stop`, `length`, `max_steps`, `max_tokens`, `max_seconds`, or `error` where it failed after a tool had been called.",
      ),
      stopped_by: described(
        nullable(StoppedBy),
        "That error, or null. Where no tool was called before, the request fails with the error.",
      ),
      usage: ChatUsage,
    },
    closed,
  ),
);

export const ConversationAnswer = named(
  "Conversation",
  "What is kept of a conversation.",
  Type.Object(
    {
      session_id: text("The session."),
      messages: Type.Array(UiMessage, { description: "What is kept, the oldest first." }),
    },
    closed,
  ),
);
