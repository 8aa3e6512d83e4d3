/** The client: one server, one token. */

import type { CallOptions, CreateSessionOptions, ExecuteOptions } from "./options.js";
import { checkSessionId, toCreateSessionRequest, toExecuteRequest } from "./options.js";
import { Session } from "./session.js";
import { type GloveboxOptions, readSettings } from "./settings.js";
import { Transport } from "./transport.js";
import type { ExecuteResponse, HealthResponse, SessionInfo, SessionList } from "./wire.js";

export interface RunOptions extends ExecuteOptions {
  /** A session, made on first use. Absent: a fresh sandbox for this run alone. */
  readonly sessionId?: string;
}

export class Glovebox {
  readonly #transport: Transport;

  constructor(options: GloveboxOptions = {}) {
    this.#transport = new Transport(readSettings(options));
  }

  /** Run code and wait for all it produced. Code that fails is an answer, and no error. */
  execute(code: string, options: RunOptions = {}): Promise<ExecuteResponse> {
    const { sessionId } = options;
    return this.#transport.json({
      method: "POST",
      path: "execute",
      json: toExecuteRequest(
        code,
        options,
        sessionId === undefined ? undefined : checkSessionId(sessionId),
      ),
      signal: options.signal,
      timeoutMs: null,
    });
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
