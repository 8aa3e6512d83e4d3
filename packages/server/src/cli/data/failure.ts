/** A download cannot go on, for a reason that the operator can do something about. */
export class DataFailure extends Error {
  override readonly name = "DataFailure";
}

/** What a terminal might obey, or show in another order than it stands. */
const ODD = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u{202a}-\u{202e}\u{2066}-\u{2069}]+/gu;
const CHARACTERS_MAX = 300;
/** Runs of what is odd become one character each. */
const READ_CHARACTERS_MAX = 10 * CHARACTERS_MAX;

/** Text of a server, as a terminal may show it. */
export function plainText(text: string): string {
  return text.slice(0, READ_CHARACTERS_MAX).replace(ODD, "?").slice(0, CHARACTERS_MAX);
}

export function isPlain(text: string): boolean {
  return text.search(ODD) < 0;
}
