/** POST /api/chat on the wire, and the conversation that a session keeps. */

import { type Static, Type } from "typebox";
import { Count, nullable } from "./answers.js";
import { CpuLimit, closed, MemoryLimit, Seconds, SessionId } from "./common.js";

export const MESSAGE_CHARACTERS_MAX = 100_000;
export const MESSAGES_MAX = 500;
const PARTS_MAX = 2000;

/** Kinds of parts that are not known are passed over, as the AI SDK's front ends send what they like. */
const Part = Type.Object({ type: Type.String({ maxLength: 100 }) }, { additionalProperties: true });
const Parts = Type.Array(Part, { maxItems: PARTS_MAX });

export const ChatMessage = Type.Object(
  {
    id: Type.Optional(Type.String({ maxLength: 256 })),
    role: Type.Union([Type.Literal("user"), Type.Literal("assistant"), Type.Literal("system")]),
    content: Type.Optional(
      Type.Union([Type.String({ maxLength: MESSAGE_CHARACTERS_MAX }), Parts], {
        description: "Text, or parts as chat APIs have them.",
      }),
    ),
    parts: Type.Optional(Parts),
  },
  { additionalProperties: true, description: "`content`, or `parts` as the AI SDK's UI messages." },
);

export const ChatBody = Type.Object(
  {
    message: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MESSAGE_CHARACTERS_MAX,
        description: "Continues what was said in the session.",
      }),
    ),
    messages: Type.Optional(
      Type.Array(ChatMessage, {
        minItems: 1,
        maxItems: MESSAGES_MAX,
        description: "The whole conversation, in place of what the session keeps.",
      }),
    ),
    session_id: Type.Optional(SessionId),
    stream: Type.Optional(Type.Boolean({ description: "Default: true." })),
    max_steps: Type.Optional(Type.Integer({ minimum: 1, description: "Calls of the model." })),
    max_tokens: Type.Optional(
      Type.Integer({ minimum: 1, description: "Over all calls of the model." }),
    ),
    max_seconds: Type.Optional(Seconds),
    timeout: Type.Optional(Seconds),
    memory_limit: Type.Optional(MemoryLimit),
    cpu_limit: Type.Optional(CpuLimit),
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: "The AI SDK's name of the chat: of the session, where no session_id is given.",
      }),
    ),
    trigger: Type.Optional(Type.String({ maxLength: 64, description: "The AI SDK's; not used." })),
    messageId: Type.Optional(
      Type.String({ maxLength: 256, description: "The AI SDK's; not used." }),
    ),
  },
  {
    ...closed,
    examples: [{ message: "Plot a sine wave.", session_id: "demo", stream: false, max_steps: 4 }],
  },
);
export type ChatBody = Static<typeof ChatBody>;

/** A message as the AI SDK's front ends hold it. */
const UiMessage = Type.Object(
  {
    id: Type.String(),
    role: Type.Union([Type.Literal("user"), Type.Literal("assistant"), Type.Literal("system")]),
    parts: Type.Array(Part),
  },
  closed,
);

const Usage = Type.Object(
  {
    steps: Count,
    model_time: Type.Number({ minimum: 0, description: "Seconds." }),
    input_tokens: Count,
    output_tokens: Count,
    cpu_time: Type.Number({ minimum: 0, description: "Seconds, of all runs." }),
    wall_time: Type.Number({ minimum: 0, description: "Seconds, of all runs." }),
  },
  closed,
);

export const ChatAnswer = Type.Object(
  {
    session_id: Type.String(),
    message: UiMessage,
    text: Type.String({ description: "All that the model has said." }),
    steps: Count,
    tool_calls: Type.Array(
      Type.Object(
        {
          tool_call_id: Type.String(),
          tool_name: Type.String(),
          input: Type.Unknown(),
          output: Type.Unknown({ description: "Null where it failed." }),
          error: nullable(Type.String()),
        },
        closed,
      ),
    ),
    images: Type.Array(
      Type.Object(
        { mime_type: Type.String(), data: Type.String({ description: "base64" }) },
        closed,
      ),
    ),
    files_created: Type.Array(Type.String()),
    files_modified: Type.Array(Type.String()),
    end_reason: Type.String({
      description: "stop, length, max_steps, max_tokens, max_seconds, or error.",
    }),
    stopped_by: nullable(Type.Object({ code: Type.String(), message: Type.String() }, closed)),
    usage: Usage,
  },
  closed,
);

export const ConversationAnswer = Type.Object(
  { session_id: Type.String(), messages: Type.Array(UiMessage) },
  closed,
);
