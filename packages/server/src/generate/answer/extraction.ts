/**
 * From a model's answer to code. The model is asked for one JSON object of code, safety and
 * explanation; this reads that, and whatever else models answer instead. It never decides that
 * something is Python: it hands over readings, and the sandbox's own Python picks the first it can parse.
 */

import { readings, stripTemplates } from "./clean.js";
import { findCode } from "./code-blocks.js";
import { readLenient } from "./lenient-json.js";
import { parseJson, readStrictly, withoutJsonFence } from "./strict-json.js";

export type Verdict = "safe" | "caution" | "unsafe";

export interface ExtractedAnswer {
  /** Readings of the code, the likeliest first; empty when there is none. */
  readonly candidates: readonly string[];
  readonly explanation: string | null;
  /** What the model itself says about its code. Advice. */
  readonly verdict: Verdict | null;
  readonly safety: string | null;
  /** The code has no end: the answer was cut off within it. */
  readonly codeIsOpen: boolean;
  /** The answer is a refusal in words. */
  readonly refuses: boolean;
}

const CODE_KEYS = [
  "code",
  "python_code",
  "python",
  "generated_code",
  "source",
  "script",
  "program",
];
const WRAPPER_KEYS = [
  ...["answer", "result", "response", "output", "data", "arguments", "parameters", "input"],
  ...["function", "tool_call", "properties", "message", "content"],
];
const EXPLANATION_KEYS = ["explanation", "description", "summary", "comment", "reasoning"];
const SAFETY_KEYS = ["safety", "safety_assessment", "security", "validation", "validation_result"];
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...CODE_KEYS,
  ...EXPLANATION_KEYS,
  ...SAFETY_KEYS,
  ...["verdict", "reasons", "is_safe", "safe", "language", "filename"],
]);
const CANDIDATES_MAX = 6;
/** Answers are bounded by tokens already; these bound what an odd one costs us, thoughts included and without. */
const ANSWER_CHARACTERS_MAX = 400_000;
const SAID_CHARACTERS_MAX = 65_536;
const OBJECTS_TRIED_MAX = 12;
/** By all tries together: an object without an end is read up to the end of the answer. */
const CHARACTERS_READ_MAX = 3 * SAID_CHARACTERS_MAX;
const EXPLANATION_CHARACTERS_MAX = 4000;

export function extractAnswer(answer: string): ExtractedAnswer {
  const text = saidIn(answer);
  const object = findObject(text);
  const said = object ? assess(object.fields) : NOTHING_SAID;
  const code = object && codeIn(object.fields);
  if (code !== undefined && code.trim() !== "") {
    const candidates = readings(code);
    return { ...said, candidates, codeIsOpen: object?.openString === code, refuses: false };
  }
  // An object about the code, and the code itself somewhere else.
  const rest = object ? text.slice(0, object.start) + text.slice(object.end) : text;
  const found = findCode(rest);
  const candidates = firstReadings(found.pieces);
  const prose = found.prose.trim().slice(0, EXPLANATION_CHARACTERS_MAX);
  const explanation = said.explanation ?? (prose === "" ? null : prose);
  const refuses =
    candidates.length === 0 && (said.verdict === "unsafe" || REFUSAL.test(explanation ?? text));
  return { ...said, explanation, candidates, codeIsOpen: found.open, refuses };
}

/** A JSON object with one of `keys` in an answer, for those who ask something else than code. */
export function extractFields(
  answer: string,
  keys: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  return findObject(saidIn(answer), new Set([...KNOWN_KEYS, ...keys]))?.fields;
}

const REFUSAL =
  /\b(?:(?:I|we)(?:'m| am|\u2019m)? (?:sorry|unable|not able|cannot|can't|can\u2019t|won't|won\u2019t|must decline|have to decline|don't feel comfortable)|(?:can|will) ?not (?:help|assist|provide|comply|do that)|as an AI|against (?:my|our|the) (?:guidelines|polic))/i;

interface FoundObject {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly start: number;
  readonly end: number;
  readonly openString: string | undefined;
}

