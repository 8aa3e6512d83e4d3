/** The messages of a conversation, in the form of the AI SDK's UI messages, and as a model takes them. */

import type { AssistantModelMessage, ModelMessage, ToolModelMessage } from "ai";
import type { DataMarks } from "../data-block.js";
import { tellAttachments } from "./attachments.js";
import type { ChatMessage, ChatPart, TextPart, ToolPart } from "./parts.js";
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

/** The latest turns that fit. `context` goes with the last message, which is the user's. */
export function toModelMessages(
  messages: readonly ChatMessage[],
  marks: DataMarks,
  context: string,
): ModelMessage[] {
  const turns = turnsOf(messages);
  const kept: ModelMessage[][] = [];
  let characters = 0;
  for (const [index, turn] of turns.reverse().entries()) {
    const about = index === 0 ? context : undefined;
    const told = turn.flatMap((message) => tell(message, marks, about));
    characters += JSON.stringify(told).length;
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

function tell(message: ChatMessage, marks: DataMarks, context: string | undefined): ModelMessage[] {
  if (message.role === "assistant") return tellAssistant(message, marks);
  const said = shorten(textOf(message), TEXT_CHARACTERS_MAX) + tellAttachments(message);
  if (context === undefined) return [{ role: "user", content: said }];
  return [{ role: "user", content: `${marks.wrap("the sandbox", context)}\n\n${said}` }];
}

function tellAssistant({ parts }: ChatMessage, marks: DataMarks): ModelMessage[] {
  const messages: ModelMessage[] = [];
  let step: ChatPart[] = [];
  for (const part of [...parts, { type: "step-start" } as const]) {
    if (part.type === "step-start") {
      messages.push(...tellStep(step, marks));
      step = [];
    } else step.push(part);
  }
  return messages;
}

/** What the model said and called in one step, and what its calls gave. */
export function tellStep(parts: readonly ChatPart[], marks: DataMarks): ModelMessage[] {
  const content: Exclude<AssistantModelMessage["content"], string> = [];
  const results: ToolModelMessage["content"] = [];
  for (const part of parts) {
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
      const value =
        part.state === "output-available"
          ? tellModel(marks, toolName, part.output)
          : tellProblem(marks, part.errorText ?? STOPPED);
      results.push({ type: "tool-result", toolCallId, toolName, output: { type: "text", value } });
    }
  }
  const messages: ModelMessage[] = [];
  if (content.length > 0) messages.push({ role: "assistant", content });
  if (results.length > 0) messages.push({ role: "tool", content: results });
  return messages;
}
