/**
 * Colours for a line of Python as it is typed. A tokenizer of one regular expression is enough:
 * it needs no grammar, must bear what is half written, and runs at each key.
 */

/** In this order: the first that fits counts. */
const TOKENS = [
  [
    "string",
    /(?:[rbfuRBFU]{1,2})?(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)/,
  ],
  ["comment", /#.*/],
  [
    "number",
    /\b(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?[jJ]?)/,
  ],
  ["decorator", /@[A-Za-z_][\w.]*/],
  ["definition", /(?<=\b(?:def|class)\s+)[\p{L}_][\p{L}\p{N}_]*/u],
  ["word", /[\p{L}_][\p{L}\p{N}_]*/u],
] as const;

const ANY_TOKEN = new RegExp(
  TOKENS.map(([name, pattern]) => `(?<${name}>${pattern.source})`).join("|"),
  "gu",
);

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
  return code.replaceAll(ANY_TOKEN, (token: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    const colour = COLOURS[kindOf(token, groups)];
    return colour === undefined ? token : `${colour}${token}${PLAIN}`;
  });
}

function kindOf(token: string, groups: Readonly<Record<string, string | undefined>>): string {
  const [kind = ""] = Object.entries(groups).find(([, text]) => text !== undefined) ?? [];
  if (kind !== "word") return kind;
  if (KEYWORDS.has(token)) return "keyword";
  return BUILTINS.has(token) ? "builtin" : "plain";
}
