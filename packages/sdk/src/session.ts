/** A session of the server: one Python interpreter with its variables and files, by name. */

import { NotFoundError } from "./errors.js";
import type { CallOptions, ExecuteOptions } from "./options.js";
import { checkSessionId, toExecuteRequest } from "./options.js";
import type { Transport } from "./transport.js";
import type { ExecuteResponse, ResetResponse, SessionInfo } from "./wire.js";

/** Made by `Glovebox.session()` and `Glovebox.createSession()`. Holds a name, and no connection. */
export class Session {
  readonly id: string;
  readonly #transport: Transport;

  constructor(transport: Transport, id: string) {
    this.id = checkSessionId(id);
    this.#transport = transport;
  }

  /** Run code and wait for all it produced. Code that fails is an answer, and no error. */
  execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResponse> {
    return this.#transport.json({
      method: "POST",
      path: "execute",
      json: toExecuteRequest(code, options, this.id),
      signal: options.signal,
      timeoutMs: null,
    });
  }

  /** @throws NotFoundError before its first use and after its end */
  info({ signal }: CallOptions = {}): Promise<SessionInfo> {
    return this.#transport.json({ method: "GET", path: this.#path(), signal });
  }

  /** A fresh interpreter and an empty workspace under the same name. */
  reset({ signal }: CallOptions = {}): Promise<ResetResponse> {
    return this.#transport.json({ method: "POST", path: this.#path("reset"), signal });
  }

  /** End it, running code included. @throws NotFoundError when there is none */
  delete({ signal }: CallOptions = {}): Promise<void> {
    return this.#transport.done({ method: "DELETE", path: this.#path(), signal });
  }

  /** End it if it is there. What `await using` calls. */
  async release(options: CallOptions = {}): Promise<void> {
    try {
      await this.delete(options);
    } catch (error) {
      if (!NotFoundError.isInstance(error)) throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #path(rest?: string): string {
    const base = `sessions/${encodeURIComponent(this.id)}`;
    return rest === undefined ? base : `${base}/${rest}`;
  }
}
