/**
 * Whatever answers at an address may be no server of ours, or one of another version. Every answer is
 * looked at before a command relies on it, so that it is told in one line what is wrong.
 */

import { boundedText, type ChatChunk, GloveboxError } from "@glovebox/sdk";
import { CHAT_CHUNK, CONTENT, EVENTS, NOTHING, ROUTES, type Route } from "./answer-shapes.js";
import type { Shape } from "./shapes.js";

/** Statuses besides 2xx with which an ordinary answer may come. */
const ORDINARY = [500, 503, 504];
const EVENT_STREAM = "text/event-stream";

/** For the client of a command, whose root is `baseUrl`. */
export function checkedFetch(baseUrl: string): typeof globalThis.fetch {
  const { pathname } = new URL(baseUrl);
  const root = pathname.endsWith("/") ? pathname : `${pathname}/`;
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? "GET";
    const path = url.pathname.slice(root.length);
    const route = ROUTES.find((one) => one.method === method && one.fits(path));
    // Before anything is sent: a command that uses another route says here what it relies on.
    if (route === undefined) throw new Error(`no shape is known for ${method} ${path}`);
    const response = await fetch(input, init);
    // Events are looked at as they come, where they were asked for.
    const accepts = new Headers(init?.headers).get("accept");
    if (accepts === EVENT_STREAM && isEvents(response)) return response;
    return checked(response, route, `${method} /${path}`);
  };
}

async function checked(response: Response, { answer }: Route, what: string): Promise<Response> {
  const { ok, status, headers } = response;
  if (!ok && !ORDINARY.includes(status)) return response;
  if (answer === NOTHING || answer === CONTENT) {
    const fits = answer === NOTHING ? status === 204 : headers.has("etag");
    if (!ok || fits) return response;
    await response.body?.cancel();
    throw foreign(`${what} is answered with HTTP ${status}`);
  }
  const body = await boundedText(response);
  const value = jsonOf(body);
  if (ok || (value !== undefined && !isRefusal(value))) check(value, answer, what);
  return new Response(body === "" ? null : body, response);
}

function isEvents({ ok, headers }: Response): boolean {
  return ok && headers.get("content-type")?.toLowerCase().startsWith(EVENT_STREAM) === true;
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isRefusal(value: unknown): boolean {
  return typeof value === "object" && value !== null && "error" in value;
}

/** @throws GloveboxError when the data of this event is not what it should be */
export function checkEvent({
  type,
  data,
}: {
  readonly type: string;
  readonly data: unknown;
}): void {
  const shape = Object.hasOwn(EVENTS, type) ? EVENTS[type] : undefined;
  if (shape) check(data, shape, `the event "${type}"`);
}

/** @throws GloveboxError when it is none */
export function checkChunk(chunk: ChatChunk): void {
  check(chunk, CHAT_CHUNK, "a chunk of the chat");
}

function check(value: unknown, shape: Shape, what: string): void {
  const wrong = shape(value);
  if (wrong === undefined) return;
  throw foreign(wrong === "" ? `${what} is not as expected` : `${what} has no proper ${wrong}`);
}

function foreign(reason: string): GloveboxError {
  return new GloveboxError(
    "INVALID_RESPONSE",
    `This is not a Glovebox server, or one of another version: ${reason}.`,
  );
}
