/** Conversations with the server's model, in the form of the AI SDK's UI messages and their chunks. */

import type { RestartReason } from "./execution.js";

/** A message as it is sent: with `content` as chat APIs have it, or with `parts`. */
export interface ChatMessage {
  readonly id?: string;
  readonly role: "user" | "assistant" | "system";
  readonly content?: string | readonly ChatPart[];
  readonly parts?: readonly ChatPart[];
}

/** Text, a call of a tool, a file, and what else the AI SDK knows, by `type`. */
export interface ChatPart {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A message as it is kept. */
export interface ChatUiMessage {
  readonly id: string;
  readonly role: "user" | "assistant" | "system";
  readonly parts: readonly ChatPart[];
}

/** Body of POST /api/chat. */
export interface ChatRequest {
  /** Continues what was said in the session. */
  readonly message?: string;
  /** The whole conversation, in place of what the session keeps. */
  readonly messages?: readonly ChatMessage[];
  readonly session_id?: string;
  readonly stream?: boolean;
  readonly max_steps?: number;
  readonly max_tokens?: number;
  readonly max_seconds?: number;
  readonly timeout?: number;
  readonly memory_limit?: string | number;
  readonly cpu_limit?: number;
  /** The AI SDK's. */
  readonly id?: string;
  readonly trigger?: string;
  readonly messageId?: string;
}

export interface ChatResponse {
  readonly session_id: string;
  readonly message: ChatUiMessage;
  /** All that the model has said. */
  readonly text: string;
  readonly steps: number;
  readonly tool_calls: readonly {
    readonly tool_call_id: string;
    readonly tool_name: string;
    readonly input: unknown;
    /** Null where it failed. */
    readonly output: unknown;
    readonly error: string | null;
  }[];
  readonly images: readonly { readonly mime_type: string; readonly data: string }[];
  readonly files_created: readonly string[];
  readonly files_modified: readonly string[];
  /** As ChatEndReason, or `error`. */
  readonly end_reason: string;
  readonly stopped_by: { readonly code: string; readonly message: string } | null;
  readonly usage: ChatUsage;
}

export interface ChatUsage {
  readonly steps: number;
  /** Seconds. */
  readonly model_time: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cpu_time: number;
  readonly wall_time: number;
}

/** Answer of GET /api/chat/{session_id}. */
export interface Conversation {
  readonly session_id: string;
  readonly messages: readonly ChatUiMessage[];
}

export type ChatEndReason = "stop" | "length" | "max_steps" | "max_tokens" | "max_seconds";

/** What happens in a chat, by `type`; docs/chat.md says what each means. */
export type ChatChunk =
  | {
      readonly type: "start";
      readonly messageId: string;
      readonly messageMetadata: { readonly session_id: string };
    }
  | { readonly type: "start-step" }
  | {
      readonly type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end";
      readonly id: string;
    }
  | { readonly type: "text-delta" | "reasoning-delta"; readonly id: string; readonly delta: string }
  | {
      readonly type: "tool-input-start";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly dynamic?: true;
    }
  | {
      readonly type: "tool-input-delta";
      readonly toolCallId: string;
      readonly inputTextDelta: string;
    }
  | {
      readonly type: "tool-input-available";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly input: unknown;
    }
  | {
      readonly type: "tool-input-error";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly input: unknown;
      readonly errorText: string;
      readonly dynamic?: true;
    }
  | {
      readonly type: "tool-output-available";
      readonly toolCallId: string;
      readonly output: unknown;
      /** There is more to come. */
      readonly preliminary?: true;
    }
  | { readonly type: "tool-output-error"; readonly toolCallId: string; readonly errorText: string }
  | { readonly type: "data-output"; readonly data: ChatLiveOutput; readonly transient: true }
  | { readonly type: "file"; readonly mediaType: string; readonly url: string }
  | { readonly type: "finish-step" }
  | {
      readonly type: "finish";
      readonly finishReason:
        | "stop"
        | "length"
        | "content-filter"
        | "tool-calls"
        | "error"
        | "other";
      readonly messageMetadata: {
        readonly session_id: string;
        readonly end_reason: ChatEndReason;
        readonly usage: ChatUsage;
      };
    }
  | { readonly type: "error"; readonly errorText: string };

/** What running code has just printed. */
export interface ChatLiveOutput {
  readonly tool_call_id: string;
  readonly name: "stdout" | "stderr" | "result";
  readonly text: string;
}

/** The output of the tool `run_code`. */
export interface ChatRunOutput {
  /** As of an execution, or `running` where there is more to come. */
  readonly status: string;
  readonly exit_code: number;
  readonly execution_id: number | null;
  readonly execution_time: number;
  readonly result_text: string;
  /** Why variables and files of earlier runs were gone; absent where they were not. */
  readonly session_restarted?: { readonly reason: RestartReason };
  readonly error: {
    readonly ename: string;
    readonly evalue: string;
    readonly hint: string | null;
  } | null;
  readonly images: number;
  /** What charts and tables show, as JSON; absent where there is none. */
  readonly data_shown?: readonly string[];
  readonly files_created: readonly string[];
  readonly files_modified: readonly string[];
}

/** Answer of GET /tools. */
export interface ToolsResponse {
  readonly openai?: readonly {
    readonly type: "function";
    readonly function: {
      readonly name: string;
      readonly description: string;
      readonly parameters: object;
    };
  }[];
  readonly anthropic?: readonly {
    readonly name: string;
    readonly description: string;
    readonly input_schema: object;
  }[];
  /** By the name of the tool. */
  readonly calls: Readonly<
    Record<
      string,
      {
        readonly method: string;
        readonly path: string;
        readonly arguments: Readonly<Record<string, "path" | "query" | "json" | "body">>;
        readonly answer: string;
      }
    >
  >;
}
