/**
 * JSON of any size without holding up everybody else: what is small is written at once, what is large piece by
 * piece in turns of the event loop, and as bytes, so that it is encoded once however many it is sent to.
 */

import { turnOfOnesOwn } from "../sandbox/turns.js";
import { endsInHalf, withWholeCharacters } from "../sandbox/whole-text.js";

/** So much takes about a millisecond to write. */
const LARGE_CHARACTERS = 100_000;
const PIECE_CHARACTERS = 64 * 1024;
/** Pieces are written for so long before others have their turn. */
const TURN_MS = 3;
/** A value is never less than this, with what separates it. */
const VALUE_CHARACTERS = 2;
const NUMBER_CHARACTERS = 6;
/** JSON.stringify recurses. A guest's messages are less deep. */
const DEPTH_MAX = 1000;

/**
 * Roughly the length of a value's JSON, without making it, or any figure from `enough` on. Infinite for what nests
 * too deep to be written.
 */
export function weighJson(value: unknown, enough = Number.POSITIVE_INFINITY): number {
  let weight = weighAlone(value);
  let level = isContainer(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return Number.POSITIVE_INFINITY;
    const inside: object[] = [];
    for (const container of level) {
      if (weight >= enough) return enough;
      weight += weighInside(container, inside, enough - weight);
    }
    level = inside;
  }
  return weight;
}

/** What a container holds but for what its containers hold, which are added to `inside`; no more than is enough. */
function weighInside(container: object, inside: object[], enough: number): number {
  let weight = 0;
  const add = (value: unknown) => {
    weight += weighAlone(value);
    if (isContainer(value)) inside.push(value);
  };
  if (Array.isArray(container)) {
    for (const item of container) {
      if (weight >= enough) return weight;
      add(item);
    }
  } else {
    for (const name in container) {
      if (weight >= enough) return weight;
      weight += VALUE_CHARACTERS + name.length;
      add((container as Record<string, unknown>)[name]);
    }
  }
  return weight;
}

function weighAlone(value: unknown): number {
  if (typeof value === "string") return VALUE_CHARACTERS + value.length;
  return typeof value === "number" ? NUMBER_CHARACTERS : VALUE_CHARACTERS;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

export function isLargeJson(value: unknown): boolean {
  return weighJson(value, LARGE_CHARACTERS) >= LARGE_CHARACTERS;
}

/** A value's JSON, with `before` and `after` around it. At once where it is small, as `weight` may tell. */
export function jsonBytes(
  value: unknown,
  before = "",
  after = "",
  weight = weighJson(value, LARGE_CHARACTERS),
): Buffer | Promise<Buffer> {
  if (weight >= LARGE_CHARACTERS) return largeJsonBytes(value, before, after);
  return Buffer.from(before + written(value) + after);
}

async function largeJsonBytes(value: unknown, before: string, after: string): Promise<Buffer> {
  const turn = new Turn();
  await turn.next();
  const buffers: Buffer[] = [];
  let text = before;
  for (const piece of piecesOf(value)) {
    text += piece;
    if (text.length >= PIECE_CHARACTERS) {
      buffers.push(Buffer.from(text));
      text = "";
    }
    if (turn.isSpent) await turn.next();
  }
  buffers.push(Buffer.from(text + after));
  return joined(buffers, turn);
}

async function joined(buffers: readonly Buffer[], turn: Turn): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(buffers.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const buffer of buffers) {
    at += buffer.copy(bytes, at);
    if (turn.isSpent) await turn.next();
  }
  return bytes;
}

class Turn {
  #beganAt = performance.now();

  get isSpent(): boolean {
    return performance.now() - this.#beganAt > TURN_MS;
  }

  async next(): Promise<void> {
    await turnOfOnesOwn();
    this.#beganAt = performance.now();
  }
}

function written(value: unknown): string {
  return withWholeCharacters(JSON.stringify(value));
}

/** Each takes a moment to make. */
function* piecesOf(value: unknown): Generator<string> {
  if (weighJson(value, PIECE_CHARACTERS) < PIECE_CHARACTERS) yield written(value);
  else if (typeof value === "string") yield* piecesOfText(value);
  else if (Array.isArray(value)) yield* piecesOfList(value);
  else yield* piecesOfFields(value as Record<string, unknown>);
}

function* piecesOfText(text: string): Generator<string> {
  yield '"';
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + PIECE_CHARACTERS, text.length);
    // A character stays together.
    if (to < text.length && endsInHalf(text.charAt(to - 1))) to--;
    yield JSON.stringify(text.slice(from, to).toWellFormed()).slice(1, -1);
    from = to;
  }
  yield '"';
}

/** Items that are small are written many at a time. */
function* piecesOfList(items: readonly unknown[]): Generator<string> {
  yield "[";
  let from = 0;
  let weight = 0;
  for (let at = 0; at < items.length; at++) {
    weight += weighJson(items[at], PIECE_CHARACTERS);
    if (weight < PIECE_CHARACTERS && at < items.length - 1) continue;
    if (from > 0) yield ",";
    if (from < at) yield `${written(items.slice(from, at)).slice(1, -1)},`;
    yield* piecesOf(items[at] ?? null);
    [from, weight] = [at + 1, 0];
  }
  yield "]";
}

function* piecesOfFields(fields: Readonly<Record<string, unknown>>): Generator<string> {
  let separator = "{";
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    if (field === undefined) continue;
    yield separator;
    yield* piecesOf(name);
    yield ":";
    yield* piecesOf(field);
    separator = ",";
  }
  yield separator === "{" ? "{}" : "}";
}
