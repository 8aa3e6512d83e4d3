/**
 * Colours for a line of Python as it is typed, or as a model has written it. A tokenizer is enough: it
 * needs no grammar, must bear what is half written, and runs at each key.
 */

/** In this order: the first that fits counts. Each is tried at one place only, and goes on from there. */
const TOKENS = [
  [
    "string",
    /(?:[rbfuRBFU]{1,2})?(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)/y,
  ],
  ["comment", /#.*/y],
  [
    "number",
    /\b(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?[jJ]?)/y,
  ],
  ["decorator", /@[A-Za-z_][\w.]*/y],
  ["word", /[\p{L}_][\p{L}\p{N}_]*/uy],
  ["blanks", /\s+/y],
] as const;

const KEYWORDS = new Set(
  (
    "False None True and as assert async await break case class continue def del elif else except " +
    "finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield"
  ).split(" "),
);
const BUILTINS = new Set(
  (
    "abs all any bool bytes callable chr dict dir enumerate filter float format frozenset getattr hasattr hash " +
    "help hex id input int isinstance issubclass iter len list map max min next object open ord pow print range " +
    "repr reversed round set setattr slice sorted str sum super tuple type vars zip self"
  ).split(" "),
);

const COLOURS: Readonly<Record<string, string>> = {
  string: "\u001b[32m",
  comment: "\u001b[90m",
  number: "\u001b[36m",
  decorator: "\u001b[33m",
  definition: "\u001b[1;34m",
  keyword: "\u001b[35m",
  builtin: "\u001b[34m",
};
const PLAIN = "\u001b[0m";

/** The same characters with colours between them. */
export function highlight(code: string): string {
  let shown = "";
  let isName = false;
  for (let at = 0; at < code.length; ) {
    const [kind, token] = tokenAt(code, at);
    at += token.length;
    const colour = COLOURS[kind === "word" ? kindOfWord(token, isName) : kind];
    shown += colour === undefined ? token : `${colour}${token}${PLAIN}`;
    // Blanks may stand between `def` and what it defines.
    if (kind !== "blanks") isName = token === "def" || token === "class";
  }
  return shown;
}

function tokenAt(code: string, at: number): readonly [kind: string, token: string] {
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = at;
    const token = pattern.exec(code)?.[0];
    if (token !== undefined) return [kind, token];
  }
  return ["other", code[at] ?? ""];
}

function kindOfWord(word: string, isName: boolean): string {
  if (isName) return "definition";
  if (KEYWORDS.has(word)) return "keyword";
  return BUILTINS.has(word) ? "builtin" : "plain";
}
