/** Messages of a conversation and their parts, in the form of the AI SDK's UI messages. */

export interface TextPart {
  readonly type: "text";
  text: string;
}

/** `type` is "tool-NAME", as in the AI SDK, or "dynamic-tool" for names that were not offered. */
export interface ToolPart {
  readonly type: string;
  readonly toolCallId: string;
  readonly toolName?: string;
  readonly state: "output-available" | "output-error";
  readonly input: unknown;
  readonly output?: unknown;
  readonly errorText?: string;
}

export interface FilePart {
  readonly type: "file";
  readonly mediaType: string;
  readonly filename?: string;
  readonly url: string;
}

export interface StepPart {
  readonly type: "step-start";
}

export type ChatPart = TextPart | ToolPart | FilePart | StepPart;

export interface ChatMessage {
  readonly id: string;
  readonly role: "system" | "user" | "assistant";
  readonly parts: readonly ChatPart[];
}
