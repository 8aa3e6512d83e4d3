/** What is told of a chat while it goes on: those of the AI SDK's UI message chunks that we send. */

import type { FinishReason } from "ai";

export type ChatChunk =
  | { type: "start"; messageId: string; messageMetadata: { session_id: string } }
  | { type: "start-step" }
  | { type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end"; id: string }
  | { type: "text-delta" | "reasoning-delta"; id: string; delta: string }
  | { type: "tool-input-start"; toolCallId: string; toolName: string; dynamic?: true }
  | { type: "tool-input-delta"; toolCallId: string; inputTextDelta: string }
  | { type: "tool-input-available"; toolCallId: string; toolName: string; input: unknown }
  | {
      type: "tool-input-error";
      toolCallId: string;
      toolName: string;
      input: unknown;
      errorText: string;
      dynamic?: true;
    }
  | { type: "tool-output-available"; toolCallId: string; output: unknown; preliminary?: true }
  | { type: "tool-output-error"; toolCallId: string; errorText: string }
  | { type: "data-output"; data: LiveOutput; transient: true }
  | { type: "file"; mediaType: string; url: string }
  | { type: "finish-step" }
  | { type: "finish"; finishReason: FinishReason; messageMetadata: ChatEnd }
  | { type: "error"; errorText: string };

/** What running code has just printed. It is not part of the message: that has the whole as the tool's output. */
export interface LiveOutput {
  readonly tool_call_id: string;
  readonly name: "stdout" | "stderr" | "result";
  readonly text: string;
}

/** Why a chat ended without an error. */
export type EndReason = "stop" | "length" | "max_steps" | "max_tokens" | "max_seconds";

export interface ChatEnd {
  readonly session_id: string;
  readonly end_reason: EndReason;
  readonly usage: ChatUsage;
}

export interface ChatUsage {
  readonly steps: number;
  readonly model_time: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cpu_time: number;
  readonly wall_time: number;
}
