/** Compares what a program did in a sandbox with what it did without one, and says why they differ. */
import type { Failure, Outcome } from "./outcome.ts";

/**
 * `ours` is what nothing else explains. `varies`: the program prints something else each time it runs. The others
 * are why it fails, in both places or in one.
 */
export const kinds = [
  "ours",
  "varies",
  "package missing",
  "network",
  "too old for the libraries",
  "Tk",
  "data missing",
  "exits by itself",
  "limit",
  "time",
] as const;
export type Kind = (typeof kinds)[number];

export interface Judgement {
  /** `works`: both ended well with the same results. `fails alike`: both with the same error. */
  readonly verdict: "works" | "fails alike" | "differs";
  readonly kind: Kind | null;
  readonly why: string;
}

/** `again` is a second run without a sandbox, which is asked for only where the texts differ. */
export async function judge(
  inside: Outcome,
  outside: Outcome,
  again: () => Promise<Outcome>,
): Promise<Judgement> {
  if (inside.end === "time" || outside.end === "time") return timeOf(inside, outside);
  if (inside.end === "limit") return differs("limit", describe(inside.error));
  if (!isSameFailure(inside.error, outside.error)) return differentFailure(inside, outside);
  if (inside.error !== null) {
    return { verdict: "fails alike", kind: kindOf(inside.error), why: describe(inside.error) };
  }
  if (inside.pictures !== outside.pictures) {
    return differs("ours", `${inside.pictures} pictures instead of ${outside.pictures}`);
  }
  if (masked(inside.stdout) === masked(outside.stdout)) return works;
  const second = await again();
  if (isUnsteady(inside.stdout, outside.stdout, second.stdout)) {
    return { ...works, kind: "varies" };
  }
  return differs("ours", firstDifference(inside.stdout, outside.stdout));
}

const works: Judgement = { verdict: "works", kind: null, why: "" };

function differs(kind: Kind, why: string): Judgement {
  return { verdict: "differs", kind, why };
}

function timeOf(inside: Outcome, outside: Outcome): Judgement {
  const why = `inside ${inside.end}, outside ${outside.end}`;
  return { verdict: inside.end === outside.end ? "fails alike" : "differs", kind: "time", why };
}

function isSameFailure(one: Failure | null, other: Failure | null): boolean {
  if (one === null || other === null) return one === other;
  return one.name === other.name;
}

/** What fails only outside is no fault of the sandbox, but wants to be understood as much. */
function differentFailure(inside: Outcome, outside: Outcome): Judgement {
  const why = `inside ${describe(inside.error)}, outside ${describe(outside.error)}`;
  const isNamed = inside.error?.name === "NameError" && inside.error.message.includes("__file__");
  if (isNamed) return differs("exits by itself", why);
  return differs("ours", why);
}

const NETWORK =
  /urlopen|URLError|ConnectionError|Name or service not known|name resolution|Max retries|unreachable/;
const TK =
  /TclError|\$DISPLAY|no display|tkinter|headless|interactive framework|\b(?:gi|wx|PyQt\d|PySide\d|gtk)\b|Qt binding/i;
const MISSING = ["FileNotFoundError", "IsADirectoryError", "NotADirectoryError"];
const BY_ITSELF = ["SystemExit", "EOFError", "KeyboardInterrupt"];

/** Why a program fails that fails everywhere. */
export function kindOf({ name, message }: Failure): Kind {
  if (NETWORK.test(`${name}: ${message}`)) return "network";
  if (TK.test(`${name}: ${message}`)) return "Tk";
  if (name === "ModuleNotFoundError") return "package missing";
  if (name === "ImportError" && /requires|install|optional|missing/i.test(message))
    return "package missing";
  if (MISSING.includes(name)) return "data missing";
  if (BY_ITSELF.includes(name)) return "exits by itself";
  return "too old for the libraries";
}

function describe(failure: Failure | null): string {
  if (failure === null) return "ok";
  return `${failure.name}: ${failure.message}`.replace(/\s+/g, " ").slice(0, 200);
}

/** Without what differs between any two processes: addresses, folders, how long it took, blanks at the end of lines. */
export function masked(text: string): string {
  return text
    .replace(/\r/g, "\n")
    .replace(/\b0x[0-9a-f]{4,}/gi, "0x…")
    .replace(/\b\d+(?:\.\d+)? ?(?:[mnµ]?s|min|sec(?:ond)?s?)\b/g, "…s")
    .replace(/\/(?:tmp|workspace)[^\s'",:)]*/g, "/…")
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .join("\n");
}

/** Whether two runs without a sandbox differ as well, or all three in their numbers alone while those do. */
function isUnsteady(inside: string, outside: string, second: string): boolean {
  if (masked(outside) === masked(second)) return false;
  const shapes = [inside, outside, second].map((text) => new Set(shape(text)));
  const [here, ...there] = shapes as [Set<string>, Set<string>, Set<string>];
  const known = new Set(there.flatMap((one) => [...one]));
  const strange = [...here].filter((line) => !known.has(line));
  // A program that varies in its words as well can have some that neither other run had.
  const own = [...there[0]].filter((line) => !there[1].has(line));
  return strange.length <= 2 * own.length;
}

/** Lines without their numbers, the width of these, and how many of an array's stand in one line. */
function shape(text: string): string[] {
  return masked(text)
    .split("\n")
    .map((line) =>
      line
        .replace(/-?\d+(?:[.:]\d*)*(?:e[-+]?\d+)?/gi, "#")
        .replace(/\s+|[-=]{2,}/g, " ")
        .replace(/#(?: #)+/g, "#")
        .replace(/^[ [\]]+|[ [\]]+$/g, ""),
    );
}

function firstDifference(inside: string, outside: string): string {
  const [here, there] = [inside, outside].map((text) => masked(text).split("\n")) as [
    string[],
    string[],
  ];
  const line = here.findIndex((one, index) => one !== there[index]);
  const at = line === -1 ? here.length : line;
  const shown = (lines: readonly string[]) => JSON.stringify((lines[at] ?? "").slice(0, 80));
  return `line ${at + 1}: ${shown(here)} instead of ${shown(there)}`;
}
