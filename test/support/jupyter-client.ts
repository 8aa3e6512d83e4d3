/** A small client of Jupyter's protocol: a WebSocket by hand, so that it can also send what no library would. */
import { randomBytes, randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";

export interface JupyterMessage {
  readonly channel: string;
  readonly msg_type: string;
  readonly parent: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly header: Readonly<Record<string, unknown>>;
  readonly buffers: readonly Buffer[];
}

export const SEGMENTS = "v1.kernel.websocket.jupyter.org";

export interface OpenOptions {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocol?: string;
}

export interface Refusal {
  readonly status: number;
  readonly text: string;
}

export class JupyterClient {
  readonly session = randomUUID();
  readonly received: JupyterMessage[] = [];
  /** Code and reason of the server's close frame. */
  closed: { code: number; reason: string } | undefined;
  isOver = false;
  readonly #socket: Socket;
  readonly #framing: "json" | "segments";
  #rest = Buffer.alloc(0);
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket, framing: "json" | "segments", head: Buffer) {
    this.#socket = socket;
    this.#framing = framing;
    socket.on("data", (data) => this.#take(data as Buffer));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.isOver = true;
      this.#wake();
    });
    this.#take(head);
  }

  /** A client, or what the server has answered instead. */
  static async open(baseUrl: string, options: OpenOptions): Promise<JupyterClient | Refusal> {
    const { hostname, port, host } = new URL(baseUrl);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const { path, headers = {}, protocol } = options;
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const { head, rest } = await readHead(socket);
    const status = Number(head.split(" ")[1]);
    if (status !== 101) {
      const chunks = [rest];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      return { status, text: Buffer.concat(chunks).toString("utf8") };
    }
    const agreed = /^sec-websocket-protocol: (.*)$/im.exec(head)?.[1]?.trim();
    return new JupyterClient(socket, agreed === SEGMENTS ? "segments" : "json", rest);
  }

  /** Send a request, and have its id. */
  send(
    channel: string,
    msg_type: string,
    content: object,
    buffers: readonly Buffer[] = [],
    parent: object = {},
  ): string {
    const msg_id = randomUUID();
    const header = {
      msg_id,
      msg_type,
      session: this.session,
      username: "t",
      date: "",
      version: "5.3",
    };
    if (this.#framing === "json") {
      const message = {
        channel,
        header,
        parent_header: parent,
        metadata: {},
        content,
        buffers: [],
      };
      this.sendFrame(1, Buffer.from(JSON.stringify(message)));
    } else {
      const parts = [channel, ...[header, parent, {}, content].map((part) => JSON.stringify(part))];
      const segments = [...parts.map((part) => Buffer.from(part)), ...buffers];
      const head = Buffer.alloc(8 * (segments.length + 2));
      head.writeBigUInt64LE(BigInt(segments.length + 1), 0);
      let at = head.length;
      segments.forEach((segment, index) => {
        head.writeBigUInt64LE(BigInt(at), 8 * (index + 1));
        at += segment.length;
      });
      head.writeBigUInt64LE(BigInt(at), 8 * (segments.length + 1));
      this.sendFrame(2, Buffer.concat([head, ...segments]));
    }
    return msg_id;
  }

  execute(code: string, more: object = {}): string {
    return this.send("shell", "execute_request", {
      ...{ code, silent: false, store_history: true, user_expressions: {} },
      ...{ allow_stdin: false, stop_on_error: true, ...more },
    });
  }

  /** All that answers a request, until it is idle again and has its reply. */
  async answersTo(id: string, channel = "shell"): Promise<JupyterMessage[]> {
    const mine = () => this.received.filter(({ parent }) => parent === id);
    await this.until(
      () =>
        mine().some(
          (one) => one.msg_type === "status" && one.content["execution_state"] === "idle",
        ) && mine().some((one) => one.channel === channel),
    );
    return mine();
  }

  async ask(
    msg_type: string,
    content: object = {},
    channel = "shell",
  ): Promise<JupyterMessage["content"]> {
    const answers = await this.answersTo(this.send(channel, msg_type, content), channel);
    const reply = answers.find((one) => one.channel === channel);
    if (!reply) throw new Error(`no reply to ${msg_type}`);
    return reply.content;
  }

  /** Wait until something holds. */
  async until(holds: () => boolean, timeoutMs = 15_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`not seen: ${holds} in ${this.#summary()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      if (this.isOver && !holds()) throw new Error(`the connection is over: ${holds}`);
    }
  }

  sendFrame(opcode: number, payload: Buffer, isLast = true): void {
    const mask = randomBytes(4);
    const masked = Buffer.alloc(payload.length);
    for (let at = 0; at < payload.length; at++)
      masked[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
    this.#socket.write(Buffer.concat([frameHead(opcode, payload.length, isLast), mask, masked]));
  }

  sendText(text: string): void {
    this.sendFrame(1, Buffer.from(text));
  }

  sendBytes(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Without a word. */
  drop(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let frame = this.#nextFrame(); frame; frame = this.#nextFrame()) {
      const { opcode, payload } = frame;
      if (opcode === 9) this.sendFrame(10, payload);
      else if (opcode === 8) {
        this.closed = {
          code: payload.readUInt16BE(0),
          reason: payload.subarray(2).toString("utf8"),
        };
        this.sendFrame(8, payload.subarray(0, 2));
      } else if (opcode === 1) this.received.push(fromJson(payload));
      else if (opcode === 2) this.received.push(fromSegments(payload));
    }
    this.#wake();
  }

  /** A server's frames are whole and without a mask. */
  #nextFrame(): { opcode: number; payload: Buffer } | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const short = (rest[1] ?? 0) & 0x7f;
    const headLength = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (rest.length < headLength) return undefined;
    const length =
      short === 127
        ? Number(rest.readBigUInt64BE(2))
        : short === 126
          ? rest.readUInt16BE(2)
          : short;
    if (rest.length < headLength + length) return undefined;
    this.#rest = rest.subarray(headLength + length);
    return {
      opcode: (rest[0] ?? 0) & 0x0f,
      payload: rest.subarray(headLength, headLength + length),
    };
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #summary(): string {
    return JSON.stringify(
      this.received.slice(-8).map(({ msg_type, content }) => [msg_type, content]),
    ).slice(0, 2000);
  }
}

function frameHead(opcode: number, length: number, isLast: boolean): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode;
  if (length < 126) return Buffer.from([first, 0x80 | length]);
  if (length < 65_536) return Buffer.from([first, 0x80 | 126, length >> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

async function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  let data = Buffer.alloc(0);
  for (;;) {
    const chunk = await new Promise<Buffer>((resolve, reject) => {
      socket.once("data", (piece) => resolve(piece as Buffer));
      socket.once("close", () => reject(new Error("closed before the handshake was answered")));
    });
    data = Buffer.concat([data, chunk]);
    const end = data.indexOf("\r\n\r\n");
    if (end < 0) continue;
    socket.pause();
    setImmediate(() => socket.resume());
    return { head: data.subarray(0, end).toString("latin1"), rest: data.subarray(end + 4) };
  }
}

function fromJson(payload: Buffer): JupyterMessage {
  const message = JSON.parse(payload.toString("utf8"));
  return { ...message, parent: message.parent_header.msg_id ?? "", buffers: [] };
}

function fromSegments(payload: Buffer): JupyterMessage {
  const count = Number(payload.readBigUInt64LE(0));
  const at = Array.from({ length: count }, (_, index) =>
    Number(payload.readBigUInt64LE(8 * (index + 1))),
  );
  const parts = at.slice(1).map((to, index) => payload.subarray(at[index], to));
  const [channel = "", ...json] = parts.slice(0, 5).map((part) => part.toString("utf8"));
  const [header, parent, metadata, content] = json.map((part) => JSON.parse(part));
  return {
    ...{ channel, msg_type: header.msg_type, parent: parent.msg_id ?? "" },
    ...{ header, metadata, content, buffers: parts.slice(5) },
  };
}
