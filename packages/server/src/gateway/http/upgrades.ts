/**
 * Connections that ask to become a WebSocket. Each goes the way of any other request first, so that token, quota, limits
 * and errors are the same, and the route that it is for takes the connection over.
 */

import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ServiceError } from "../../errors.js";
import { answerByHand } from "./errors.js";

/** A connection without HTTP, and what has come on it already. */
export interface UpgradedConnection {
  readonly socket: Socket;
  readonly head: Buffer;
}

export class Upgrades {
  readonly #asking = new WeakMap<
    IncomingMessage,
    UpgradedConnection & { readonly response: ServerResponse }
  >();

  constructor(server: Server, serve: (request: IncomingMessage, response: ServerResponse) => void) {
    server.on("upgrade", (request, duplex: Duplex, head) => {
      const socket = duplex as Socket;
      // Node lets go of the socket, and an error that nobody hears would end the process.
      socket.on("error", () => socket.destroy());
      if (request.method !== "GET") {
        answerByHand(socket, "400 Bad Request", notUpgradable());
        return;
      }
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket);
      response.once("finish", () => socket.destroySoon());
      this.#asking.set(request, { socket, head, response });
      serve(request, response);
    });
  }

  /** Take over the connection of a request that asks for it: once. Undefined for any other request. */
  take(request: IncomingMessage): UpgradedConnection | undefined {
    const asking = this.#asking.get(request);
    if (!asking) return undefined;
    this.#asking.delete(request);
    asking.response.detachSocket(asking.socket);
    return { socket: asking.socket, head: asking.head };
  }
}

function notUpgradable(): ServiceError {
  return new ServiceError("INVALID_REQUEST", "Only a GET can become a WebSocket.", {
    hint: "Send the request without the header Upgrade (curl: --http1.1).",
  });
}
