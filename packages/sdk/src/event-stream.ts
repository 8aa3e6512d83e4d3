/**
 * A request that is answered with events and, last, a result. The events are read as fast as they are
 * taken, so a slow reader slows its own run and fills no memory.
 *
 * A stream that broke is taken up again after the last event that arrived, if its run goes on
 * without a connection; the request that began the run is never sent again.
 */

import { Deadline, pause } from "./deadline.js";
import { ConnectionError, errorOfAnswer, GloveboxError } from "./errors.js";
import { readSse, type SseMessage, SseParser } from "./sse.js";
import type { Transport, TransportRequest } from "./transport.js";

/** One of a map of events, told apart by `type`. */
export type StreamEvent<Events> = {
  [Name in keyof Events & string]: {
    readonly type: Name;
    /** Counted from 1 for each execution; null where the server gave none. */
    readonly id: number | null;
    readonly data: Events[Name];
  };
}[keyof Events & string];

export interface EventStreamPlan {
  readonly transport: Transport;
  /** Sent at once, and once only. */
  readonly request: TransportRequest;
  /** Events of other names are passed over: a newer server may have more. */
  readonly names: ReadonlySet<string>;
  readonly signal: AbortSignal | undefined;
  /** How to go on after this event; undefined when there is no way. */
  readonly resume?: (lastId: number) => TransportRequest | undefined;
  /** Sees each event before the reader does. What it throws, or rejects with, ends the stream. */
  readonly onEvent?: (event: AnyEvent) => Promise<void> | undefined;
}

interface AnyEvent {
  readonly type: string;
  readonly id: number | null;
  readonly data: unknown;
}

/** The server sends something every 15 seconds. */
const SILENCE_MS_MAX = 45_000;
/** After the result the server closes; waiting for it keeps the connection usable for the next request. */
const CLOSING_MS_MAX = 1000;
/** In a row, without an event between them. */
const RESUMES_MAX = 5;
const BACKOFF_MS = 100;
const RETRY_MS_MAX = 10_000;

