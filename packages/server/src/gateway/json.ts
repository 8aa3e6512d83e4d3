/** JSON that every reader takes. */

/**
 * Strings of a guest may hold halves of surrogate pairs, as file names that are not UTF-8 do in Python.
 * JSON.stringify writes those, and those alone, as escapes from \ud800 to \udfff, for which strict
 * readers refuse the whole answer. An even number of backslashes before one is text.
 */
const HALF_CHARACTER = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

/** What JSON.stringify has made, with U+FFFD in the place of halves of characters. */
export function withWholeCharacters(json: string): string {
  return json.includes("\\ud") ? json.replace(HALF_CHARACTER, "$1\\ufffd") : json;
}
