/**
 * The socket on which sandboxes announce themselves. The keeper connects in their name before any
 * guest code exists and introduces each connection with the secret that was made for it.
 */

import { timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { checkMessage, FrameParser } from "../channel.js";

export interface GuestConnections {
  readonly kernel: Socket;
  readonly warden: Socket;
}

interface Expected {
  readonly secret: Buffer;
  readonly resolve: (connections: GuestConnections) => void;
  kernel?: Socket;
  warden?: Socket;
}

const HELLO: ReadonlySet<"hello"> = new Set(["hello"]);
const HELLO_TIMEOUT_MS = 2000;

export class GuestListener {
  readonly #expected = new Map<string, Expected>();
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
        const expected = this.#expected.get(hello.sandbox);
        const secret = Buffer.from(hello.secret);
        if (
          !expected ||
          secret.length !== expected.secret.length ||
          !timingSafeEqual(secret, expected.secret)
        ) {
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
