/**
 * Text without halves of surrogate pairs. JSON can write such a half alone, as Python does for file names that are
 * not UTF-8, and strict readers refuse a whole answer for it. So text is made whole once, where it comes in.
 */

/**
 * A value that JSON was parsed to, with U+FFFD instead of every half, in keys as well. Changed in place, so
 * that nothing is copied where nothing is wrong. Text under the key `left` stays as it is.
 */
export function makeWhole<T>(value: T, left?: string): T {
  if (typeof value === "string") return value.toWellFormed() as T;
  // Without recursion, as its depth has not been checked yet.
  const open: object[] = [];
  if (typeof value === "object" && value !== null) open.push(value);
  for (let container = open.pop(); container; container = open.pop()) {
    if (Array.isArray(container)) mendItems(container, open);
    else mendFields(container as Record<string, unknown>, open, left);
  }
  return value;
}

function mendItems(items: unknown[], open: object[]): void {
  for (let at = 0; at < items.length; at++) {
    const item = items[at];
    if (typeof item === "object" && item !== null) open.push(item);
    else if (typeof item === "string" && !item.isWellFormed()) items[at] = item.toWellFormed();
  }
}

function mendFields(fields: Record<string, unknown>, open: object[], left?: string): void {
  let hasHalfNames = false;
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    if (typeof field === "object" && field !== null) open.push(field);
    else if (typeof field === "string" && name !== left && !field.isWellFormed()) {
      fields[name] = field.toWellFormed();
    }
    hasHalfNames ||= !name.isWellFormed();
  }
  if (hasHalfNames) rename(fields);
}

/** All are taken out, the last one first as that is fastest, and put back, so that their order stays. */
function rename(fields: Record<string, unknown>): void {
  const entries = Object.entries(fields);
  for (const [name] of entries.toReversed()) delete fields[name];
  for (const [name, value] of entries) {
    // An assignment to `__proto__` would be something else.
    const all = { value, writable: true, enumerable: true, configurable: true };
    if (name === "__proto__") Object.defineProperty(fields, name, all);
    else fields[name.toWellFormed()] = value;
  }
}

/**
 * Made by JSON.stringify, the escapes from \ud800 to \udfff are halves, and nothing else is. An even number of
 * backslashes before one is text.
 */
const HALF_ESCAPED = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

/** A short text that JSON.stringify has made, whole: what was cut here may have halves at its ends. */
export function withWholeCharacters(json: string): string {
  return json.includes("\\ud") ? json.replace(HALF_ESCAPED, "$1\\ufffd") : json;
}

/** Text that comes in parts, each of which is whole. */
export class WholeParts {
  /** The first half of a character, whose second one comes with the next part. */
  #half = "";

  take(part: string): string {
    const text = this.#half + part;
    const whole = text.slice(0, endsInHalf(text) ? -1 : undefined);
    this.#half = text.slice(whole.length);
    return whole.toWellFormed();
  }

  /** What is left when no part comes any more. */
  end(): string {
    return this.#half.toWellFormed();
  }
}

/** Whether the second half of a character is still to come. */
export function endsInHalf(text: string): boolean {
  return (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
}
