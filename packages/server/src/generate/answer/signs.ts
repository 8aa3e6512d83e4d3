/** Typographic signs in code that stand in for Python's own. */

const SIGNS: Readonly<Record<string, string>> = {
  "\u201c": '"',
  "\u201d": '"',
  "\u201e": '"',
  "\u2018": "'",
  "\u2019": "'",
  "\u00a0": " ",
  "\u202f": " ",
  "\u2013": "-",
  "\u2212": "-",
  "\u200b": "",
  "\ufeff": "",
};
const ANY_SIGN = /[\u00a0\u2013\u2018-\u201e\u202f\u2212\u200b\ufeff]/;

/** Replaces them everywhere but in strings and comments. */
export function withAsciiSigns(code: string): string {
  return ANY_SIGN.test(code) ? new Replacer(code).replaced() : code;
}

class Replacer {
  readonly #code: string;
  #result = "";
  /** Up to here there are no strings: a quote has no end in its line. */
  #bareUntil = 0;
  /** Such a quote has no end in the text, so it is not looked for again. */
  readonly #endless = new Set<string>();

  constructor(code: string) {
    this.#code = code;
  }

  replaced(): string {
    for (let at = 0; at < this.#code.length; ) {
      const end = this.#endOfLiteral(at);
      const char = this.#code[at] ?? "";
      this.#result += end === undefined ? (SIGNS[char] ?? char) : this.#code.slice(at, end);
      at = end ?? at + 1;
    }
    return this.#result;
  }

  /** Where the string or comment ends that begins here, if one does. */
  #endOfLiteral(at: number): number | undefined {
    if (at < this.#bareUntil) return undefined;
    const char = this.#code[at] ?? "";
    if (char === "#") return this.#endOfLine(at);
    if (char !== '"' && char !== "'") return undefined;
    const triple = char.repeat(3);
    if (this.#code.startsWith(triple, at) && !this.#endless.has(triple)) {
      const end = this.#endOfString(at + 3, triple);
      if (end !== undefined) return end;
      this.#endless.add(triple);
    }
    const end = this.#endOfString(at + 1, char);
    if (end === undefined) this.#bareUntil = this.#endOfLine(at);
    return end;
  }

  #endOfLine(from: number): number {
    const end = this.#code.indexOf("\n", from);
    return end < 0 ? this.#code.length : end;
  }

  #endOfString(from: number, quote: string): number | undefined {
    for (let at = from; at < this.#code.length; at++) {
      const char = this.#code[at];
      if (char === "\\") at++;
      else if (char === "\n" && quote.length === 1) return undefined;
      else if (this.#code.startsWith(quote, at)) return at + quote.length;
    }
    return undefined;
  }
}
