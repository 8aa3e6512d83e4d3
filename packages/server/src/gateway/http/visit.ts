/** An HTTP request as the desk sees it. */

import type { FastifyReply } from "fastify";
import type { Principal } from "../../access/principal.js";
import type { Visit } from "../../desk/visit.js";
import { onClientGone } from "./client-gone.js";

/** Looks at the request only when it is asked. */
class HttpVisit implements Visit {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  get principal(): Principal {
    return this.#reply.request.principal;
  }

  get client(): string {
    return this.#reply.request.ip;
  }

  get requestId(): string {
    return this.#reply.request.id;
  }

  onGone(listener: () => void): void {
    onClientGone(this.#reply, listener);
  }
}

export function visitOf(reply: FastifyReply): Visit {
  return new HttpVisit(reply);
}
