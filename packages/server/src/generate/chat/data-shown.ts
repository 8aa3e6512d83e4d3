/**
 * What charts and tables show, as JSON for a model, which sees no picture or wants the numbers. What is long is told by
 * points that lie evenly between the first and the last, and says how many are not there. A guest's data may be of
 * any size and form, so no more of it is looked at than can be told.
 */

import { imageIn, type MimeBundle } from "../../mime.js";
import { weighJson } from "../../sessions/json-bytes.js";
import { type Output, textOfBundle } from "../../sessions/outputs.js";

const DATA_TYPES = ["application/vnd.glovebox.chart+json", "application/vnd.glovebox.table+json"];
/** Of one chart or table. */
export const DATA_CHARACTERS_MAX = 4000;
/** Of all: some three thousand tokens. */
export const ALL_DATA_CHARACTERS_MAX = 12_000;
/** With less room than this nothing is worth telling. */
const DATA_CHARACTERS_MIN = 400;
const TEXT_CHARACTERS_MAX = 200;
const DEPTH_MAX = 12;
/** Entries of each list; the most that fit are told. */
const LENGTHS = [2, 3, 4, 6, 8, 12, 18, 25, 35, 50, 70, 100, 150, 250];

/** In order; the last says where there was no room for others. Each is JSON. */
export function dataShown(outputs: readonly Output[]): string[] {
  const texts: string[] = [];
  let left = ALL_DATA_CHARACTERS_MAX;
  let untold = 0;
  for (const output of outputs) {
    if (!("data" in output)) continue;
    for (const value of valuesIn(output.data)) {
      const most = Math.min(DATA_CHARACTERS_MAX, left - DATA_CHARACTERS_MIN);
      const text = most < DATA_CHARACTERS_MIN ? undefined : asBoundedJson(value, most);
      if (text === undefined) untold++;
      else texts.push(text);
      left -= text?.length ?? 0;
    }
  }
  if (untold > 0) texts.push(JSON.stringify({ left_out: { "charts and tables": untold } }));
  return texts;
}

function valuesIn(data: MimeBundle): unknown[] {
  const values = DATA_TYPES.map((type) => data[type]).filter((value) => value !== undefined);
  if (values.length > 0 || imageIn(data)?.mimeType !== "image/svg+xml") return values;
  // No model takes it as a picture.
  const [words = ""] = textOfBundle(data, "name").split("\n");
  return [{ image: words }];
}

/** Undefined for what cannot be told in so few characters. */
export function asBoundedJson(value: unknown, charactersMax: number): string | undefined {
  if (weighJson(value, 2 * charactersMax) <= charactersMax) {
    const text = JSON.stringify(value) ?? "null";
    if (text.length <= charactersMax) return text;
  }
  let best: string | undefined;
  // Few tries: each may meet an object of any number of names, all of which are made before the first is seen.
  for (let low = 0, high = LENGTHS.length - 1; low <= high; ) {
    const middle = (low + high) >> 1;
    const text = sampledJson(value, LENGTHS[middle] ?? 2, charactersMax);
    best = text ?? best;
    if (text === undefined) high = middle - 1;
    else low = middle + 1;
  }
  return best;
}

function sampledJson(value: unknown, length: number, charactersMax: number): string | undefined {
  const sampler = new Sampler(length, charactersMax);
  const sampled = sampler.sample(value, 0);
  if (sampler.isSpent) return undefined;
  const text = JSON.stringify(sampled) ?? "null";
  return text.length <= charactersMax ? text : undefined;
}

class Sampler {
  readonly #length: number;
  #charactersLeft: number;

  constructor(length: number, charactersMax: number) {
    this.#length = length;
    this.#charactersLeft = charactersMax;
  }

  /** Whether it has come to more than may be told; then nothing of it counts. */
  get isSpent(): boolean {
    return this.#charactersLeft < 0;
  }

  sample(value: unknown, depth: number): unknown {
    this.#charactersLeft--;
    if (this.isSpent) return null;
    if (typeof value === "string") return this.#text(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth === DEPTH_MAX) return "…";
    if (Array.isArray(value)) return this.#list(value, value.length, depth);
    return this.#fields(value as Readonly<Record<string, unknown>>, depth);
  }

  #text(text: string): string {
    const short = text.slice(0, TEXT_CHARACTERS_MAX).toWellFormed();
    this.#charactersLeft -= short.length;
    return text.length > TEXT_CHARACTERS_MAX ? `${short}…` : short;
  }

  /** Lists of one length, such as x and y, keep the same entries. */
  #list(list: readonly unknown[], length: number, depth: number): unknown[] {
    const shown = Math.min(length, this.#length);
    const step = shown > 1 ? (length - 1) / (shown - 1) : 0;
    const sampled: unknown[] = [];
    for (let at = 0; at < shown && !this.isSpent; at++) {
      sampled.push(this.sample(list[Math.round(at * step)], depth + 1));
    }
    return sampled;
  }

  #fields(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
    const told: Record<string, unknown> = {};
    const leftOut: Record<string, number> = {};
    for (const name in fields) {
      this.#charactersLeft -= name.length;
      if (this.isSpent) break;
      const value = fields[name];
      if (!Array.isArray(value)) {
        told[name] = this.sample(value, depth + 1);
        continue;
      }
      const list = this.#list(value, lengthIn(fields, name, value), depth + 1);
      told[name] = list;
      if (list.length < value.length) leftOut[name] = value.length - list.length;
    }
    if (Object.keys(leftOut).length > 0) told["left_out"] = leftOut;
    return told;
  }
}

/** A histogram has one edge more than bars. Once bars are missing, each has the edge at its left. */
function lengthIn(
  fields: Readonly<Record<string, unknown>>,
  name: string,
  list: readonly unknown[],
): number {
  const { heights } = fields;
  const isOfBars = name === "edges" && Array.isArray(heights) && heights.length + 1 === list.length;
  return isOfBars ? list.length - 1 : list.length;
}
