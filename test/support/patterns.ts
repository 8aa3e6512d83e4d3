/**
 * Finds the regular expressions of a source file, and says which of them may take the square of a text's
 * length, or more. A text that is long enough then holds the event loop for hours.
 */
import type { AST } from "@eslint-community/regexpp";
import {
  getConsumedChars,
  getFirstConsumedChar,
  isPotentiallyEmpty,
  isPotentiallyZeroLength,
  toCharSet,
} from "regexp-ast-analysis";
import { parseAst } from "rolldown/parseAst";
import { analyse, type ParsedLiteral } from "scslre";

export interface FoundPattern {
  readonly line: number;
  readonly source: string;
  readonly flags: string;
  /** Of the language, and not of a schema, which bounds the text itself. */
  readonly isLiteral: boolean;
}

export interface Findings {
  readonly patterns: readonly FoundPattern[];
  /** Expressions that nobody can judge here: they are made at run time. */
  readonly unreadable: readonly { readonly line: number; readonly what: string }[];
}

/** So many repetitions count as any number of them. */
const REPETITIONS_MAX = 100;

interface SourceNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** Literals, and the `pattern` of schemas; what is made in any other way is told as unreadable. */
export function patternsIn(text: string): Findings {
  const patterns: FoundPattern[] = [];
  const unreadable: { line: number; what: string }[] = [];
  for (const node of sourceNodes(parseAst(text, { lang: "ts" }))) {
    const line = text.slice(0, node.start).split("\n").length;
    const { regex } = node as { regex?: { pattern: string; flags: string } };
    const made = text.slice(node.start, node.end);
    if (node.type === "Literal" && regex) {
      patterns.push({ line, source: regex.pattern, flags: regex.flags, isLiteral: true });
    } else if (isPatternField(node)) {
      const { value } = node.value as { value?: unknown };
      if (typeof value === "string")
        patterns.push({ line, source: value, flags: "u", isLiteral: false });
      else unreadable.push({ line, what: made });
    } else if (makesPattern(node)) {
      unreadable.push({ line, what: made });
    }
  }
  return { patterns, unreadable };
}

function* sourceNodes(value: unknown): Generator<SourceNode> {
  if (typeof value !== "object" || value === null || value instanceof RegExp) return;
  if (typeof (value as SourceNode).type === "string") yield value as SourceNode;
  for (const inner of Object.values(value)) yield* sourceNodes(inner);
}

const nameOf = (node: unknown) => (node as { name?: unknown } | undefined)?.name;

/** `{ pattern: … }`, but not where `pattern` is taken out of an object. */
function isPatternField(node: SourceNode): boolean {
  const { type, key, value } = node as SourceNode & { value?: SourceNode };
  if (type !== "Property" || nameOf(key) !== "pattern") return false;
  return value?.type !== "Identifier" || node.shorthand !== true;
}

/** `RegExp(…)`, and the methods of strings that make one of a string. */
function makesPattern({ type, callee, arguments: given }: SourceNode): boolean {
  if (type !== "NewExpression" && type !== "CallExpression") return false;
  if (nameOf(callee) === "RegExp") return true;
  const method = nameOf((callee as { property?: unknown }).property);
  if (method !== "match" && method !== "matchAll" && method !== "search") return false;
  const [first] = given as readonly (SourceNode & { regex?: unknown })[];
  return first !== undefined && first.regex === undefined && /Literal$/.test(first.type);
}

/** Why this pattern can take more than a time in proportion to the text; empty where it cannot. */
export function superLinear({ source, flags }: Pick<FoundPattern, "source" | "flags">): string[] {
  const unbounded = source.replace(/\{(\d{1,9}),(\d{1,9})\}/g, (range, least, most) =>
    Number(most) > REPETITIONS_MAX ? `{${least},}` : range,
  );
  const { reports, parsed } = analyse({ source: unbounded, flags });
  const told = reports.map((report) => {
    if (report.type === "Trade") {
      return `${report.startQuant.raw} and ${report.endQuant.raw} take the same characters`;
    }
    return `${report.quant.raw} ${report.type === "Self" ? "repeats itself" : "begins anew at each place"}`;
  });
  return [...told, ...choices(parsed), ...restarts(parsed)];
}

/** `(?:a|a)*`: what is repeated can be read in two ways each time, in 2, 4, 8 … ways as a whole. */
function choices({ pattern, flags }: ParsedLiteral): string[] {
  const found: string[] = [];
  for (const quantifier of nodesOf(pattern)) {
    if (!isUnbounded(quantifier)) continue;
    for (const node of nodesOf(quantifier.element)) {
      if (!("alternatives" in node) || node.type === "ClassStringDisjunction") continue;
      const firsts = node.alternatives.map((one) => getFirstConsumedChar(one, "ltr", flags).char);
      const overlap = firsts.some((one, index) =>
        firsts.slice(index + 1).some((other) => !one.isDisjointWith(other)),
      );
      if (overlap) found.push(`alternatives in ${quantifier.raw} begin with the same characters`);
    }
  }
  return found;
}

/**
 * `<!--[\s\S]*?-->` over a text of nothing but beginnings: each of them is read to the end of the text. That is so
 * where what is repeated takes what comes before it, and what comes after it may be missing.
 */
function restarts({ pattern, flags }: ParsedLiteral): string[] {
  if (flags.sticky) return [];
  const found: string[] = [];
  for (const quantifier of nodesOf(pattern)) {
    if (!isUnbounded(quantifier)) continue;
    const { before, after } = surroundings(quantifier);
    const isAnchored = before.some((one) => one.type === "Assertion" && one.kind === "start");
    const consumes = before.some((one) => !isPotentiallyZeroLength(one, flags));
    if (isAnchored || !consumes || after.every((one) => isPotentiallyEmpty(one, flags))) continue;
    const { chars } = getConsumedChars(quantifier.element, flags);
    const takes = (element: AST.Element): boolean => {
      switch (element.type) {
        case "Character":
        case "CharacterSet":
        case "CharacterClass":
          return !toCharSet(element as AST.Character, flags).isDisjointWith(chars);
        case "Group":
        case "CapturingGroup":
          return element.alternatives.some(({ elements }) => elements.every(takes));
        case "Quantifier":
          return element.min === 0 || takes(element.element);
        default:
          return true;
      }
    };
    if (before.every(takes)) found.push(`${quantifier.raw} takes what the pattern begins with`);
  }
  return found;
}

function isUnbounded(node: AST.Node): node is AST.Quantifier {
  return node.type === "Quantifier" && node.max === Number.POSITIVE_INFINITY;
}

/** The node and all in it that matches; characters of classes are left out. */
function* nodesOf(node: AST.Node): Generator<AST.Node> {
  yield node;
  if (node.type === "Quantifier") yield* nodesOf(node.element);
  else if ("alternatives" in node) for (const one of node.alternatives) yield* nodesOf(one);
  else if (node.type === "Alternative") for (const one of node.elements) yield* nodesOf(one);
}

/** What a match goes through before and after it, besides what repeats it. */
function surroundings(quantifier: AST.Quantifier) {
  const before: AST.Element[] = [];
  const after: AST.Element[] = [];
  for (let node: AST.Node = quantifier; node.parent; node = node.parent) {
    if (node.parent.type !== "Alternative") continue;
    const { elements } = node.parent;
    const index = elements.indexOf(node as AST.Element);
    before.unshift(...elements.slice(0, index));
    after.push(...elements.slice(index + 1));
  }
  return { before, after };
}