/** The first object with something we look for in it; else the first with any field. */
function findObject(text: string, keys: ReadonlySet<string> = KNOWN_KEYS): FoundObject | undefined {
  const whole = parseStrictly(text);
  if (whole) return { fields: whole, start: 0, end: text.length, openString: undefined };
  const starts = text.matchAll(
    /\{\s*["'`\u201c\u2018]?[A-Za-z_][\w -]{0,40}["'`\u201d\u2019]?\s*:/g,
  );
  let other: FoundObject | undefined;
  let tried = 0;
  let charactersRead = 0;
  let after = 0;
  for (const { index } of starts) {
    if (index < after) continue;
    if (++tried > OBJECTS_TRIED_MAX || charactersRead > CHARACTERS_READ_MAX) break;
    const strict = readStrictly(text, index);
    const { value, end, openString } = strict
      ? { ...strict, openString: undefined }
      : readLenient(text, index, keys);
    charactersRead += end - index;
    const fields = unwrap(value);
    if (!fields) continue;
    const found = { fields, start: index, end, openString };
    if (codeIn(fields) !== undefined) return found;
    // A dict in a program is no answer; an object that talks about safety is.
    if (Object.keys(fields).some((key) => keys.has(key))) {
      other ??= found;
      after = end;
    }
  }
  return other;
}

function parseStrictly(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(withoutJsonFence(text));
  // A whole answer in one more layer of quotes.
  return unwrap(typeof value === "string" ? parseJson(value) : value);
}

/** The object that has the fields, out of what is put around it: lists, tool calls, "answer". */
function unwrap(value: unknown, depth = 0): Readonly<Record<string, unknown>> | undefined {
  if (depth > 4) return undefined;
  if (Array.isArray(value)) {
    for (const item of value) {
      const inner = unwrap(item, depth + 1);
      if (inner) return inner;
    }
    return undefined;
  }
  if (typeof value === "string") {
    if (!value.trimStart().startsWith("{")) return undefined;
    const inner = readLenient(value, value.indexOf("{"), KNOWN_KEYS).value;
    return unwrap(inner, depth + 1);
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  if (codeIn(fields) !== undefined) return fields;
  for (const key of WRAPPER_KEYS) {
    const inner = key in fields ? unwrap(fields[key], depth + 1) : undefined;
    if (inner && codeIn(inner) !== undefined) return { ...fields, ...inner };
  }
  return fields;
}

function codeIn(fields: Readonly<Record<string, unknown>>): string | undefined {
  for (const key of CODE_KEYS) {
    const value = fields[key];
    if (typeof value === "string") return value;
    if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string")) {
      return value.join("\n");
    }
  }
  return undefined;
}

type Assessment = Pick<ExtractedAnswer, "explanation" | "verdict" | "safety">;
const NOTHING_SAID: Assessment = { explanation: null, verdict: null, safety: null };

function assess(fields: Readonly<Record<string, unknown>>): Assessment {
  const explanation = firstText(fields, EXPLANATION_KEYS);
  const said = SAFETY_KEYS.map((key) => fields[key]).find((value) => value !== undefined);
  if (typeof said === "string") return { explanation, verdict: verdictOf(said), safety: said };
  const nested = (typeof said === "object" && said !== null ? said : fields) as typeof fields;
  const flag = [said, nested["is_safe"], nested["safe"]].find((one) => typeof one === "boolean");
  const word = nested["verdict"] ?? nested["status"] ?? nested["level"] ?? nested["rating"];
  const verdict =
    typeof word === "string"
      ? verdictOf(word)
      : flag === undefined
        ? null
        : flag
          ? "safe"
          : "unsafe";
  const reasons = nested["reasons"] ?? nested["issues"] ?? nested["concerns"];
  const listed = Array.isArray(reasons) ? reasons.filter((one) => typeof one === "string") : [];
  const safety =
    firstText(nested, ["summary", "assessment", "reason"]) ?? (listed.join(" ") || null);
  return { explanation, verdict, safety: nested === fields && !verdict ? null : safety };
}

/** Only a verdict by itself counts: a sentence about danger may well say that there is none. */
function verdictOf(text: string): Verdict | null {
  const word = text.trim().toLowerCase().replace(/[.!]$/, "");
  if (/^(?:safe|secure|ok|approved?|pass(?:ed)?|low(?: risk)?)$/.test(word)) return "safe";
  if (/^(?:caution|warn(?:ing)?|medium(?: risk)?|review)$/.test(word)) return "caution";
  if (/^(?:unsafe|insecure|dangerous|malicious|reject(?:ed)?|denied|high(?: risk)?)$/.test(word)) {
    return "unsafe";
  }
  return null;
}

function firstText(fields: Readonly<Record<string, unknown>>, keys: readonly string[]) {
  for (const key of keys) {
    const value = fields[key];
    if (typeof value === "string" && value.trim() !== "") {
      return value.trim().slice(0, EXPLANATION_CHARACTERS_MAX);
    }
  }
  return null;
}

/** Of so many pieces as there is room for: an answer may have thousands. */
function firstReadings(pieces: readonly string[]): string[] {
  const found = new Set<string>();
  for (const piece of pieces) {
    for (const reading of readings(piece)) found.add(reading);
    if (found.size >= CANDIDATES_MAX) break;
  }
  return [...found].slice(0, CANDIDATES_MAX);
}

function saidIn(answer: string): string {
  return stripTemplates(answer.slice(0, ANSWER_CHARACTERS_MAX)).slice(0, SAID_CHARACTERS_MAX);
}
