/** What is told of a chat while it goes on, on the wire: the AI SDK's UI message chunks, one in each event's data. */

import { type TProperties, Type } from "typebox";
import { ChatUsage } from "./chat.js";
import { closed, described, named, text } from "./common.js";

const KIND = { description: "The kind of chunk." };
const kind = <T extends string>(name: T) => Type.Literal(name, KIND);

const chunk = <T extends TProperties>(title: string, meaning: string, fields: T) =>
  named(title, meaning, Type.Object(fields, closed));

const partId = { id: text("The part's name.") };
const call = { toolCallId: text("The call's name.") };
const tool = { ...call, toolName: text("The tool.") };
const input = Type.Unknown({ description: "What it is called with." });
const errorText = text("What went wrong.");
const dynamic = Type.Optional(
  Type.Literal(true, { description: "There is no such tool: the model has made it up." }),
);
const session = { session_id: text("The session.") };

const LiveOutput = Type.Object(
  {
    tool_call_id: text("The call whose code runs."),
    name: Type.Union([Type.Literal("stdout"), Type.Literal("stderr"), Type.Literal("result")], {
      description: "Where it was written; `result`: the value of the last expression.",
    }),
    text: text("What was written."),
  },
  { ...closed, description: "What running code has just printed." },
);

const ChatEnd = Type.Object(
  {
    ...session,
    end_reason: Type.Union(
      [
        Type.Literal("stop"),
        Type.Literal("length"),
        Type.Literal("max_steps"),
        Type.Literal("max_tokens"),
        Type.Literal("max_seconds"),
      ],
      { description: "Why the chat has ended." },
    ),
    usage: described(ChatUsage, "What the chat has used."),
  },
  { ...closed, description: "How the chat has ended." },
);

const FinishReason = Type.Union(
  [
    Type.Literal("stop"),
    Type.Literal("length"),
    Type.Literal("content-filter"),
    Type.Literal("tool-calls"),
    Type.Literal("error"),
    Type.Literal("other"),
  ],
  { description: "Why the model has stopped, in the AI SDK's words." },
);

export const ChatChunk = named(
  "ChatChunk",
  "What happens in a chat.",
  Type.Union([
    chunk("ChatStartChunk", "The answer begins.", {
      type: kind("start"),
      messageId: text("The answer's name."),
      messageMetadata: Type.Object(session, { ...closed, description: "Where code runs." }),
    }),
    chunk("ChatStepStartChunk", "The model is called.", { type: kind("start-step") }),
    chunk("ChatPartChunk", "A text begins or ends.", {
      type: Type.Union(
        [
          Type.Literal("text-start"),
          Type.Literal("text-end"),
          Type.Literal("reasoning-start"),
          Type.Literal("reasoning-end"),
        ],
        KIND,
      ),
      ...partId,
    }),
    chunk("ChatDeltaChunk", "A text goes on.", {
      type: Type.Union([Type.Literal("text-delta"), Type.Literal("reasoning-delta")], KIND),
      ...partId,
      delta: text("What is added."),
    }),
    chunk("ChatToolInputStartChunk", "A call of a tool begins.", {
      ...{ type: kind("tool-input-start"), ...tool, dynamic },
    }),
    chunk("ChatToolInputDeltaChunk", "A call of a tool goes on.", {
      type: kind("tool-input-delta"),
      ...call,
      inputTextDelta: text("What is added."),
    }),
    chunk("ChatToolInputChunk", "A tool is called.", {
      ...{ type: kind("tool-input-available"), ...tool, input },
    }),
    chunk("ChatToolInputErrorChunk", "A tool is called in a way that it does not take.", {
      ...{ type: kind("tool-input-error"), ...tool, input, errorText, dynamic },
    }),
    chunk("ChatToolOutputChunk", "A tool has answered.", {
      type: kind("tool-output-available"),
      ...call,
      output: Type.Unknown({ description: "What it came to." }),
      preliminary: Type.Optional(Type.Literal(true, { description: "There is more to come." })),
    }),
    chunk("ChatToolOutputErrorChunk", "A tool has failed.", {
      ...{ type: kind("tool-output-error"), ...call, errorText },
    }),
    chunk("ChatLiveOutputChunk", "Running code has printed something.", {
      type: kind("data-output"),
      data: LiveOutput,
      transient: Type.Literal(true, { description: "It is no part of the message." }),
    }),
    chunk("ChatFileChunk", "Code has shown an image.", {
      type: kind("file"),
      mediaType: text("Its type."),
      url: text("The image as a `data:` address."),
    }),
    chunk("ChatStepEndChunk", "The model's call and its tools are over.", {
      type: kind("finish-step"),
    }),
    chunk("ChatFinishChunk", "The answer is whole.", {
      type: kind("finish"),
      finishReason: FinishReason,
      messageMetadata: ChatEnd,
    }),
    chunk("ChatErrorChunk", "The chat has failed.", { type: kind("error"), errorText }),
  ]),
);
