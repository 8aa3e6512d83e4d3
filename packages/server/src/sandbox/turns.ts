/**
 * Work that takes milliseconds is spread over turns of the event loop. Attackers can arrange that
 * fifty large frames, or fifty large answers, come due in the same instant; done in one turn, they
 * would hold up everybody's small requests for seconds.
 */

import type { Readable } from "node:stream";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";

/** How much heavy reading one turn may hold. A chunk that was begun is read to its end. */
const TURN_MS = 5;
/** Less is not worth the counting. */
const COUNTED_MS = 0.2;

/** Gives turns of the event loop, one after the other. Kinds of work that each have their own do not wait for one another. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves in a turn that nobody else gets of these. In the order of asking. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => nextTurn());
    return this.#last;
  }
}

export interface BytesInTimeOptions {
  /** So many are taken at once after a while in which none were. */
  readonly atOnce: number;
  readonly perMs: number;
}

/**
 * Lets bytes be taken up to a rate, by whoever comes, and lets those who are beyond it wait in the order of their coming.
 * Below the rate nobody waits, and above it there is time left for everything else that the event loop does.
 */
export class BytesInTime {
  readonly #options: BytesInTimeOptions;
  #room: number;
  #filledAt = performance.now();

  constructor(options: BytesInTimeOptions) {
    this.#options = options;
    this.#room = options.atOnce;
  }

  /** So many were taken. Whoever is given a promise takes no more before it resolves. */
  take(bytes: number): Promise<void> | undefined {
    const now = performance.now();
    const { atOnce, perMs } = this.#options;
    this.#room = Math.min(atOnce, this.#room + (now - this.#filledAt) * perMs) - bytes;
    this.#filledAt = now;
    return this.#room < 0 ? delay(-this.#room / perMs) : undefined;
  }
}

const heavy = new Turns();
let spentMs = 0;

/** Resolves in a turn that no other large piece of work gets. In the order of asking. */
export function turnOfOnesOwn(): Promise<void> {
  return heavy.next();
}

/** Stops the reading of one stream, and lets it go on. */
export interface ReadingControl {
  /** Something that has come waits for its turn, or is being taken. */
  readonly isBusy: boolean;
  pause(): void;
  resume(): void;
}

/**
 * Hand a stream's chunks to `onChunk`. Chunks that `isHeavy` wait for a turn of their own when the
 * present one is spent; light ones never wait. The next one is handed over when the promise for one, if there
 * is any, has resolved. The order of a stream's chunks and its end stays.
 */
export function readInTurns(
  stream: Readable,
  isHeavy: (chunk: Buffer) => boolean,
  onChunk: (chunk: Buffer) => Promise<void> | undefined,
): ReadingControl {
  let invited = false;
  // There are two reasons to stand still, and only when neither holds is there more to read.
  let waitsForTurn = false;
  let paused = false;
  const waitFor = (turn: Promise<void>) => {
    stream.pause();
    waitsForTurn = true;
    void turn.then(() => {
      waitsForTurn = false;
      if (!paused) stream.resume();
    });
  };
  stream.on("data", (chunk: Buffer) => {
    if (!invited && spentMs > TURN_MS && isHeavy(chunk)) {
      const turn = turnOfOnesOwn().then(() => {
        invited = true;
      });
      waitFor(turn);
      stream.unshift(chunk);
      return;
    }
    invited = false;
    const startedAt = performance.now();
    const unfinished = onChunk(chunk);
    spend(performance.now() - startedAt);
    if (unfinished) waitFor(unfinished);
  });
  return {
    get isBusy() {
      return waitsForTurn;
    },
    pause: () => {
      paused = true;
      stream.pause();
    },
    resume: () => {
      paused = false;
      if (!waitsForTurn) stream.resume();
    },
  };
}

function spend(ms: number): void {
  if (ms < COUNTED_MS) return;
  if (spentMs === 0) setImmediate(() => (spentMs = 0));
  spentMs += ms;
}
