/**
 * The load generator shares the cores with the server that it measures, so its own cost is part
 * of every figure. This is HTTP/1.1 reduced to what the bench needs: one keep-alive socket, one
 * request at a time, request bytes built once, answers delimited by Content-Length, and one read
 * buffer that is reused for the life of the connection.
 */
import net from "node:net";

export interface HttpReply {
  status: number;
  body: string;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const READ_BUFFER_BYTES = 64 * 1024;
const REPLY_TIMEOUT_MS = 60_000;

interface Waiting {
  resolve(reply: HttpReply): void;
  reject(error: Error): void;
}

export class HttpConnection {
  readonly #socket: net.Socket;
  #waiting: Waiting | null = null;
  /** Bytes of an answer that did not arrive in one piece. */
  #partial: Buffer | null = null;
  #closed: Error | null = null;

  private constructor(port: number, connected: () => void) {
    const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);
    this.#socket = net.connect({
      host: "127.0.0.1",
      port,
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          this.#receive(buffer.subarray(0, length));
          return true;
        },
      },
    });
    this.#socket.once("connect", connected);
    this.#socket.setTimeout(REPLY_TIMEOUT_MS, () => {
      // Only an answer that is due can be late; an idle connection stays open.
      if (this.#waiting) this.#fail(new Error(`No answer within ${REPLY_TIMEOUT_MS} ms.`));
    });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Error("The server closed the connection.")));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const connection: HttpConnection = new HttpConnection(port, () => {
        connection.#waiting = null;
        resolve(connection);
      });
      connection.#waiting = { resolve: () => undefined, reject };
    });
  }

  get isOpen(): boolean {
    return this.#closed === null;
  }

  send(request: Buffer): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed);
      if (this.#waiting) return reject(new Error("A request is under way on this connection."));
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#fail(new Error("The connection was closed."));
  }

  #receive(chunk: Buffer): void {
    // The read buffer is overwritten by the next read; what is kept across reads is copied.
    const bytes = this.#partial ? Buffer.concat([this.#partial, chunk]) : chunk;
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd === -1) {
      this.#partial = this.#partial ? bytes : Buffer.from(bytes);
      return;
    }
    const head = bytes.toString("latin1", 0, headEnd);
    const status = Number(head.slice(9, 12));
    const length = status === 204 ? 0 : contentLength(head);
    if (length === null) {
      this.#fail(new Error(`An answer without Content-Length: ${head.slice(0, 200)}`));
      return;
    }
    const bodyStart = headEnd + HEAD_END.length;
    if (bytes.length < bodyStart + length) {
      this.#partial = this.#partial ? bytes : Buffer.from(bytes);
      return;
    }
    this.#partial = null;
    const waiting = this.#waiting;
    if (!waiting || bytes.length > bodyStart + length) {
      this.#fail(new Error("The server sent bytes that nobody asked for."));
      return;
    }
    this.#waiting = null;
    waiting.resolve({ status, body: bytes.toString("utf8", bodyStart, bodyStart + length) });
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#socket.destroy();
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }
}

function contentLength(head: string): number | null {
  const match = /\r\ncontent-length: *(\d+)/i.exec(head);
  return match ? Number(match[1]) : null;
}

export function encodeRequest(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Buffer {
  const text = body === undefined ? "" : JSON.stringify(body);
  const lines = [`${method} ${path} HTTP/1.1`, "host: 127.0.0.1"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) {
    lines.push("content-type: application/json", `content-length: ${Buffer.byteLength(text)}`);
  }
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${text}`);
}

/** Connections that wait for the next session, so that no scenario measures a TCP handshake twice. */
export class ConnectionStock {
  readonly #port: number;
  readonly #idle: HttpConnection[] = [];
  readonly #all = new Set<HttpConnection>();

  constructor(port: number) {
    this.#port = port;
  }

  async take(): Promise<HttpConnection> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.isOpen) return idle;
      this.#all.delete(idle);
    }
    const opened = await HttpConnection.open(this.#port);
    this.#all.add(opened);
    return opened;
  }

  giveBack(connection: HttpConnection): void {
    this.#idle.push(connection);
  }

  /** One request on whichever connection is free. */
  async request(request: Buffer): Promise<HttpReply> {
    const connection = await this.take();
    const reply = await connection.send(request);
    this.giveBack(connection);
    return reply;
  }

  closeAll(): void {
    for (const connection of this.#all) connection.close();
  }
}
