/** A local HTTP server whose answers a test writes by hand, mistakes included. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Respond = (response: ServerResponse, request: SeenRequest) => void;

export interface MisbehavingServer {
  readonly baseUrl: string;
  readonly seen: readonly SeenRequest[];
}

/** Starts servers that are closed after each test. Requests are answered in turn; the last one stays. */
export function startMisbehaving(): (...turns: Respond[]) => Promise<MisbehavingServer> {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  return async (...turns) => {
    const seen: SeenRequest[] = [];
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { method = "", url = "", headers } = request;
      const one = { method, url, headers, body };
      seen.push(one);
      (turns[seen.length - 1] ?? turns.at(-1))?.(response, one);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    return { baseUrl: `http://127.0.0.1:${port}`, seen };
  };
}

export const json =
  (body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Respond =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };

/** An error in Glovebox's shape, with Retry-After where a time is given. */
export const refusal = (code: string, status: number, retryAfterMs?: number): Respond =>
  json(
    {
      error: {
        code,
        message: `${code} it is.`,
        hint: "Try something else.",
        request_id: "req-1",
        ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
      },
    },
    status,
    retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) },
  );

/** The connection ends without an answer. */
export const hangUp: Respond = (response) => response.destroy();

/** Nothing comes, ever. */
export const silence: Respond = () => undefined;

export interface SentEvent {
  readonly event: string;
  readonly id?: number;
  readonly data: unknown;
}

const lines = ({ event, id, data }: SentEvent): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** Some events; then the connection is cut, closed in order, or left open. */
export const events =
  (sent: readonly SentEvent[], ending: "cut" | "close" | "open" = "close"): Respond =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.write(`retry: 1\n\n: heartbeat\n\n${sent.map(lines).join("")}`, () => {
      if (ending === "cut") setTimeout(() => response.destroy(), 20);
      else if (ending === "close") response.end();
    });
  };
