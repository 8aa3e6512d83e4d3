/**
 * Takes the long texts out of JSON, so that each can be decoded in turns of the event loop: what is left is short, and
 * is parsed at once. Megabytes of text that is full of escapes take many tens of milliseconds.
 */

import { randomBytes } from "node:crypto";
import { turnOfOnesOwn } from "./turns.js";
import { WholeParts } from "./whole-text.js";

const LONG_BYTES = 1024;
/** Decoded in one turn. */
const DECODED_BYTES = 256 * 1024;
/** Looked through in one turn. */
const SEARCHED_BYTES = 2 ** 20;
const [QUOTE, BACKSLASH, COLON, LOWER_U] = [0x22, 0x5c, 0x3a, 0x75];
const WHITE_SPACE: ReadonlySet<number | undefined> = new Set([0x20, 0x0a, 0x0d, 0x09]);
/** Nobody outside knows it, so no text of others is taken for the place of another. */
const MARK = randomBytes(16).toString("hex");

/** Where a part of the bytes begins, and where the next one does. */
type Range = readonly [from: number, to: number];

export interface WithoutLongTexts {
  /** The JSON without them. Wrong JSON stays wrong. */
  readonly json: string;
  /** Puts them back into what `json` was parsed to. */
  restore(value: unknown): unknown;
}

/** In turns that no other large piece of work gets. Halves of characters in long texts become U+FFFD. */
export async function takeLongTexts(bytes: Buffer): Promise<WithoutLongTexts> {
  const decoder = new Decoder(bytes);
  const texts: string[] = [];
  const left: string[] = [];
  let at = 0;
  try {
    for (const [from, to] of await findLongTexts(bytes)) {
      left.push(await decoder.plain([at, from]), `${MARK}${texts.length}`);
      texts.push(await decoder.text([from, to]));
      at = to;
    }
    left.push(await decoder.plain([at, bytes.length]));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    left.push("!");
  }
  return { json: left.join(""), restore: (value) => restored(value, texts) };
}

/** Without their quotes. Names of fields are none. */
async function findLongTexts(bytes: Buffer): Promise<Range[]> {
  const found: Range[] = [];
  let turnEnds = SEARCHED_BYTES;
  for (let open = bytes.indexOf(QUOTE); open >= 0; ) {
    let close = open + 1;
    for (; close < bytes.length && bytes[close] !== QUOTE; close++) {
      if (bytes[close] === BACKSLASH) close++;
      if (close < turnEnds) continue;
      await turnOfOnesOwn();
      turnEnds = close + SEARCHED_BYTES;
    }
    if (close >= bytes.length) break;
    if (close - open > LONG_BYTES && !isName(bytes, close + 1)) found.push([open + 1, close]);
    open = bytes.indexOf(QUOTE, close + 1);
  }
  return found;
}

function isName(bytes: Buffer, behind: number): boolean {
  let at = behind;
  while (WHITE_SPACE.has(bytes[at])) at++;
  return bytes[at] === COLON;
}

/** Decodes parts of the bytes, so much in each turn. */
class Decoder {
  readonly #bytes: Buffer;
  #room = DECODED_BYTES;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  async plain([from, to]: Range): Promise<string> {
    const parts: string[] = [];
    for (let at = from; at < to; ) {
      const end = this.#endOfCharacter(at, await this.#reach(at, to));
      parts.push(this.#bytes.toString("utf8", at, end));
      at = end;
    }
    return parts.join("");
  }

  /** What stands between quotes. @throws SyntaxError */
  async text([from, to]: Range): Promise<string> {
    const whole = new WholeParts();
    const parts: string[] = [];
    for (let at = from; at < to; ) {
      const reach = await this.#reach(at, to);
      const end = reach === to ? to : this.#endOfEscape(at, this.#endOfCharacter(at, reach));
      parts.push(whole.take(JSON.parse(`"${this.#bytes.toString("utf8", at, end)}"`)));
      at = end;
    }
    parts.push(whole.end());
    return parts.join("");
  }

  /** How far this turn, or a new one, gets. */
  async #reach(at: number, to: number): Promise<number> {
    if (this.#room < LONG_BYTES) {
      await turnOfOnesOwn();
      this.#room = DECODED_BYTES;
    }
    const reach = Math.min(at + this.#room, to);
    this.#room -= reach - at;
    return reach;
  }

  /** At most `end`, and not within a character. */
  #endOfCharacter(from: number, end: number): number {
    for (let at = end; at > from && at > end - 4; at--) {
      if (((this.#bytes[at] ?? 0) & 0xc0) !== 0x80) return at;
    }
    return end;
  }

  /** At most `end`, and not within an escape. There is none around `from`. */
  #endOfEscape(from: number, end: number): number {
    const bytes = this.#bytes;
    let last = end - 1;
    while (last > from && last > end - 6 && bytes[last] !== BACKSLASH) last--;
    if (bytes[last] !== BACKSLASH) return end;
    let first = last;
    while (first > from && bytes[first - 1] === BACKSLASH) first--;
    // An even number of them is text.
    if ((last - first) % 2 === 1) return end;
    const length = bytes[last + 1] === LOWER_U ? 6 : 2;
    return last + length > end && last > from ? last : end;
  }
}

function restored(value: unknown, texts: readonly string[]): unknown {
  if (texts.length === 0) return value;
  const top = { value };
  const open: object[] = [top];
  for (let container = open.pop(); container; container = open.pop()) {
    const fields = container as Record<string, unknown>;
    for (const name of Object.keys(fields)) {
      const found = fields[name];
      if (typeof found === "object" && found !== null) open.push(found);
      else if (typeof found === "string" && found.startsWith(MARK)) {
        const text = texts[Number(found.slice(MARK.length))];
        // An assignment to `__proto__` would be something else.
        Object.defineProperty(fields, name, { value: text });
      }
    }
  }
  return top.value;
}
