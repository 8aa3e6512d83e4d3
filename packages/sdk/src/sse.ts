/**
 * Server-sent events as the HTML standard defines them, read from a fetch body. EventSource itself
 * can neither POST nor send a token.
 */

export interface SseMessage {
  /** Of the last message that had one; empty before. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** A server that never ends a line shall not fill this program's memory. */
const LINE_CHARACTERS_MAX = 256 * 1024 * 1024;

/** Takes text in any pieces and gives the messages that are complete. */
export class SseParser {
  /** Pieces of a line whose end has not come yet; joined once, however many there are. */
  #pending: string[] = [];
  #pendingLength = 0;
  #endedWithCr = false;
  #first = true;
  #data: string[] = [];
  #event = "";
  #id = "";
  /** How long to wait before connecting again, if the server has said so. */
  retryMs: number | undefined;

  push(piece: string): SseMessage[] {
    let text = piece;
    if (this.#first && text !== "") {
      this.#first = false;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    // A CR at the end of a piece has ended its line; an LF that follows belongs to it.
    if (this.#endedWithCr && text !== "") {
      this.#endedWithCr = false;
      if (text.startsWith("\n")) text = text.slice(1);
    }
    const messages: SseMessage[] = [];
    let start = 0;
    for (let end = lineEnd(text, 0); end !== -1; end = lineEnd(text, start)) {
      const message = this.#takeLine(text.slice(start, end));
      if (message) messages.push(message);
      start = end + 1;
      if (text[end] === "\r") {
        if (text[start] === "\n") start++;
        else if (start === text.length) this.#endedWithCr = true;
      }
    }
    this.#keep(text.slice(start));
    return messages;
  }

  #keep(rest: string): void {
    if (rest === "") return;
    this.#pendingLength += rest.length;
    if (this.#pendingLength > LINE_CHARACTERS_MAX) throw new RangeError("a line has no end");
    this.#pending.push(rest);
  }

  #takeLine(end: string): SseMessage | undefined {
    let line = end;
    if (this.#pendingLength > 0) {
      line = this.#pending.join("") + end;
      this.#pending = [];
      this.#pendingLength = 0;
    }
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    // A comment, such as a heartbeat.
    if (colon === 0) return undefined;
    const field = colon === -1 ? line : line.slice(0, colon);
    const rest = colon === -1 ? "" : line.slice(colon + 1);
    this.#setField(field, rest.startsWith(" ") ? rest.slice(1) : rest);
    return undefined;
  }

  #setField(field: string, value: string): void {
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^[0-9]{1,9}$/.test(value)) this.retryMs = Number(value);
  }

  /** An empty line ends a message; one without data is none. */
  #dispatch(): SseMessage | undefined {
    const data = this.#data;
    const event = this.#event || "message";
    this.#data = [];
    this.#event = "";
    return data.length === 0 ? undefined : { id: this.#id, event, data: data.join("\n") };
  }
}

const [LF, CR] = [0x0a, 0x0d];

function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === LF || code === CR) return at;
  }
  return -1;
}

export interface SseReading {
  readonly parser?: SseParser;
  /** Around each wait for bytes: silence may then be told from a reader that takes its time. */
  readonly onWait?: () => void;
  readonly onBytes?: () => void;
}

/** The messages of a body. Ends with it; what an unfinished message began is dropped. */
export async function* readSse(
  body: ReadableStream<Uint8Array>,
  { parser = new SseParser(), onWait, onBytes }: SseReading = {},
): AsyncGenerator<SseMessage, void, undefined> {
  const reader = body.getReader();
  // The parser looks for the byte order mark itself.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  try {
    for (;;) {
      onWait?.();
      const { done, value } = await reader.read();
      onBytes?.();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Lets go of the connection also where the reader of these messages stops early.
    await reader.cancel().catch(() => undefined);
  }
}
