/**
 * The requests of each key that are not over, bounded so that one key never takes all connections. A request is
 * over when its answer has gone out or its connection has: an answer that never had its turn tells nothing itself.
 */

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Principal } from "../../access/principal.js";
import { ServiceError } from "../../errors.js";

/** For the last words of what a revocation has ended. */
const FAREWELL_MS = 2000;

export class InFlight {
  readonly #max: number;
  readonly #byKey = new Map<string, Set<ServerResponse>>();
  readonly #bySocket = new WeakMap<Socket, Set<() => void>>();

  /** `max` for each key; the built-in admin has no bound. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Count a request, and hold its place until it is over. @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED */
  enter({ id, account }: Principal, socket: Socket, response: ServerResponse): void {
    if (!account) return;
    account.admitRequest();
    let open = this.#byKey.get(id);
    if (!open) {
      open = new Set();
      this.#byKey.set(id, open);
    }
    if (this.isFull(id)) throw tooMany(this.#max);
    open.add(response);
    this.#whenOver(socket, response, () => this.#leave(id, response));
  }

  count(id: string): number {
    return this.#byKey.get(id)?.size ?? 0;
  }

  isFull(id: string): boolean {
    return this.count(id) >= this.#max;
  }

  /**
   * What is being sent to this key ends: streams and downloads have had their end by then, or never will. Whatever
   * is not answered yet learns of the revocation by itself.
   */
  cutOff(id: string): void {
    setTimeout(() => {
      for (const response of this.#byKey.get(id) ?? []) {
        if (response.headersSent) response.destroy();
      }
    }, FAREWELL_MS).unref();
  }

  #leave(id: string, response: ServerResponse): void {
    const open = this.#byKey.get(id);
    open?.delete(response);
    if (open?.size === 0) this.#byKey.delete(id);
  }

  /** One listener for each connection, however many requests it has had. */
  #whenOver(socket: Socket, response: ServerResponse, leave: () => void): void {
    let ends = this.#bySocket.get(socket);
    if (!ends) {
      const all = new Set<() => void>();
      ends = all;
      this.#bySocket.set(socket, all);
      socket.once("close", () => {
        for (const end of all) end();
      });
    }
    const own = ends;
    const end = () => {
      own.delete(end);
      leave();
    };
    own.add(end);
    response.once("close", end);
  }
}

function tooMany(max: number): ServiceError {
  return new ServiceError("QUOTA_EXCEEDED", `This key has ${max} requests that are not over.`, {
    hint: "Wait for answers, or close streams that nobody reads (MAX_REQUESTS_IN_FLIGHT).",
    retryAfterMs: 1000,
  });
}
