/** `GET /api/kernels/{id}/channels`: a WebSocket to a kernel. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { type WebSocket, WebSocketServer } from "ws";
import type { Visit } from "../../../desk/visit.js";
import { ServiceError } from "../../../errors.js";
import type { FacadeHost } from "../../host.js";
import type { Kernels } from "../kernels.js";
import { type Framing, SEGMENTS_PROTOCOL } from "../wire/framing.js";
import type { Client } from "./client.js";
import { CLOSE, Connection } from "./connection.js";

/** Of one message, which carries code, or what a widget sends. */
const MESSAGE_BYTES_MAX = 10 * 2 ** 20;

export class ChannelServer {
  readonly #host: FacadeHost;
  readonly #kernels: Kernels;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SEGMENTS_PROTOCOL) ? SEGMENTS_PROTOCOL : false),
  });

  constructor(host: FacadeHost, kernels: Kernels) {
    this.#host = host;
    this.#kernels = kernels;
  }

  /** Errors are answered before anything is upgraded. @throws ServiceError */
  open(request: FastifyRequest, reply: FastifyReply, kernelId: string, session?: string): void {
    const { visitOf, takeUpgrade } = this.#host;
    const visit = visitOf(reply);
    const { id } = this.#kernels.find(visit, kernelId);
    this.#refuseForeignPages(request);
    this.#kernels.connected(visit, id)?.refuseMoreClients();
    const upgraded = takeUpgrade(request.raw);
    if (!upgraded) throw notWebSocket();
    reply.hijack();
    this.#server.handleUpgrade(request.raw, upgraded.socket, upgraded.head, (socket) =>
      this.#serve(socket, visitOfSocket(visit, socket), id, session),
    );
  }

  #serve(socket: WebSocket, visit: Visit, sessionId: string, session: string | undefined): void {
    const framing: Framing = socket.protocol === SEGMENTS_PROTOCOL ? "segments" : "json";
    const kernel = this.#kernels.open(visit, sessionId);
    let client: Client | undefined;
    const connection = new Connection(socket, framing, {
      onMessage: (message, bytes) => client && kernel.receive(client, message, bytes),
      onClose: () => client?.detach(connection),
    });
    try {
      client = kernel.connect(session, connection, visit);
    } catch (error) {
      // The session has ended since its kernel was found.
      const known = error instanceof ServiceError;
      connection.close(known ? CLOSE.goingAway : CLOSE.fault, known ? error.message : "a fault");
    }
  }

  /** A page of another site may know a kernel's address. It has no token, and where it has one it must be let in. */
  #refuseForeignPages({ headers: { origin, host } }: FastifyRequest): void {
    if (origin === undefined || this.#host.allowsOrigin(origin)) return;
    if (URL.parse(origin)?.host === host?.toLowerCase()) return;
    throw new ServiceError("FORBIDDEN", "Pages of this origin may not connect.", {
      hint: "Name the page's origin in CORS_ORIGINS.",
    });
  }
}

/** The request is over, and its socket goes on: it has what the request was known by, and goes when the socket does. */
function visitOfSocket({ principal, client, requestId }: Visit, socket: WebSocket): Visit {
  return {
    ...{ principal, client, requestId },
    onGone: (listener) => {
      if (socket.readyState === socket.CLOSED) listener();
      else socket.once("close", listener);
    },
  };
}

function notWebSocket(): ServiceError {
  return new ServiceError("INVALID_REQUEST", "This address is for WebSockets.", {
    hint: "Connect to it by ws:// or wss://.",
  });
}
