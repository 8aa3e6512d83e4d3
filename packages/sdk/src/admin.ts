/** What an admin's token opens: what runs, the panic button, keys. */

import type { CallOptions } from "./options.js";
import { checkSessionId } from "./options.js";
import type { Transport } from "./transport.js";
import type {
  Container,
  ContainerList,
  CreateKeyRequest,
  CreateKeyResponse,
  EndSessionsResponse,
  KeyList,
  KeyWithUsage,
  KillContainerResponse,
  PanicResponse,
  ResumeResponse,
  SecurityHealthResponse,
  StatusResponse,
} from "./wire.js";

/** Trying every protection, or ending every sandbox, may take longer than an ordinary request. */
const SLOW_MS = 120_000;

/** What an admin's token opens: keys, the state of the server, and the emergency brake. */
export class Admin {
  readonly keys: AdminKeys;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.keys = new AdminKeys(transport);
  }

  /** The pool and how many sessions there are. */
  status({ signal }: CallOptions = {}): Promise<StatusResponse> {
    return this.#transport.json({ method: "GET", path: "status", signal });
  }

  /**
   * End everything now, and let nothing in until `resume`. Look at `verified`: false means that new
   * work is refused, but not everything could be seen to be gone.
   */
  panic(options: CallOptions & { readonly reason?: string } = {}): Promise<PanicResponse> {
    const json = options.reason === undefined ? {} : { reason: options.reason };
    return this.#post("panic", json, options, [500]);
  }

  /** Verify the isolation, then let work in again. */
  resume(options: CallOptions = {}): Promise<ResumeResponse> {
    return this.#post("resume", undefined, options, []);
  }

  /** Try every protection on a live sandbox. Look at `status`: a failure is an answer, too. */
  securityHealth({ signal }: CallOptions = {}): Promise<SecurityHealthResponse> {
    return this.#transport.json({
      method: "GET",
      path: "api/security/health",
      signal,
      timeoutMs: SLOW_MS,
      accept: [503],
    });
  }

  /** Every sandbox there is, with what it uses now. */
  async containers({ signal }: CallOptions = {}): Promise<readonly Container[]> {
    const path = "api/security/containers";
    const list = await this.#transport.json<ContainerList>({ method: "GET", path, signal });
    return list.containers;
  }

  /** End one sandbox, running code included. */
  killContainer(id: string, { signal }: CallOptions = {}): Promise<KillContainerResponse> {
    const path = `api/security/containers/${encodeURIComponent(id)}`;
    return this.#transport.json({ method: "DELETE", path, signal });
  }

  /** End the sessions of this name, whichever keys they belong to. */
  endSessions(id: string, { signal }: CallOptions = {}): Promise<EndSessionsResponse> {
    const path = `api/security/sessions/${encodeURIComponent(checkSessionId(id))}`;
    return this.#transport.json({ method: "DELETE", path, signal });
  }

  #post<Body>(
    action: string,
    json: unknown,
    { signal }: CallOptions,
    accept: readonly number[],
  ): Promise<Body> {
    const path = `api/security/${action}`;
    return this.#transport.json({ method: "POST", path, json, signal, timeoutMs: SLOW_MS, accept });
  }
}

/** Keys as resources. Every method throws AuthenticationError for a token that is not an admin's. */
export class AdminKeys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Make a key. Its secret, `key`, is told this once. */
  create(key: CreateKeyRequest, { signal }: CallOptions = {}): Promise<CreateKeyResponse> {
    return this.#transport.json({ method: "POST", path: "api/keys", json: key, signal });
  }

  /** All keys, and what each uses of its quotas. */
  async list({ signal }: CallOptions = {}): Promise<readonly KeyWithUsage[]> {
    const list = await this.#transport.json<KeyList>({ method: "GET", path: "api/keys", signal });
    return list.keys;
  }

  /** The key is refused at once, and its sessions end. */
  revoke(id: string, { signal }: CallOptions = {}): Promise<void> {
    const path = `api/keys/${encodeURIComponent(id)}`;
    return this.#transport.done({ method: "DELETE", path, signal });
  }
}
