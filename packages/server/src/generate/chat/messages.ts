/** The messages of a conversation, in the form of the AI SDK's UI messages, and as a model takes them. */

import type { AssistantModelMessage, ModelMessage, ToolModelMessage } from "ai";
import type { DataMarks } from "../data-block.js";
import { charactersTold, type ModelPicture } from "../pictures.js";
import { pictureOfPart, picturesAttached, tellAttachments } from "./attachments.js";
import type { ChatMessage, ChatPart, FilePart, TextPart, ToolPart } from "./parts.js";
import { shorten, tellModel, tellProblem } from "./tool-output.js";

/** What of a conversation the model is shown, in characters; about four are a token. */
const CONTEXT_CHARACTERS_MAX = 240_000;
const TEXT_CHARACTERS_MAX = 100_000;

/** A message as it was sent: `content` as chat APIs have it, or `parts` as the AI SDK has them. */
export interface SentMessage {
  readonly id?: string;
  readonly role: ChatMessage["role"];
  readonly content?: string | readonly SentPart[];
  readonly parts?: readonly SentPart[];
}

export type SentPart = Readonly<Record<string, unknown>> & { readonly type: string };

/** Keeps what is understood: text, calls of tools that have ended, files, and where steps begin. */
export function readMessage(sent: SentMessage, id: string): ChatMessage {
  const parts = sent.parts ?? sent.content ?? [];
  if (typeof parts === "string")
    return { id, role: sent.role, parts: [{ type: "text", text: parts }] };
  return { id: sent.id ?? id, role: sent.role, parts: parts.flatMap(readPart) };
}

function readPart(part: SentPart): ChatPart[] {
  const { type } = part;
  if (type === "text" && typeof part["text"] === "string") return [{ type, text: part["text"] }];
  if (type === "step-start") return [{ type }];
  if (type === "file") return readFilePart(part);
  const isDynamic = type === "dynamic-tool";
  if (!isDynamic && !/^tool-[A-Za-z0-9_-]{1,64}$/.test(type)) return [];
  const { toolCallId, toolName, state, input, output, errorText } = part;
  if (typeof toolCallId !== "string" || (isDynamic && typeof toolName !== "string")) return [];
  const shared = { type, toolCallId, ...(isDynamic ? { toolName: String(toolName) } : {}), input };
  // A preliminary output is of a call that was cut off.
  if (state === "output-available" && part["preliminary"] !== true) {
    return [{ ...shared, state, output }];
  }
  const problem = typeof errorText === "string" ? errorText : STOPPED;
  return [{ ...shared, state: "output-error", errorText: problem }];
}

/** Of a call whose answer the client has not seen. */
export const STOPPED = "The call was stopped before its end.";

function readFilePart({ mediaType, url, filename }: SentPart): ChatPart[] {
  if (typeof mediaType !== "string" || typeof url !== "string") return [];
  return [{ type: "file", mediaType, url, ...(typeof filename === "string" ? { filename } : {}) }];
}

export function isToolPart(part: ChatPart): part is ToolPart {
  return "toolCallId" in part;
}

export function toolNameOf(part: ToolPart): string {
  return part.toolName ?? part.type.slice("tool-".length);
}

export function textOf({ parts }: ChatMessage): string {
  return parts.flatMap((part) => (part.type === "text" ? [(part as TextPart).text] : [])).join("");
}

/** The instructions of the caller's own system messages. */
export function instructionsIn(messages: readonly ChatMessage[]): string {
  return messages
    .filter(({ role }) => role === "system")
    .map(textOf)
    .join("\n")
    .slice(0, TEXT_CHARACTERS_MAX);
}

/** How a conversation is told. */
export interface Manner {
  readonly marks: DataMarks;
  /** Whether pictures are told as such. */
  readonly seesPictures: boolean;
}

