/**
 * A websocket client of the least size that speaks to jupyter-server on loopback: text messages,
 * fragments, ping and close. Extensions are not offered, so none need to be understood.
 */
import { randomBytes } from "node:crypto";
import http from "node:http";
import type { Socket } from "node:net";

const OPCODE_CONTINUATION = 0x0;
const OPCODE_TEXT = 0x1;
const OPCODE_CLOSE = 0x8;
const OPCODE_PING = 0x9;
const OPCODE_PONG = 0xa;
const CONNECT_TIMEOUT_MS = 60_000;

export class WebSocketClient {
  onMessage: (text: string) => void = () => undefined;
  onClose: (error: Error) => void = () => undefined;
  readonly #socket: Socket;
  #unread: Buffer = Buffer.alloc(0);
  #fragments: Buffer[] = [];

  private constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => this.onClose(new Error("The websocket was closed.")));
    if (head.length > 0) this.#receive(head);
  }

  static open(
    port: number,
    path: string,
    headers: Record<string, string>,
  ): Promise<WebSocketClient> {
    return new Promise((resolve, reject) => {
      const request = http.get({
        host: "127.0.0.1",
        port,
        path,
        agent: false,
        timeout: CONNECT_TIMEOUT_MS,
        headers: {
          ...headers,
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": randomBytes(16).toString("base64"),
        },
      });
      request.once("upgrade", (_response, socket, head) => {
        socket.setTimeout(0);
        resolve(new WebSocketClient(socket as Socket, head));
      });
      request.once("response", (response) => {
        response.resume();
        reject(new Error(`The websocket was refused with ${response.statusCode}.`));
      });
      request.once("timeout", () => request.destroy(new Error("The websocket did not open.")));
      request.once("error", reject);
    });
  }

  send(text: string): void {
    this.#sendFrame(OPCODE_TEXT, Buffer.from(text));
  }

  close(): void {
    this.onClose = () => undefined;
    this.#sendFrame(OPCODE_CLOSE, Buffer.alloc(0));
    this.#socket.end();
  }

  #sendFrame(opcode: number, payload: Buffer): void {
    const length = payload.length;
    const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
    const head = Buffer.alloc(2 + extended + 4);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
    if (extended === 2) head.writeUInt16BE(length, 2);
    if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
    // The protocol wants clients to mask; the mask of zeros leaves the payload as it is.
    this.#socket.write(Buffer.concat([head, payload]));
  }

  #receive(chunk: Buffer): void {
    this.#unread = this.#unread.length > 0 ? Buffer.concat([this.#unread, chunk]) : chunk;
    for (let frame = readFrame(this.#unread); frame; frame = readFrame(this.#unread)) {
      this.#unread = this.#unread.subarray(frame.size);
      this.#handle(frame);
    }
  }

  #handle({ opcode, isFinal, payload }: Frame): void {
    if (opcode === OPCODE_PING) this.#sendFrame(OPCODE_PONG, payload);
    if (opcode === OPCODE_CLOSE) this.#socket.end();
    if (opcode !== OPCODE_TEXT && opcode !== OPCODE_CONTINUATION) return;
    this.#fragments.push(payload);
    if (!isFinal) return;
    const text = Buffer.concat(this.#fragments).toString("utf8");
    this.#fragments = [];
    this.onMessage(text);
  }
}

interface Frame {
  opcode: number;
  isFinal: boolean;
  payload: Buffer;
  size: number;
}

/** The first frame of the bytes, or null while it is incomplete. Servers do not mask. */
function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null;
  const first = bytes.readUInt8(0);
  const shortLength = bytes.readUInt8(1) & 0x7f;
  const start = shortLength < 126 ? 2 : shortLength === 126 ? 4 : 10;
  if (bytes.length < start) return null;
  const length =
    shortLength < 126
      ? shortLength
      : shortLength === 126
        ? bytes.readUInt16BE(2)
        : Number(bytes.readBigUInt64BE(2));
  const size = start + length;
  if (bytes.length < size) return null;
  return {
    opcode: first & 0x0f,
    isFinal: (first & 0x80) !== 0,
    payload: bytes.subarray(start, size),
    size,
  };
}
