/** A parser of text that others have written, and what it is given. */
import { ALL_FRAGMENTS, FEW_FRAGMENTS, SHORT_FRAGMENTS } from "../worst-texts.ts";

export interface ParserRow {
  readonly what: string;
  /** The modules whose patterns it runs, below packages/. */
  readonly modules: readonly string[];
  readonly charactersMax: number;
  readonly fragments: readonly string[];
  readonly beginnings: readonly string[];
  /** What it throws is its answer, and told in time as well. */
  readonly parse: (text: string) => unknown;
}

export const BODY = 6 * 2 ** 20 + 65_536;
export const NOTEBOOK_BODY = 16 * 2 ** 20;
export const HEADER = 16_384;
/** An argument of a program, as Linux bounds it. */
export const ARGUMENT = 131_072;
export const FRAME = 8 * 2 ** 20;
export const MODEL_ANSWER = 65_536;
/** As a connection gives it, or a pipe. What is a program of its own serves nobody else meanwhile. */
export const PIECE = 65_536;
export const JSON_VALUES_MAX = 400_000;

export type Row = readonly [
  what: string,
  modules: string | readonly string[],
  charactersMax: number,
  parse: (text: string) => unknown,
  beginnings?: readonly string[],
];

export interface Rows {
  /** Short enough that every fragment is tried. */
  readonly short: readonly Row[];
  /** So long that some fragments have to do. */
  readonly long: readonly Row[];
  /** Long, and looked at only. */
  readonly looked: readonly Row[];
}

export function toParsers({ short, long, looked }: Rows): ParserRow[] {
  return [
    ...short.map((row) => toParser(row, ALL_FRAGMENTS)),
    ...long.map((row) => toParser(row, SHORT_FRAGMENTS)),
    ...looked.map((row) => toParser(row, FEW_FRAGMENTS)),
  ];
}

function toParser(row: Row, fragments: readonly string[]): ParserRow {
  const [what, modules, charactersMax, parse, beginnings = [""]] = row;
  return { what, modules: [modules].flat(), charactersMax, fragments, beginnings, parse };
}
