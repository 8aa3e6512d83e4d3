/** Texts that have been the worst for one parser or another, at any length. */

const BLANKS = [" ", "\t", "\n", " \n", "\u2028", "\u00a0 "];
const QUOTES = [
  '"',
  "'",
  "`",
  '\\"',
  "\\",
  '"\\',
  '""',
  "'\"",
  '",',
  '"\n',
  '" ',
  '",//',
  '"\n//"\n',
];
const MARKS = [
  "/",
  "//",
  "/*",
  "=",
  "=a",
  "<",
  ">",
  "{",
  "}",
  "[",
  "]",
  "(",
  ",",
  ";",
  ":",
  "&",
  "#",
  "@",
  "~",
  "|",
];
const WORDS = [
  "a",
  "a ",
  "a.",
  "a_",
  "A: ",
  "0",
  "9.",
  "-",
  "_",
  "é",
  "漢",
  "\u{1f600}",
  "\ud800",
  "a\u0301",
  "İ",
];
const FENCES = ["```", "``` x", "```\n", "```\nx\n", "~~~", "~~~\n", "```py a", "`````"];
const TAGS = [
  "<code>",
  "<code ",
  "</code>",
  "<code>x</python>",
  "[CODE]",
  "<think>",
  "</think>",
  "<|channel|>final",
];
const OBJECTS = [
  '{"a":',
  '{"a":"',
  '{"code":"',
  '{"a" ',
  '{"a":1,',
  "{a",
  "[{",
  "[[",
  '["",',
  "{'a':'",
];
const CODE = [
  "x = ",
  "if a: ",
  "f(",
  "def f(",
  'x="',
  '"""',
  "'''",
  "# ",
  "“",
  "“'",
  ">>> ",
  "&lt;",
  "\\n",
  "x\n",
  "output ",
];
const CONTROLS = [
  "\u001b",
  "\u001b[",
  "\u001b[1;",
  "\u001b[31m",
  "\u001b[A",
  "\r",
  "\b",
  "\u0000",
  "\u009b",
];
const BLOCKS = [
  '<data-0123456789abcdef about="">\n',
  '<data-0123456789abcdef about="',
  "\n</data-0123456789abcdef>",
];

const PARTS = ["\r\n", "\r\n--", "\r\n--b", "\r\n--b\r\n", "\r\n--b\r\nA: b\r\n\r\n"];

export const ALL_FRAGMENTS: readonly string[] = [
  ...[...BLANKS, ...QUOTES, ...MARKS, ...WORDS, ...FENCES],
  ...[...TAGS, ...OBJECTS, ...CODE, ...CONTROLS, ...BLOCKS, ...PARTS],
];
/** For what can be so long that each text counts. */
export const SHORT_FRAGMENTS: readonly string[] = [
  ...["a", " ", "a ", "\n", "/", "\\", '"', '\\"', '"",', "=", "A\n", "%41"],
  ...["é", "\ud800", "\u001b", "\u001b[31m", ":", "0"],
];
/** For what only looks at the text, and does not take it apart. */
export const FEW_FRAGMENTS: readonly string[] = ["a", " ", "\n", "/", '\\"', "é", "\u001b[31m"];

/** Fits nothing, not even what takes all of a line. */
const ENDING = "!\n";

/** One fragment again and again, up to the length in UTF-8, between a beginning and an end that fits nothing. */
export function* worstTexts(
  length: number,
  fragments: readonly string[],
  beginnings: readonly string[],
): Generator<string> {
  for (const beginning of beginnings) {
    for (const fragment of fragments) {
      const room = Math.max(0, length - beginning.length - 2);
      const body = fragment.repeat(Math.floor(room / Buffer.byteLength(fragment)));
      yield (beginning + body + ENDING).slice(0, length);
    }
  }
}
