/** A turn of a chat with the server's model, as it happens. */

import { Deadline } from "./deadline.js";
import { ConnectionError, errorOfAnswer, GloveboxError } from "./errors.js";
import { type CallOptions, checkSessionId, defined, toSeconds } from "./options.js";
import { readSse } from "./sse.js";
import type { OpenAnswer, Transport } from "./transport.js";
import type { ChatChunk, ChatMessage, ChatRequest } from "./wire.js";

/** Bounds of one turn; those of the server hold as well, and are the defaults. */
export interface ChatOptions extends CallOptions {
  /** A session, made on first use. Absent: a new one, which the answer names. */
  readonly sessionId?: string;
  /** At most so many calls of the model. */
  readonly maxSteps?: number;
  /** No further step once so many tokens were used. */
  readonly maxTokens?: number;
  /** For all of it. */
  readonly maxMs?: number;
  /** How long each run of code may take. */
  readonly timeoutMs?: number;
  /** For each run of code: `"200m"`, `"1g"`, or bytes. */
  readonly memoryLimit?: string | number;
  /** For each run of code, in cores. */
  readonly cpuLimit?: number;
}

/** What a user says, which continues the session's conversation, or a whole one in its place. */
export type ChatInput = string | readonly ChatMessage[];

export function toChatRequest(
  input: ChatInput,
  options: ChatOptions,
  stream: boolean,
): ChatRequest {
  const { sessionId } = options;
  return defined({
    ...(typeof input === "string" ? { message: input } : { messages: input }),
    stream,
    session_id: sessionId === undefined ? undefined : checkSessionId(sessionId),
    max_steps: options.maxSteps,
    max_tokens: options.maxTokens,
    max_seconds: toSeconds(options.maxMs),
    timeout: toSeconds(options.timeoutMs),
    memory_limit: options.memoryLimit,
    cpu_limit: options.cpuLimit,
  });
}

/** The server sends something every 15 seconds. */
const SILENCE_MS_MAX = 45_000;
const END = "[DONE]";

/** Its chunks in their order, once. An `error` among them is thrown. Leaving the loop stops the chat. */
export class ChatStream implements AsyncIterable<ChatChunk> {
  readonly #deadline: Deadline;
  readonly #opening: Promise<OpenAnswer>;
  #taken = false;

  constructor(transport: Transport, input: ChatInput, options: ChatOptions) {
    this.#deadline = new Deadline(options.signal);
    this.#opening = transport.open({
      method: "POST",
      path: "api/chat",
      json: toChatRequest(input, options, true),
      headers: { accept: "text/event-stream" },
      signal: this.#deadline.signal,
      timeoutMs: null,
    });
    // It may fail before anybody asks, which is no reason to end the program.
    this.#opening.catch(() => undefined);
  }

  /** Where the code runs and the conversation is kept, as soon as the server has begun to answer. */
  get sessionId(): Promise<string> {
    return this.#opening.then(({ response }) => {
      const id = response.headers.get("x-session-id");
      if (id !== null) return id;
      throw new GloveboxError("INVALID_RESPONSE", "The answer does not name its session.");
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatChunk> {
    if (this.#taken) {
      throw new GloveboxError("INVALID_ARGUMENT", "The chunks of this chat are taken already.");
    }
    this.#taken = true;
    return this.#chunks();
  }

  /** Disconnect, which stops the chat if it goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#deadline.abort(new GloveboxError("STREAM_CLOSED", "The chat was left before its end."));
    this.#deadline.end();
  }

  async *#chunks(): AsyncGenerator<ChatChunk, void, undefined> {
    try {
      const { response, deadline } = await this.#opening;
      deadline.suspend();
      try {
        yield* readChunks(response, deadline);
      } catch (error) {
        if (this.#deadline.signal.aborted) throw this.#deadline.signal.reason;
        if (GloveboxError.isInstance(error)) throw error;
        throw broke(deadline.expired ? "nothing came, not even a heartbeat" : String(error), error);
      } finally {
        deadline.end();
      }
    } finally {
      this.#deadline.end();
    }
  }
}

async function* readChunks(
  { body, status, headers }: Response,
  deadline: Deadline,
): AsyncGenerator<ChatChunk, void, undefined> {
  if (!body || !/^text\/event-stream\b/i.test(headers.get("content-type") ?? "")) {
    throw new GloveboxError("INVALID_RESPONSE", `The answer, HTTP ${status}, is no event stream.`, {
      status,
    });
  }
  const messages = readSse(body, {
    onWait: () => deadline.restart(SILENCE_MS_MAX),
    onBytes: () => deadline.suspend(),
  });
  for await (const { data } of messages) {
    if (data === END) return;
    const chunk = parse(data);
    if (chunk.type === "error") throw errorOf(chunk.errorText);
    yield chunk;
  }
  throw broke("it ended before the end of the chat");
}

function parse(data: string): ChatChunk {
  try {
    const chunk = JSON.parse(data) as ChatChunk | null;
    if (typeof chunk?.type === "string") return chunk;
  } catch {
    // Told below.
  }
  throw new GloveboxError("INVALID_RESPONSE", "A chunk of the chat is no JSON object with a type.");
}

/** "LLM_TIMEOUT: The model did not answer." */
function errorOf(text: string): GloveboxError {
  const [, code, message] = /^([A-Z][A-Z_]+): ([\s\S]*)$/.exec(text) ?? [];
  return code === undefined
    ? new GloveboxError("INVALID_RESPONSE", text)
    : errorOfAnswer({ error: { code, message } }, undefined);
}

function broke(how: string, cause?: unknown): ConnectionError {
  return new ConnectionError("CONNECTION_FAILED", `The stream of the chat broke: ${how}.`, {
    cause,
    hint: "What was run may have happened; the session's conversation tells.",
  });
}
