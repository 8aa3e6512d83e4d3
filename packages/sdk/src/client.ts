/** The client: one server, one token. */

import { Admin } from "./admin.js";
import {
  type BatchInput,
  type BatchOptions,
  type BatchStream,
  streamBatch,
  toBatchRequest,
} from "./batch.js";
import { type ChatInput, type ChatOptions, ChatStream, toChatRequest } from "./chat.js";
import { type ExecutionStream, type StreamOptions, streamExecution } from "./execution-stream.js";
import type {
  CallOptions,
  CreateSessionOptions,
  ExecuteOptions,
  GenerateOptions,
} from "./options.js";
import { toCreateSessionRequest, toExecuteRequest, toGenerateRequest } from "./options.js";
import { Session } from "./session.js";
import { type GloveboxOptions, readSettings } from "./settings.js";
import { Transport } from "./transport.js";
import type {
  BatchResponse,
  ChatResponse,
  ExecuteResponse,
  GenerateResponse,
  HealthResponse,
  SessionInfo,
  SessionList,
  ToolsResponse,
} from "./wire.js";

/** Where code runs. */
export interface SessionChoice {
  /** A session, made on first use. Absent: a fresh sandbox for this run alone. */
  readonly sessionId?: string;
}

/** One server, as one token sees it. Every method that asks the server throws GloveboxError, of the class that fits. */
export class Glovebox {
  /** What an admin's token opens. */
  readonly admin: Admin;
  readonly #transport: Transport;

  constructor(options: GloveboxOptions = {}) {
    this.#transport = new Transport(readSettings(options));
    this.admin = new Admin(this.#transport);
  }

  /** Run code and wait for all it produced. Code that fails is an answer, and no error. */
  execute(code: string, options: ExecuteOptions & SessionChoice = {}): Promise<ExecuteResponse> {
    const { sessionId } = options;
    if (sessionId !== undefined) return this.session(sessionId).execute(code, options);
    return this.#transport.json({
      method: "POST",
      path: "execute",
      json: toExecuteRequest(code, options, undefined),
      signal: options.signal,
      timeoutMs: null,
    });
  }

  /** Run code and see what happens while it happens. */
  stream(code: string, options: StreamOptions & SessionChoice = {}): ExecutionStream {
    const { sessionId } = options;
    if (sessionId !== undefined) return this.session(sessionId).stream(code, options);
    return streamExecution({ transport: this.#transport, code, sessionId, options });
  }

  /** Run many pieces of code, each in a fresh sandbox of its own, and wait for all. Results are in the order of `items`. */
  batch(items: readonly BatchInput[], options: BatchOptions = {}): Promise<BatchResponse> {
    return this.#transport.json({
      method: "POST",
      path: "execute/batch",
      json: toBatchRequest(items, options),
      signal: options.signal,
      timeoutMs: null,
    });
  }

  /** The same, with each result as soon as it is there. */
  streamBatch(items: readonly BatchInput[], options: BatchOptions = {}): BatchStream {
    return streamBatch(this.#transport, items, options);
  }

  /** Let the server's model write code for a question, run it, and repair it while it fails. */
  generate(query: string, options: GenerateOptions = {}): Promise<GenerateResponse> {
    return this.#transport.json({
      method: "POST",
      path: "generate-and-execute",
      json: toGenerateRequest(query, options),
      signal: options.signal,
      timeoutMs: null,
    });
  }

  /** Let the server's model answer, and work in a session by tools, and see it while it happens. */
  chat(input: ChatInput, options: ChatOptions = {}): ChatStream {
    return new ChatStream(this.#transport, input, options);
  }

  /** The same, waiting for all of it. */
  ask(input: ChatInput, options: ChatOptions = {}): Promise<ChatResponse> {
    return this.#transport.json({
      method: "POST",
      path: "api/chat",
      json: toChatRequest(input, options, false),
      signal: options.signal,
      timeoutMs: null,
    });
  }

  /** Definitions of tools for a language model of your own, and which route answers their calls. */
  tools({ signal }: CallOptions = {}): Promise<ToolsResponse> {
    return this.#transport.json({ method: "GET", path: "tools", signal });
  }

  /** The session of this name, made by the server on first use. Asks the server nothing yet. */
  session(id: string = randomName()): Session {
    return new Session(this.#transport, id);
  }

  /** Make a session now, with limits of its own. */
  async createSession(options: CreateSessionOptions = {}): Promise<Session> {
    const info = await this.#transport.json<SessionInfo>({
      method: "POST",
      path: "sessions",
      json: toCreateSessionRequest(options),
      signal: options.signal,
      // The server bounds the wait for a sandbox, and says why; packages take what they take.
      timeoutMs: null,
    });
    return new Session(this.#transport, info.session_id);
  }

  /** The sessions of this token. */
  async sessions({ signal }: CallOptions = {}): Promise<readonly SessionInfo[]> {
    const { sessions } = await this.#transport.json<SessionList>({
      method: "GET",
      path: "sessions",
      signal,
    });
    return sessions;
  }

  /** Whether the server answers. Needs no token. */
  health({ signal }: CallOptions = {}): Promise<HealthResponse> {
    return this.#transport.json({ method: "GET", path: "health", signal, accept: [503] });
  }
}

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
