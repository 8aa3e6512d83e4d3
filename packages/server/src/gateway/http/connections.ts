/**
 * All connections. Each works on one request at a time; what a client sends ahead of
 * an answer waits. So every response that anything works for has the socket, and its "close" tells when
 * the client goes: Node tells that to no response that still waits for its turn.
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Turns } from "../../sandbox/turns.js";
import { watchPieces } from "./body-pieces.js";

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** What may wait on one connection. */
const WAITING_MAX = 64;
const WAITING_BYTES_MAX = 256 * 1024;
/** A body of so much makes Node stop reading, and who does not read does not see a client go. */
const UNREAD_BYTES = 8 * 1024;
/** So long a client may be out of sight. An answer that is all but sent takes less. */
const UNSEEN_MS = 1000;
/** From this share of the places on, idle connections give theirs up. */
const NEARLY_FULL = 15 / 16;

interface Connection {
  readonly socket: Socket;
  /** Undefined until a token was shown. */
  owner: string | undefined;
  answering: ServerResponse | undefined;
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[];
  /** What had been read when the first of them came. */
  bytesBefore: number;
  unseen: NodeJS.Timeout | undefined;
}

export class Connections {
  readonly #connections = new Map<Socket, Connection>();
  readonly #serve: Serve;
  readonly #enough: number;
  readonly #unseenMs: number;
  /** For what was sent ahead. */
  readonly #turns = new Turns();

  /** Comes between the server and `serve`, which was its listener. */
  constructor(server: Server, serve: Serve, connectionsMax: number, unseenMs = UNSEEN_MS) {
    this.#serve = serve;
    this.#unseenMs = unseenMs;
    this.#enough = Math.floor(connectionsMax * NEARLY_FULL);
    server.maxConnections = connectionsMax;
    server.on("connection", (socket) => this.#opened(socket));
    server.removeListener("request", serve);
    server.on("request", this.receive);
    // Node would refuse these by itself; an unknown expectation may be ignored.
    server.on("checkExpectation", this.receive);
  }

  /** A request that has come, and its answer. One whose answer lets go of the socket has the connection to its end. */
  readonly receive: Serve = (request, response) => this.#receive(request, response);

  /** Who has shown a token on this connection. */
  belongsTo(socket: Socket, owner: string): void {
    const connection = this.#connections.get(socket);
    if (connection) connection.owner = owner;
  }

  /** Whether bytes that are written to it now would stand in the midst of an answer, or in its place. */
  isAnswering(socket: Socket): boolean {
    const answering = this.#connections.get(socket)?.answering;
    return answering !== undefined && (answering.headersSent || answering.req.complete);
  }

  #opened(socket: Socket): Connection {
    const connection: Connection = {
      ...{ socket, owner: undefined, answering: undefined },
      ...{ waiting: [], bytesBefore: 0, unseen: undefined },
    };
    this.#connections.set(socket, connection);
    socket.once("close", () => {
      clearTimeout(connection.unseen);
      connection.waiting.length = 0;
      this.#connections.delete(socket);
    });
    if (this.#connections.size > this.#enough) this.#dispensable(socket)?.destroy();
    return connection;
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    watchPieces(request);
    const connection = this.#connections.get(socket) ?? this.#opened(socket);
    if (connection.answering === undefined) this.#begin(connection, request, response);
    else this.#wait(connection, request, response);
  }

  #begin(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    connection.answering = response;
    response.once("close", () => this.#next(connection));
    this.#serve(request, response);
  }

  #wait(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    const { socket, waiting } = connection;
    if (socket.destroyed) return;
    if (waiting.length === 0) connection.bytesBefore = socket.bytesRead;
    const bytes = socket.bytesRead - connection.bytesBefore;
    if (waiting.length === WAITING_MAX || bytes > WAITING_BYTES_MAX) {
      socket.destroy();
      readNoFurther(socket);
      return;
    }
    waiting.push([request, response]);
    this.#expectAnswer(connection);
  }

  #next(connection: Connection): void {
    const { socket, waiting } = connection;
    connection.answering = undefined;
    clearTimeout(connection.unseen);
    connection.unseen = undefined;
    if (socket.destroyed) return;
    const next = waiting.shift();
    // Without the socket it comes after an answer that was to be the last.
    if (next === undefined || next[1].socket === null) return;
    connection.answering = next[1];
    // Answers may be made at once, and all that waits would be served before anybody else's.
    void this.#turns.next().then(() => {
      if (socket.destroyed) return;
      this.#begin(connection, ...next);
      this.#expectAnswer(connection);
    });
  }

  /** A client may have gone unseen; what runs for it must not go on. */
  #expectAnswer(connection: Connection): void {
    if (!connection.waiting.some(([request]) => stopsReading(request))) return;
    connection.unseen ??= setTimeout(() => connection.socket.destroy(), this.#unseenMs).unref();
  }

  /** The oldest that never showed a token, or else the oldest idle one of the key that has most. */
  #dispensable(newest: Socket): Socket | undefined {
    const idle = new Map<string, { oldest: Socket; count: number }>();
    for (const { socket, owner, answering } of this.#connections.values()) {
      if (socket === newest) continue;
      if (owner === undefined) return socket;
      if (answering !== undefined) continue;
      const theirs = idle.get(owner);
      if (theirs) theirs.count++;
      else idle.set(owner, { oldest: socket, count: 1 });
    }
    const [most] = [...idle.values()].sort((a, b) => b.count - a.count);
    return most?.oldest;
  }
}

/** Node reads a chunk to its end, also for nobody: thousands of requests. What claims to be no HTTP ends that. */
function readNoFurther(socket: Socket & { parser?: { onIncoming: () => number } | null }): void {
  const isUpgrade = 2;
  if (socket.parser) socket.parser.onIncoming = () => isUpgrade;
}

function stopsReading({ headers }: IncomingMessage): boolean {
  return (
    headers["transfer-encoding"] !== undefined ||
    Number(headers["content-length"] ?? 0) > UNREAD_BYTES
  );
}
