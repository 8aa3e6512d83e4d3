/**
 * One front end of a kernel: a notebook that is open somewhere. It may lose its connection and come back; what it was
 * to hear meanwhile is kept for a while, and within bounds.
 */

import type { Visit } from "../../../desk/visit.js";
import type { KernelMessage } from "../wire/message.js";
import type { Connection } from "./connection.js";

/** For so long a front end may be away. */
const GRACE_MS = 60_000;
/** Kept for one that is away. Beyond that it has missed something anyway. */
const KEPT_BYTES_MAX = 4 * 2 ** 20;
const KEPT_MESSAGES_MAX = 10_000;
const MESSAGE_BYTES = 500;

export class Client {
  /** As it names itself in the address; undefined for one that cannot come back. */
  readonly session: string | undefined;
  readonly #onGone: () => void;
  #visit: Visit;
  #connection: Connection | undefined;
  #kept: KernelMessage[] = [];
  #keptBytes = 0;
  #grace: NodeJS.Timeout | undefined;
  #isGone = false;

  /** `onGone` is told when it will not come back. */
  constructor(session: string | undefined, visit: Visit, onGone: () => void) {
    this.session = session;
    this.#visit = visit;
    this.#onGone = onGone;
  }

  /** Its latest connection, as the desk sees it. */
  get visit(): Visit {
    return this.#visit;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** A connection of it; one that it had before ends. What was kept is sent. */
  attach(connection: Connection, visit: Visit): void {
    clearTimeout(this.#grace);
    const earlier = this.#connection;
    this.#connection = connection;
    this.#visit = visit;
    earlier?.close(1000, "this client has connected again");
    const kept = this.#kept;
    this.#forgetKept();
    for (const message of kept) void connection.send(message);
  }

  /** That connection has ended. */
  detach(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    if (this.session === undefined) this.#go();
    else this.#grace = setTimeout(() => this.#go(), GRACE_MS).unref();
  }

  /** A promise where it is far behind, see Connection.send. */
  send(message: KernelMessage): Promise<void> | undefined {
    if (this.#connection) return this.#connection.send(message);
    if (!this.#isGone) this.#keep(message);
    return undefined;
  }

  /** It will not come back, or must not. */
  end(code: number, reason: string): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close(code, reason);
    this.#go();
  }

  #keep(message: KernelMessage): void {
    const bytes = message.buffers.reduce((sum, { length }) => sum + length, message.content.length);
    this.#keptBytes += MESSAGE_BYTES + bytes;
    this.#kept.push(message);
    if (this.#keptBytes > KEPT_BYTES_MAX || this.#kept.length > KEPT_MESSAGES_MAX) this.#go();
  }

  #go(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#grace);
    this.#forgetKept();
    this.#onGone();
  }

  #forgetKept(): void {
    this.#kept = [];
    this.#keptBytes = 0;
  }
}
