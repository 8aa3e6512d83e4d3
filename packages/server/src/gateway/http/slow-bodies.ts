/**
 * Ends requests whose body does not come, and at the end connections on which nothing has. Node's own limit holds for whole requests of a server, and
 * would cut an honest upload of a large file; this one spares the routes that look after themselves.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

interface Latest {
  request: IncomingMessage;
  sinceMs: number;
}

export class SlowBodies {
  readonly #timeoutMs: number;
  readonly #onSlow: (socket: Socket) => void;
  readonly #latest = new Map<Socket, Latest>();
  /** Node takes these for busy, and they would hold up the end of the server. */
  readonly #unused = new Set<Socket>();
  readonly #exempt = new WeakSet<IncomingMessage>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: {
    timeoutMs: number;
    checkEveryMs: number;
    onSlow: (socket: Socket) => void;
  }) {
    this.#timeoutMs = options.timeoutMs;
    this.#onSlow = options.onSlow;
    this.#timer = setInterval(() => this.#check(), options.checkEveryMs).unref();
  }

  opened(socket: Socket): void {
    this.#unused.add(socket);
    socket.once("close", () => this.#unused.delete(socket));
  }

  /** The headers of a request are there. A connection has one request at a time. */
  watch(request: IncomingMessage): void {
    const { socket } = request;
    this.#unused.delete(socket);
    const latest = this.#latest.get(socket);
    if (latest) {
      latest.request = request;
      latest.sinceMs = performance.now();
      return;
    }
    this.#latest.set(socket, { request, sinceMs: performance.now() });
    socket.once("close", () => this.#latest.delete(socket));
  }

  /** The route that reads this body has a limit of its own. */
  exempt(request: IncomingMessage): void {
    this.#exempt.add(request);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const socket of this.#unused) socket.destroy();
  }

  #check(): void {
    const now = performance.now();
    for (const [socket, { request, sinceMs }] of this.#latest) {
      if (request.complete || now - sinceMs < this.#timeoutMs || this.#exempt.has(request)) {
        continue;
      }
      this.#onSlow(socket);
    }
  }
}
