/**
 * Exchanges with a model's server, kept in a file and answered from one: what tests and demos use.
 * A line is one exchange in JSON: the request's path and body, and the response with its status, two
 * of its headers and its body. Request headers, where the key is, are never seen here.
 */

import { appendFile, readFile } from "node:fs/promises";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { ServiceError } from "../errors.js";
import { recordOf } from "../sandbox/records.js";
import { withoutDataBlocks } from "./data-block.js";

const KEPT_HEADERS = ["content-type", "retry-after"] as const;

const Exchange = Type.Object({
  request: Type.Object({ path: Type.String(), body: Type.Unknown() }),
  response: Type.Object({
    status: Type.Integer({ minimum: 200, maximum: 599 }),
    headers: recordOf(Type.String()),
    body: Type.String(),
  }),
});
const isExchange = Compile(Exchange);
export type Exchange = Type.Static<typeof Exchange>;

/** Whatever makes the answer to a request: the network, or a recording. */
export type Exchanger = (path: string, body: string, init: RequestInit) => Promise<Response>;

/** Append what `exchange` does to a file. What cannot be written is told to `onFailed`, no more. */
export function recording(
  exchange: Exchanger,
  file: string,
  secret: string | undefined,
  onFailed: (error: unknown) => void,
): Exchanger {
  return async (path, body, init) => {
    const response = await exchange(path, body, init);
    if (!response.body) return response;
    const [seen, kept] = response.body.tee();
    const copy = new Response(kept, response);
    void copy.text().then(
      (text) => {
        const line = `${JSON.stringify({
          request: { path, body: JSON.parse(body) },
          response: { status: response.status, headers: keptHeaders(response), body: text },
        })}\n`;
        // A server may repeat the key that it was sent, say in an error.
        return appendFile(file, secret ? line.replaceAll(secret, "********") : line, {
          mode: 0o600,
        }).catch(onFailed);
      },
      () => undefined, // An answer that was cut off is no use in a recording.
    );
    return new Response(seen, response);
  };
}

function keptHeaders(response: Response): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = response.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  return headers;
}

/**
 * Answers from a file. A request that is there word for word gets its own answer; otherwise one whose
 * conversation is the same but for the data in it, as files and timings differ from run to run.
 * Equal requests get their answers in turn, and the last one again and again.
 */
export class Replay {
  readonly #file: string;
  #hasPictures = false;
  #recording: Promise<Recording> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Read the file, if that has not been done. @throws ServiceError LLM_NOT_RECORDED */
  async load(): Promise<void> {
    this.#hasPictures = (await this.#recorded()).hasPictures;
  }

  /** Whether the model was shown pictures; false before the file is read. */
  get hasPictures(): boolean {
    return this.#hasPictures;
  }

  #recorded(): Promise<Recording> {
    this.#recording ??= readRecording(this.#file);
    return this.#recording;
  }

  readonly exchange: Exchanger = async (path, body) => {
    const found = (await this.#recorded()).find(path, JSON.parse(body));
    if (!found) throw new ServiceError("LLM_NOT_RECORDED");
    const { status, headers, body: text } = found.response;
    return new Response(text, { status, headers });
  };
}

class Recording {
  readonly #byKey = new Map<string, Exchange[]>();

  hasPictures = false;

  add(exchange: Exchange): void {
    const { path, body } = exchange.request;
    this.hasPictures ||= showsPictures(body);
    for (const key of keysOf(path, body)) {
      const there = this.#byKey.get(key);
      if (there) there.push(exchange);
      else this.#byKey.set(key, [exchange]);
    }
  }

  find(path: string, body: unknown): Exchange | undefined {
    for (const key of keysOf(path, body)) {
      const found = this.#byKey.get(key);
      if (found) return found.length > 1 ? found.shift() : found[0];
    }
    return undefined;
  }
}

async function readRecording(file: string): Promise<Recording> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ServiceError("LLM_NOT_RECORDED", `The recorded answers cannot be read: ${code}.`);
  }
  const recording = new Recording();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const exchange = parse(line);
    if (!isExchange.Check(exchange)) {
      throw new ServiceError(
        "LLM_NOT_RECORDED",
        `Line ${index + 1} of the recorded answers is no exchange.`,
      );
    }
    recording.add(exchange);
  }
  return recording;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** From the most to the least exact. The model's name counts in none: a demo may be told another. */
function keysOf(path: string, body: unknown): string[] {
  const { messages, stream } = (body ?? {}) as { messages?: unknown; stream?: unknown };
  const shared = [path, stream === true];
  const turns = Array.isArray(messages)
    ? messages.filter((message) => message?.role !== "system").map(withoutData)
    : messages;
  return [JSON.stringify([...shared, messages]), JSON.stringify([...shared, turns])];
}

interface RecordedMessage {
  readonly role?: unknown;
  readonly content?: unknown;
  readonly tool_calls?: unknown;
}

/** The ids of calls are left out: servers make them up as they go. */
function withoutData({ role, content, tool_calls: calls }: RecordedMessage): unknown {
  const said = Array.isArray(content) ? content.map(withoutPicture) : textWithoutData(content);
  return Array.isArray(calls) ? [role, said, calls.map((call) => call?.function)] : [role, said];
}

/** A picture of the same plot may have other bytes. */
function withoutPicture(part: RecordedPart | null): unknown {
  return part?.type === "text" ? textWithoutData(part.text) : part?.type;
}

function textWithoutData(text: unknown): unknown {
  return typeof text === "string" ? withoutDataBlocks(text) : text;
}

interface RecordedPart {
  readonly type?: unknown;
  readonly text?: unknown;
}

function showsPictures(body: unknown): boolean {
  const { messages } = (body ?? {}) as { messages?: unknown };
  if (!Array.isArray(messages)) return false;
  return messages.some(
    (message: RecordedMessage | null) =>
      Array.isArray(message?.content) &&
      message.content.some((part: RecordedPart | null) => part?.type === "image_url"),
  );
}
