/** Parsers of what a model says, and of conversations with one. */
import {
  extractAnswer,
  extractFields,
} from "../../../packages/server/src/generate/answer/extraction.ts";
import {
  placeAttachments,
  tellAttachments,
} from "../../../packages/server/src/generate/chat/attachments.ts";
import { ChatAnswer } from "../../../packages/server/src/generate/chat/chat-answer.ts";
import {
  readMessage,
  textOf,
  toModelMessages,
} from "../../../packages/server/src/generate/chat/messages.ts";
import { shownImages, tellModel } from "../../../packages/server/src/generate/chat/tool-output.ts";
import { readCall } from "../../../packages/server/src/generate/chat/tools.ts";
import { DataMarks, withoutDataBlocks } from "../../../packages/server/src/generate/data-block.ts";
import {
  refusalOf,
  retryAfterMs,
  toServiceError,
} from "../../../packages/server/src/generate/model-errors.ts";
import { BODY, FRAME, HEADER, MODEL_ANSWER, type Row, toParsers } from "./row.ts";

const marks = new DataMarks();

const attached = (text: string) => ({
  ...{ id: "1", role: "user" as const },
  parts: [{ type: "file" as const, mediaType: text, filename: text, url: `data:${text}` }],
});

const files = { writeFile: async () => ({ path: "", sizeBytes: 0 }) } as never;

function readParts(text: string): void {
  const answer = new ChatAnswer(1);
  const input = { code: text };
  for (const part of [
    { type: "text-delta", id: text, text },
    { type: "tool-call", toolCallId: text, toolName: text, input },
    { type: "tool-call", toolCallId: "1", toolName: "run_code", input },
  ]) {
    for (const _ of answer.read(part as never));
  }
}

const GENERATE = "server/src/generate";

const short: readonly Row[] = [
  [
    "code in a model's answer",
    [
      `${GENERATE}/answer/extraction.ts`,
      `${GENERATE}/answer/clean.ts`,
      `${GENERATE}/answer/code-blocks.ts`,
      `${GENERATE}/answer/marked-code.ts`,
      `${GENERATE}/answer/python-lines.ts`,
      `${GENERATE}/answer/signs.ts`,
      `${GENERATE}/answer/lenient-json.ts`,
      `${GENERATE}/answer/lookahead.ts`,
    ],
    MODEL_ANSWER,
    extractAnswer,
    ["", "```\n", '{"code": "', '{"code": "```\n', '{"code": "“', "<code>", "x “"],
  ],
  [
    "fields in a model's answer",
    `${GENERATE}/answer/extraction.ts`,
    MODEL_ANSWER,
    (text) => extractFields(text, ["verdict"]),
    ['{"verdict": "', "```json\n", "{'a': [\""],
  ],
  ["a date to come back at", [], HEADER, (text) => retryAfterMs({ "retry-after": text })],
];

const long: readonly Row[] = [
  [
    "an attached file",
    `${GENERATE}/chat/attachments.ts`,
    BODY,
    (text) => [tellAttachments(attached(text)), placeAttachments(files, attached(text))],
    [",", ";base64,"],
  ],
  [
    "a message",
    `${GENERATE}/chat/messages.ts`,
    BODY,
    (text) =>
      textOf(readMessage({ role: "user", parts: [{ type: text, text, toolCallId: text }] }, "1")),
    ["", "tool-"],
  ],
  [
    "a conversation",
    `${GENERATE}/chat/messages.ts`,
    100_000,
    (text) =>
      toModelMessages(
        [readMessage({ role: "user", content: text }, "1")],
        { marks, seesPictures: true },
        "",
      ),
  ],
  [
    "what a tool gave, as a client says it",
    `${GENERATE}/chat/tool-output.ts`,
    BODY,
    (text) => tellModel(marks, text, { status: text, result_text: text }),
  ],
  ["parts of a model's answer", `${GENERATE}/chat/chat-answer.ts`, BODY, readParts],
  [
    "arguments of a tool",
    `${GENERATE}/chat/tools.ts`,
    BODY,
    (text) => readCall("run_code", { [text]: text }),
  ],
  [
    "thoughts in a model's answer",
    `${GENERATE}/answer/clean.ts`,
    400_000,
    extractAnswer,
    ["", "<think>", "<|channel|>final"],
  ],
  [
    "a conversation with data",
    `${GENERATE}/data-block.ts`,
    240_000,
    (text) => [withoutDataBlocks(text), marks.wrap("x", text.slice(0, 16_000))],
  ],
];

const looked: readonly Row[] = [
  [
    "an image, for a chat",
    `${GENERATE}/chat/tool-output.ts`,
    FRAME,
    (text) =>
      shownImages([
        { output_type: "display_data", data: { "image/png": text }, metadata: {} },
      ]).next(),
  ],
  [
    "a refusal of a model's server",
    [],
    FRAME,
    (text) => [
      refusalOf({ statusCode: 400, responseBody: text }),
      toServiceError({ message: text }, "secret"),
    ],
  ],
];

export const modelParsers = toParsers({ short, long, looked });
