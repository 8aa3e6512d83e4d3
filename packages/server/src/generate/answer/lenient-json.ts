/**
 * Reads what models write when they mean JSON: trailing commas, other quotes, line breaks inside
 * strings, quotes that should have been escaped, Python's constants, an end that never came. Bounded
 * in depth; never throws.
 */

import { afterComments, Lookahead } from "./lookahead.js";

export interface LenientValue {
  readonly value: unknown;
  /** Where reading stopped. */
  readonly end: number;
  /** The text ended inside a string, and this is what it had so far. */
  readonly openString: string | undefined;
}

const DEPTH_MAX = 20;
const CLOSING: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  "`": "`",
  "\u201c": "\u201d",
  "\u2018": "\u2019",
};
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" },
  ...{ '"': '"', "'": "'", "\\": "\\", "/": "/", "`": "`" },
};
const CONSTANTS: readonly (readonly [RegExp, unknown])[] = [
  [/(?:true|True)\b/y, true],
  [/(?:false|False)\b/y, false],
  [/(?:null|None|undefined)\b/y, null],
];
const NUMBER = /[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const QUOTED_KEY = /["'`\u201c\u2018]([^"'`\u201d\u2019\n]{1,80})["'`\u201d\u2019]/y;
const BARE_KEY = /[A-Za-z_][\w-]*/y;
const KEY_ENDS = /\s*(?::|=>|=)/y;
const UNICODE = /\\u([0-9a-fA-F]{4})/y;

/** Read the value that begins at `from`. `keys` are those that certainly begin another field. */
export function readLenient(text: string, from: number, keys: ReadonlySet<string>): LenientValue {
  const reader = new Reader(text, from, keys);
  const value = reader.value(0, false);
  return { value, end: reader.at, openString: reader.openString };
}

class Reader {
  readonly #text: string;
  readonly #keys: ReadonlySet<string>;
  at: number;
  openString: string | undefined;

  constructor(text: string, from: number, keys: ReadonlySet<string>) {
    this.#text = text;
    this.#keys = keys;
    this.at = from;
  }

  value(depth: number, inList: boolean): unknown {
    this.at = afterComments(this.#text, this.at);
    const first = this.#text[this.at];
    if (first === undefined || depth > DEPTH_MAX) return undefined;
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#list(depth);
    if (first in CLOSING) return this.#string(inList);
    for (const [pattern, constant] of CONSTANTS) if (this.#match(pattern)) return constant;
    const number = this.#match(NUMBER);
    return number ? Number(number[0]) : undefined;
  }

  #object(depth: number): Record<string, unknown> {
    const fields: Record<string, unknown> = Object.create(null);
    this.at++;
    while (this.at < this.#text.length) {
      this.at = afterComments(this.#text, this.at);
      const char = this.#text[this.at];
      if (char === "}") {
        this.at++;
        break;
      }
      if (char === ",") {
        this.at++;
        continue;
      }
      const key = this.#key();
      if (key === undefined) break;
      const before = this.at;
      const value = this.value(depth + 1, false);
      if (value !== undefined) fields[key] = value;
      if (this.at === before || this.openString !== undefined) break;
    }
    return fields;
  }

  #key(): string | undefined {
    const key = this.#match(QUOTED_KEY)?.[1] ?? this.#match(BARE_KEY)?.[0];
    return this.#match(KEY_ENDS) ? key : undefined;
  }

  #list(depth: number): unknown[] {
    const items: unknown[] = [];
    this.at++;
    while (this.at < this.#text.length) {
      this.at = afterComments(this.#text, this.at);
      const char = this.#text[this.at];
      if (char === "]") {
        this.at++;
        break;
      }
      if (char === ",") {
        this.at++;
        continue;
      }
      const before = this.at;
      const value = this.value(depth + 1, true);
      if (value !== undefined) items.push(value);
      if (this.at === before || this.openString !== undefined) break;
    }
    return items;
  }

  #string(inList: boolean): string {
    const open = this.#text[this.at] ?? "";
    const triple = this.#text.startsWith(open.repeat(3), this.at);
    const close = triple ? open.repeat(3) : (CLOSING[open] ?? open);
    this.at += close.length;
    let content = "";
    let strayQuotes = 0;
    while (this.at < this.#text.length) {
      const char = this.#text[this.at] ?? "";
      if (char === "\\") {
        content += this.#escape();
        continue;
      }
      if (this.#text.startsWith(close, this.at)) {
        this.at += close.length;
        if (triple || this.#mayEnd(inList, strayQuotes)) return content;
        strayQuotes++;
        content += close;
        continue;
      }
      const from = this.at;
      this.at = this.#endOfPlain(close);
      content += this.#text.slice(from, this.at);
    }
    this.openString = content;
    return content;
  }

  /** Up to where neither an escape nor what could close the string begins; never where it begins itself. */
  #endOfPlain(close: string): number {
    let at = this.at + 1;
    while (at < this.#text.length && this.#text[at] !== "\\" && this.#text[at] !== close[0]) at++;
    return at;
  }

  /** Whether the quote before this place ends its string, or should have been escaped. */
  #mayEnd(inList: boolean, strayQuotes: number): boolean {
    const after = new Lookahead(this.#text, this.at);
    if (inList) return after.isEnd || after.continuesList();
    if (after.isEnd || after.endsObject()) return true;
    const key = after.nextKey();
    return key !== undefined && (strayQuotes === 0 || this.#keys.has(key));
  }

  #escape(): string {
    const next = this.#text[this.at + 1] ?? "";
    const code = this.#match(UNICODE)?.[1];
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    this.at += 1 + next.length;
    // An escape that JSON does not know was meant for Python.
    return ESCAPES[next] ?? `\\${next}`;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.#text);
    if (match) this.at = pattern.lastIndex;
    return match;
  }
}
