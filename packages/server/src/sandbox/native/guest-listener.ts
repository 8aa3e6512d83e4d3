/**
 * The socket on which sandboxes announce themselves. The keeper connects in their name before any
 * guest code exists and introduces each connection with the secret that was made for it.
 */

import { timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { checkMessage, FrameParser } from "../guest/channel.js";
import type { GuestConnections } from "../guest/conversation.js";

interface Expected {
  readonly secret: Buffer;
  readonly resolve: (connections: GuestConnections) => void;
  kernel?: Socket;
  warden?: Socket;
}

interface ExpectedPorter {
  readonly secret: Buffer;
  readonly resolve: (connection: Socket) => void;
}

const HELLO: ReadonlySet<"hello"> = new Set(["hello"]);
const HELLO_TIMEOUT_MS = 2000;

export class GuestListener {
  readonly #expected = new Map<string, Expected>();
  readonly #expectedPorters = new Map<string, ExpectedPorter>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => this.#greet(socket));
  }

  /** Take connections on a socket that the supervisor, as root, has bound. */
  listen(descriptor: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ fd: descriptor }, () => resolve());
    });
  }

  close(): void {
    this.#server.close();
  }

  /** Resolves when both connections of a sandbox are there. */
  expect(sandbox: string, secret: string): Promise<GuestConnections> {
    return new Promise((resolve) => {
      this.#expected.set(sandbox, { secret: Buffer.from(secret), resolve });
    });
  }

  /** Stop waiting, and close what has come already. */
  forget(sandbox: string): void {
    const expected = this.#expected.get(sandbox);
    this.#expected.delete(sandbox);
    expected?.kernel?.destroy();
    expected?.warden?.destroy();
  }

  /** Resolves when the porter of a sandbox is there. One at a time for each. */
  expectPorter(sandbox: string, secret: string): Promise<Socket> {
    return new Promise((resolve) => {
      this.#expectedPorters.set(sandbox, { secret: Buffer.from(secret), resolve });
    });
  }

  forgetPorter(sandbox: string): void {
    this.#expectedPorters.delete(sandbox);
  }

  #greet(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    socket.setTimeout(HELLO_TIMEOUT_MS, () => socket.destroy());
    socket.once("data", (chunk: Buffer) => {
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      socket.pause();
      try {
        // The keeper writes the greeting in one piece. The warden may have spoken since.
        const end = 4 + chunk.readUInt32BE(0);
        const greeting = new FrameParser().push(chunk.subarray(0, end))[0];
        if (chunk.length > end) socket.unshift(chunk.subarray(end));
        const hello = checkMessage(greeting, HELLO).content;
        if (hello.role === "porter") {
          const porter = this.#expectedPorters.get(hello.sandbox);
          this.#expectedPorters.delete(hello.sandbox);
          if (porter && isSecret(hello.secret, porter.secret)) porter.resolve(socket);
          else socket.destroy();
          return;
        }
        const expected = this.#expected.get(hello.sandbox);
        if (!expected || !isSecret(hello.secret, expected.secret)) {
          socket.destroy();
          return;
        }
        expected[hello.role] = socket;
        if (expected.kernel && expected.warden) {
          this.#expected.delete(hello.sandbox);
          expected.resolve({ kernel: expected.kernel, warden: expected.warden });
        }
      } catch {
        socket.destroy();
      }
    });
  }
}

function isSecret(told: string, expected: Buffer): boolean {
  const secret = Buffer.from(told);
  return secret.length === expected.length && timingSafeEqual(secret, expected);
}
