/** Objects that are JSON as it should be, found in other text. */

export interface FoundJson {
  readonly value: unknown;
  /** Where reading stopped. */
  readonly end: number;
}

const FENCE = "```";

/** The object that begins at `from`. */
export function readStrictly(text: string, from: number): FoundJson | undefined {
  const end = endOfObject(text, from);
  const value = end === undefined ? undefined : parseJson(text.slice(from, end));
  return end === undefined || value === undefined ? undefined : { value, end };
}

/** Undefined, which JSON cannot say, for what is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a fence encloses that is the whole of the text. */
export function withoutJsonFence(text: string): string {
  const lineEnd = text.indexOf("\n");
  if (lineEnd < 0 || !text.startsWith(FENCE) || !text.endsWith(FENCE)) return text;
  const language = text.slice(FENCE.length, lineEnd).trim();
  if (language !== "" && language !== "json") return text;
  return text.slice(lineEnd + 1, Math.max(lineEnd + 1, text.length - FENCE.length));
}

function endOfObject(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      at = endOfString(text, at + 1);
    } else if (char === "{") {
      depth++;
    } else if (char === "}" && --depth <= 0) {
      return at + 1;
    }
  }
  return undefined;
}

/** Where the quote stands that ends the string; behind the text where none does. */
function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === '"') return at;
  }
  return text.length;
}
