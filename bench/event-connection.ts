/**
 * The streamed twin of http-connection.ts: one keep-alive socket, one request at a time, answers that
 * end with the last chunk. What arrives is looked at only as far as the figures need it.
 */
import net from "node:net";

const READ_BUFFER_BYTES = 64 * 1024;
const LAST_CHUNK = "\r\n0\r\n\r\n";

export interface EventReply {
  /** Everything after the request, head and chunk lengths included. */
  text: string;
  /** Milliseconds until `mark` had arrived; NaN if it never did. */
  markMs: number;
}

export class EventConnection {
  readonly #socket: net.Socket;
  #text = "";
  #startedAt = 0;
  #mark = "";
  #markMs = Number.NaN;
  #finish: ((error?: Error) => void) | undefined;
  #until = LAST_CHUNK;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  static open(port: number): Promise<EventConnection> {
    return new Promise((resolve, reject) => {
      const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);
      const socket: net.Socket = net.connect({
        host: "127.0.0.1",
        port,
        noDelay: true,
        onread: {
          buffer,
          callback: (length) => {
            connection.#receive(buffer.toString("latin1", 0, length));
            return true;
          },
        },
      });
      const connection = new EventConnection(socket);
      socket.once("connect", () => resolve(connection));
      socket.on("error", (error) => {
        reject(error);
        connection.#finish?.(error);
      });
      socket.on("close", () =>
        connection.#finish?.(new Error("The server closed the connection.")),
      );
    });
  }

  /** The whole stream. `mark` is what to take the time of. */
  send(request: Buffer, mark: string): Promise<EventReply> {
    return this.#request(request, mark, LAST_CHUNK);
  }

  /** Only as far as `text`; the stream stays open, and nothing else can be sent. */
  follow(request: Buffer, text: string): Promise<EventReply> {
    return this.#request(request, text, text);
  }

  close(): void {
    this.#finish = undefined;
    this.#socket.destroy();
  }

  #request(request: Buffer, mark: string, until: string): Promise<EventReply> {
    this.#text = "";
    this.#mark = mark;
    this.#markMs = Number.NaN;
    this.#until = until;
    this.#startedAt = performance.now();
    return new Promise((resolve, reject) => {
      this.#finish = (error) => {
        this.#finish = undefined;
        if (error) reject(error);
        else resolve({ text: this.#text, markMs: this.#markMs });
      };
      this.#socket.write(request);
    });
  }

  #receive(text: string): void {
    this.#text += text;
    if (Number.isNaN(this.#markMs) && this.#text.includes(this.#mark)) {
      this.#markMs = performance.now() - this.#startedAt;
    }
    if (
      this.#until === LAST_CHUNK ? this.#text.endsWith(LAST_CHUNK) : !Number.isNaN(this.#markMs)
    ) {
      this.#finish?.();
    }
  }
}
