/** A notebook's run as server-sent events: those of its cells, with `cell` events between them. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { ServiceError, toWireError } from "../errors.js";
import type { RunningExecution } from "../sessions/running-execution.js";
import { EventStream } from "./sse.js";

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
  async follow(index: number, execution: RunningExecution): Promise<void> {
    const follower = execution.events.follow(0);
    this.#stream?.onClosed(() => follower.close());
    let event = follower.take() ?? (await follower.next()).value;
    if (!event || this.#reply.raw.destroyed) {
      follower.close();
      return; // It could not begin, and its outcome says why.
    }
    const stream = this.#open();
    stream.onClosed(() => follower.close());
    await this.#send("cell", JSON.stringify({ index, state: "running" }));
    while (event) {
      await this.#send(event.name, event.json);
      event = follower.take() ?? (await follower.next()).value;
    }
    follower.close();
    await this.#send("cell", JSON.stringify({ index, state: "done" }));
  }

  async end(name: "result" | "failure", data: unknown): Promise<void> {
    const stream = this.#open();
    await this.#send(name, JSON.stringify(data));
    stream.end();
  }

  async fail(cause: unknown): Promise<void> {
    const { id, log } = this.#request;
    const error =
      cause instanceof ServiceError ? cause : new ServiceError("INTERNAL", undefined, { cause });
    if (error !== cause) log.error({ err: error, request_id: id }, error.code);
    await this.end("failure", toWireError(error, id));
  }

  #open(): EventStream {
    this.#stream ??= new EventStream(this.#reply);
    return this.#stream;
  }

  /** Numbered through the whole notebook. */
  async #send(name: string, json: string): Promise<void> {
    await this.#stream?.send(name, json, ++this.#lastId);
  }
}
