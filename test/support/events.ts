/** A client of server-sent events that reads as slowly as a test wants, and goes when told to. */
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { ExecutionRequest, ExecutionResponse, TestServer } from "./server.ts";

export interface ServerEvent {
  readonly id: number | undefined;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: the suites state what they expect of each event.
  readonly data: any;
  /** Milliseconds since the request. */
  readonly atMs: number;
}

export interface StreamedRequest extends ExecutionRequest {
  readonly stream?: boolean;
  readonly on_disconnect?: "interrupt" | "continue";
  readonly allow_input?: boolean;
}

export class EventClient implements AsyncIterable<ServerEvent> {
  readonly status: number;
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;
  readonly #startedAt: number;

  constructor(request: ClientRequest, response: IncomingMessage, startedAt: number) {
    this.#request = request;
    this.response = response;
    this.status = response.statusCode ?? 0;
    this.#startedAt = startedAt;
    response.on("error", () => undefined);
  }

  /** Break the connection. */
  leave(): void {
    this.#request.destroy();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<ServerEvent> {
    // An event may have tens of megabytes: it is put together once, when its end has come.
    let parts: string[] = [];
    this.response.setEncoding("utf8");
    for await (const chunk of this.response) {
      const ends = `${parts.at(-1)?.at(-1) ?? ""}${chunk as string}`.includes("\n\n");
      parts.push(chunk as string);
      if (!ends) continue;
      const blocks = parts.join("").split("\n\n");
      parts = [blocks.pop() ?? ""];
      for (const block of blocks) {
        const event = parse(block, performance.now() - this.#startedAt);
        if (event) yield event;
      }
    }
  }

  /** All of them, to the end of the stream. */
  async all(): Promise<ServerEvent[]> {
    const events = [];
    for await (const event of this) events.push(event);
    return events;
  }

  /** The first event that fits. The connection stays, and the rest can be read. */
  async until(fits: (event: ServerEvent) => boolean): Promise<ServerEvent> {
    const events = this[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await events.next();
      if (done) throw new Error("the stream ended before the event came");
      if (fits(value)) return value;
    }
  }

  /** What the answer is where it is no stream. */
  async json(): Promise<unknown> {
    let text = "";
    for await (const chunk of this.response) text += String(chunk);
    return JSON.parse(text);
  }
}

function parse(block: string, atMs: number): ServerEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const [event, data, id] = [fields.get("event"), fields.get("data"), fields.get("id")];
  if (event === undefined || data === undefined) return undefined;
  return { id: id === undefined ? undefined : Number(id), event, data: JSON.parse(data), atMs };
}

/** POST /execute as a stream. Resolves with the headers. */
export function streamExecute(server: TestServer, body: StreamedRequest): Promise<EventClient> {
  return openEvents(server, "POST", "/execute", { body: { stream: true, ...body } });
}

/** GET of a stream of events. Resolves with the headers. */
export function openEvents(
  server: TestServer,
  method: "GET" | "POST",
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<EventClient> {
  const payload = options.body === undefined ? "" : JSON.stringify(options.body);
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server.baseUrl}${path}`,
      {
        method,
        agent: false,
        headers: {
          "x-auth-token": server.token,
          ...(payload === "" ? {} : { "content-type": "application/json" }),
          ...options.headers,
        },
      },
      (response) => resolve(new EventClient(sent, response, startedAt)),
    );
    sent.on("error", reject);
    sent.end(payload);
  });
}

/** The text of one stream, put together from its events. */
export function textOf(events: readonly ServerEvent[], name = "stdout"): string {
  return events
    .filter(({ event, data }) => event === "stream" && data.name === name)
    .map(({ data }) => data.text)
    .join("");
}

/** The last event, as the answer that it must be equal to. */
export function resultOf(events: readonly ServerEvent[]): ExecutionResponse {
  const last = events.at(-1);
  if (last?.event !== "result") throw new Error(`the last event is ${JSON.stringify(last)}`);
  return last.data as ExecutionResponse;
}
