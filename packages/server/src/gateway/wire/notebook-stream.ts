/** A notebook's run as server-sent events: those of its cells, with `cell` events between them. */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { ExecutionHandle } from "../../sessions/interface.js";
import { EventStream } from "../http/sse.js";
import { failureData } from "./failure-event.js";

export class NotebookStream {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  #stream: EventStream | undefined;
  #lastId = 0;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.#request = request;
    this.#reply = reply;
  }

  /** Whether anything was sent; before that, a failure is an ordinary HTTP error. */
  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  /** Send the events of a cell. Resolves when it is over, or the client has gone. */
  async follow(index: number, execution: ExecutionHandle): Promise<void> {
    const follower = execution.events.follow(0);
    this.#stream?.onClosed(() => follower.close());
    const event = await follower.first();
    if (!event || this.#reply.raw.destroyed) {
      follower.close();
      return; // It could not begin, and its outcome says why.
    }
    const stream = this.#open();
    stream.onClosed(() => follower.close());
    await this.#send("cell", { index, state: "running" });
    await follower.forward(event, (next) => stream.forward(next, ++this.#lastId));
    await this.#send("cell", { index, state: "done" });
  }

  /** The last event. */
  async end(outcome: object): Promise<void> {
    await this.#sendLast("result", outcome);
  }

  async fail(cause: unknown): Promise<void> {
    await this.#sendLast("failure", failureData(this.#request, cause));
  }

  async #sendLast(name: string, data: object): Promise<void> {
    const stream = this.#open();
    await this.#send(name, data);
    stream.end();
  }

  #open(): EventStream {
    this.#stream ??= new EventStream(this.#reply);
    return this.#stream;
  }

  /** Numbered through the whole notebook. */
  #send(name: string, data: object): Promise<void> | undefined {
    return this.#stream?.send(name, data, ++this.#lastId);
  }
}