/** The latest turns that fit. `context` goes with the last message, which is the user's. */
export function toModelMessages(
  messages: readonly ChatMessage[],
  manner: Manner,
  context: string,
): ModelMessage[] {
  const turns = turnsOf(messages);
  const kept: ModelMessage[][] = [];
  let characters = 0;
  for (const [index, turn] of turns.reverse().entries()) {
    const about = index === 0 ? context : undefined;
    const told = turn.flatMap((message) => tell(message, manner, about));
    characters += charactersTold(told);
    if (index > 0 && characters > CONTEXT_CHARACTERS_MAX) break;
    kept.push(told);
  }
  return kept.reverse().flat();
}

/** Each begins with what a user says; what comes before the first of them is a turn, too. */
function turnsOf(messages: readonly ChatMessage[]): ChatMessage[][] {
  const turns: ChatMessage[][] = [];
  for (const message of messages) {
    if (message.role === "system") continue;
    const current = turns.at(-1);
    if (message.role === "assistant" && current) current.push(message);
    else turns.push([message]);
  }
  return turns;
}

function tell(message: ChatMessage, manner: Manner, context: string | undefined): ModelMessage[] {
  if (message.role === "assistant") return tellReply(message.parts, manner);
  const { marks, seesPictures } = manner;
  const said = shorten(textOf(message), TEXT_CHARACTERS_MAX) + tellAttachments(message);
  const text = context === undefined ? said : `${marks.wrap("the sandbox", context)}\n\n${said}`;
  const pictures = seesPictures ? picturesAttached(message) : [];
  if (pictures.length === 0) return [{ role: "user", content: text }];
  return [{ role: "user", content: [{ type: "text", text }, ...pictures] }];
}

/** What the model said and called, step by step, and what its calls gave. */
export function tellReply(parts: readonly ChatPart[], manner: Manner): ModelMessage[] {
  const messages: ModelMessage[] = [];
  let step: ChatPart[] = [];
  for (const part of [...parts, { type: "step-start" } as const]) {
    if (part.type === "step-start") {
      messages.push(...tellStep(step, manner));
      step = [];
    } else step.push(part);
  }
  return messages;
}

function tellStep(parts: readonly ChatPart[], { marks, seesPictures }: Manner): ModelMessage[] {
  const content: Exclude<AssistantModelMessage["content"], string> = [];
  const results: ToolModelMessage["content"] = [];
  const shown: ModelPicture[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.type === "text") {
      const { text } = part as TextPart;
      if (text !== "") content.push({ type: "text", text: shorten(text, TEXT_CHARACTERS_MAX) });
    } else if (isToolPart(part)) {
      const toolName = toolNameOf(part);
      const { toolCallId } = part;
      // Servers want an object; what the model wrote instead is told with what was wrong about it.
      const isObject = typeof part.input === "object" && part.input !== null;
      const input = isObject && !Array.isArray(part.input) ? part.input : {};
      content.push({ type: "tool-call", toolCallId, toolName, input });
      const pictures = seesPictures ? picturesBehind(parts, index) : [];
      shown.push(...pictures);
      const value =
        part.state === "output-available"
          ? tellModel(marks, toolName, part.output, pictures.length)
          : tellProblem(marks, part.errorText ?? STOPPED);
      results.push({ type: "tool-result", toolCallId, toolName, output: { type: "text", value } });
    }
  }
  const messages: ModelMessage[] = [];
  if (content.length > 0) messages.push({ role: "assistant", content });
  if (results.length > 0) messages.push({ role: "tool", content: results });
  if (shown.length > 0) {
    const text = { type: "text", text: SHOWN } as const;
    messages.push({ role: "user", content: [text, ...shown] });
  }
  return messages;
}

const SHOWN =
  "(From the sandbox, not from the user: the pictures that the code above has shown, in order.)";

/** What a call has shown lies between it and the next one. */
function picturesBehind(parts: readonly ChatPart[], call: number): ModelPicture[] {
  const behind = parts.slice(call + 1);
  const next = behind.findIndex(isToolPart);
  return behind
    .slice(0, next < 0 ? undefined : next)
    .flatMap((part) => (part.type === "file" ? (pictureOfPart(part as FilePart) ?? []) : []));
}
