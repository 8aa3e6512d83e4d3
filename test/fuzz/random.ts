/**
 * The one source of chance of fuzzers, soak and faults: a small generator with a seed, so that a
 * run that has found something can be run again.
 */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 1, without 1. The generator is mulberry32. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `end`, without `end`. */
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }

  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error("there is nothing to pick from");
    return choices[this.below(choices.length)] as T;
  }

  list<T>(lengthMax: number, make: () => T): T[] {
    return Array.from({ length: this.below(lengthMax + 1) }, make);
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** A seed for a generator of its own, so that one case can be run again without those before. */
  seed(): number {
    return this.below(2 ** 32);
  }
}

/** The seed that the environment names. Without one every run of the tests is the same. */
export function chosenSeed(): number {
  const given = process.env.FUZZ_SEED;
  return given === undefined ? 1 : parseSeed(given);
}

export function parseSeed(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`a seed is a whole number, and not "${text}"`);
  return Number(text);
}

/** Runs `work` and adds to its failure what is needed to see it again. */
export async function withSeed<T>(seed: number, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`with FUZZ_SEED=${seed}: ${(error as Error).message}`, { cause: error });
  }
}