/** Events as they come, to be taken once, and `result`, which all of them lead to. Leaving the loop disconnects. */
export class EventStream<Events extends { readonly result: unknown }>
  implements AsyncIterable<StreamEvent<Events>>
{
  readonly #plan: EventStreamPlan;
  readonly #deadline: Deadline;
  readonly #first: ReturnType<Transport["open"]>;
  readonly #result: Promise<Events["result"]>;
  #resolve!: (result: Events["result"]) => void;
  #reject!: (error: unknown) => void;
  #taken = false;
  #lastId = 0;
  /** What the server wants to be waited before it is asked again. */
  #retryMs = 0;
  #resumesLeft = RESUMES_MAX;

  constructor(plan: EventStreamPlan) {
    this.#plan = plan;
    this.#deadline = new Deadline(plan.signal);
    this.#first = plan.transport.open(this.#bound(plan.request));
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Both may fail before anybody asks, which is no reason to end the program.
    this.#first.catch(() => undefined);
    this.#result.catch(() => undefined);
  }

  /**
   * What the run came to. If the events are not being read when this is asked for, they are read and
   * dropped.
   */
  get result(): Promise<Events["result"]> {
    queueMicrotask(() => {
      if (!this.#taken) void this.#drain();
    });
    return this.#result;
  }

  /** The events in their order, once. Leaving the loop early disconnects. */
  [Symbol.asyncIterator](): AsyncIterableIterator<StreamEvent<Events>> {
    if (this.#taken) {
      throw new GloveboxError("INVALID_ARGUMENT", "The events of this stream are taken already.", {
        hint: "Begin to read the events before you wait for the result.",
      });
    }
    this.#taken = true;
    const events = this.#events() as AsyncGenerator<StreamEvent<Events>, void, undefined>;
    return {
      next: () => events.next(),
      return: async () => {
        this.#leave();
        await events.return();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Disconnect. The server interrupts the run, unless it shall continue. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
  }

  #leave(): void {
    const left = new GloveboxError("STREAM_CLOSED", "The stream was left before its result.");
    this.#reject(left);
    this.#deadline.abort(left);
    this.#deadline.end();
  }

  async #drain(): Promise<void> {
    try {
      for await (const _ of this);
    } catch {
      // The promise of the result tells it.
    }
  }

  async *#events(): AsyncGenerator<AnyEvent, void, undefined> {
    try {
      let opening = this.#first;
      for (;;) {
        const broke = yield* this.#connection(opening);
        if (broke === undefined) return;
        opening = this.#reopen(broke);
        opening.catch(() => undefined);
      }
    } catch (error) {
      this.#reject(error);
      throw error;
    } finally {
      this.#deadline.end();
    }
  }

  /** The events of one connection. Returns why it broke, or undefined after the result. */
  async *#connection(
    opening: ReturnType<Transport["open"]>,
  ): AsyncGenerator<AnyEvent, ConnectionError | undefined, undefined> {
    const { response, deadline } = await opening;
    deadline.suspend();
    let finished = false;
    try {
      const parser = new SseParser();
      const messages = readSse(eventBody(response), {
        parser,
        onWait: () => deadline.restart(finished ? CLOSING_MS_MAX : SILENCE_MS_MAX),
        onBytes: () => deadline.suspend(),
      });
      for await (const message of messages) {
        this.#retryMs = Math.min(parser.retryMs ?? 0, RETRY_MS_MAX);
        const event: AnyEvent | undefined = finished ? undefined : this.#take(message);
        if (!event) continue;
        finished = event.type === "result";
        yield event;
      }
      return finished ? undefined : streamBroke("it ended before the result");
    } catch (error) {
      if (finished) return undefined;
      // Without its reason, an abort by a failed onInput could not be told from the caller's.
      if (this.#deadline.signal.aborted) throw this.#deadline.signal.reason;
      if (GloveboxError.isInstance(error)) throw error;
      const silent = deadline.expired ? "nothing came, not even a heartbeat" : undefined;
      return streamBroke(silent ?? String(error), error);
    } finally {
      deadline.end();
    }
  }

  #take(message: SseMessage): AnyEvent | undefined {
    const id = /^[0-9]+$/.test(message.id) ? Number(message.id) : null;
    // Sent again by a server that begins a little early.
    if (id !== null && id <= this.#lastId) return undefined;
    if (id !== null) this.#lastId = id;
    this.#resumesLeft = RESUMES_MAX;
    if (message.event === "failure") throw errorOfAnswer(parseData(message), undefined);
    if (!this.#plan.names.has(message.event)) return undefined;
    const event = { type: message.event, id, data: parseData(message) };
    this.#plan.onEvent?.(event)?.catch((error: unknown) => this.#deadline.abort(error));
    if (event.type === "result") this.#resolve(event.data as Events["result"]);
    return event;
  }

  /** Ask for what comes after the last event, until the patience with this server is used up. */
  async #reopen(broke: ConnectionError): ReturnType<Transport["open"]> {
    const request = this.#resumesLeft > 0 ? this.#plan.resume?.(this.#lastId) : undefined;
    if (!request) throw broke;
    const delayMs = BACKOFF_MS * 2 ** (RESUMES_MAX - this.#resumesLeft);
    this.#resumesLeft--;
    await pause(Math.max(delayMs, this.#retryMs), this.#deadline.signal);
    return this.#plan.transport.open(this.#bound(request));
  }

  #bound(request: TransportRequest): TransportRequest {
    const headers = { ...request.headers, accept: "text/event-stream" };
    return { ...request, headers, signal: this.#deadline.signal };
  }
}

function streamBroke(how: string, cause?: unknown): ConnectionError {
  return new ConnectionError("CONNECTION_FAILED", `The stream of events broke: ${how}.`, {
    cause,
    hint: 'What was run may have happened. In a session, onDisconnect: "continue" lets a run go on and its stream be taken up again.',
  });
}

function eventBody({ status, headers, body }: Response): ReadableStream<Uint8Array> {
  if (status === 204) {
    throw new GloveboxError(
      "STREAM_CLOSED",
      "The run is over, and nothing came after that event.",
      {
        status,
      },
    );
  }
  const type = headers.get("content-type") ?? "";
  if (body && /^text\/event-stream\b/i.test(type)) return body;
  throw new GloveboxError("INVALID_RESPONSE", `The answer, HTTP ${status}, is no event stream.`, {
    status,
    hint: "Check baseUrl, and what stands between this program and the server.",
  });
}

/** That of every event is an object. */
function parseData({ event, data }: SseMessage): object {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new GloveboxError("INVALID_RESPONSE", `The data of an event ${event} is no JSON object.`);
}
