/**
 * What stands behind a quote in text that is meant as JSON. Each quote of an answer is asked about, so
 * no look goes further than a few hundred characters, and none goes back.
 */

const CHARACTERS_MAX = 400;
const OPENING = "\"'`\u201c\u2018";
const CLOSING = "\"'`\u201d\u2019";
const KEY = /[A-Za-z_][\w -]{0,40}/y;

export class Lookahead {
  readonly #text: string;
  readonly #from: number;
  /** Behind the blanks that follow the quote. */
  readonly #start: number;
  readonly #end: number;

  constructor(text: string, from: number) {
    this.#text = text;
    this.#from = from;
    this.#end = Math.min(text.length, from + CHARACTERS_MAX);
    this.#start = this.#afterBlanks(from);
  }

  /** Nothing follows but blanks. */
  get isEnd(): boolean {
    return this.#start === this.#text.length;
  }

  /** The object ends, and with it the answer, or what surrounds it goes on. */
  endsObject(): boolean {
    const brace = this.#afterComma();
    if (this.#text[brace] !== "}") return false;
    const after = this.#afterBlanks(brace + 1);
    return after === this.#text.length || ",}]`<".includes(this.#text[after] ?? "");
  }

  /** The list ends, or another item begins. */
  continuesList(): boolean {
    const next = this.#text[this.#afterComma()];
    if (next === undefined) return false;
    return next === "]" || (this.#text[this.#start] === "," && `${OPENING}{[`.includes(next));
  }

  /** The key of another field, which begins behind a comma or on another line. */
  nextKey(): string | undefined {
    const blanks = this.#text.slice(this.#from, this.#start);
    if (this.#text[this.#start] !== "," && !blanks.includes("\n")) return undefined;
    let at = afterComments(this.#text, this.#afterComma(), this.#end);
    if (OPENING.includes(this.#text[at] ?? " ")) at++;
    KEY.lastIndex = at;
    const key = KEY.exec(this.#text)?.[0];
    if (key === undefined) return undefined;
    at += key.length;
    if (CLOSING.includes(this.#text[at] ?? " ")) at++;
    return this.#text[this.#afterBlanks(at)] === ":" ? key : undefined;
  }

  #afterComma(): number {
    return this.#text[this.#start] === "," ? this.#afterBlanks(this.#start + 1) : this.#start;
  }

  #afterBlanks(from: number): number {
    let at = from;
    while (at < this.#end && isBlank(this.#text[at])) at++;
    return at;
  }
}

/** Behind blanks and the comments that some put into JSON. A comment without an end is none. */
export function afterComments(text: string, from: number, until = text.length): number {
  let at = from;
  while (at < until) {
    if (isBlank(text[at])) {
      at++;
      continue;
    }
    const end = endOfComment(text, at, until);
    if (end === undefined) break;
    at = end;
  }
  return at;
}

function endOfComment(text: string, at: number, until: number): number | undefined {
  if (text.startsWith("//", at)) {
    while (at < until && text[at] !== "\n") at++;
    return at;
  }
  if (!text.startsWith("/*", at)) return undefined;
  const end = text.slice(at + 2, until).indexOf("*/");
  return end < 0 ? undefined : at + 2 + end + 2;
}

function isBlank(char: string | undefined): boolean {
  if (char === undefined) return false;
  if (char <= "\u007f") return char === " " || (char >= "\t" && char <= "\r");
  return /\s/.test(char);
}
