/**
 * Bounds what large answers hold while their clients do not take them. When the room of all is used up, the
 * answer that has waited longest of whoever holds most is cut off: nobody loses an answer by what others leave
 * unread.
 */

import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";

/** Smaller ones are bounded by the number of connections. */
const LARGE_CHARACTERS = 64 * 1024;
/** In memory each takes about twice as much while it is written. */
const CHARACTERS_MAX = 256 * 2 ** 20;

interface Held {
  readonly owner: string;
  readonly characters: number;
}

export class UnreadAnswers {
  readonly #charactersMax: number;
  /** In the order in which they were written. */
  readonly #held = new Map<ServerResponse, Held>();
  readonly #watched = new WeakSet<ServerResponse>();
  readonly #owners = new Map<string, number>();
  #characters = 0;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  get characters(): number {
    return this.#characters;
  }

  /** So much has been, or is just being, handed to a response; it holds that until free() or its end. */
  hold(response: ServerResponse, owner: string, characters: number): void {
    if (response.destroyed) return;
    this.free(response);
    if (!this.#watched.has(response)) response.once("close", () => this.free(response));
    this.#watched.add(response);
    this.#held.set(response, { owner, characters });
    this.#count(owner, characters);
    while (this.#characters > this.#charactersMax && this.#held.size > 1) this.#cutOff(response);
  }

  /** It has been taken. */
  free(response: ServerResponse): void {
    const held = this.#held.get(response);
    if (!held) return;
    this.#held.delete(response);
    this.#count(held.owner, -held.characters);
  }

  /** The oldest answer of who holds most. `latest` stays: it has had no time to be read. */
  #cutOff(latest: ServerResponse): void {
    const fresh = this.#held.get(latest) as Held;
    let whose = "";
    let most = 0;
    for (const [owner, characters] of this.#owners) {
      const older = owner === fresh.owner ? characters - fresh.characters : characters;
      if (older > most) [whose, most] = [owner, older];
    }
    for (const [response, { owner }] of this.#held) {
      if (owner !== whose || response === latest) continue;
      this.free(response);
      response.destroy();
      return;
    }
  }

  #count(owner: string, characters: number): void {
    this.#characters += characters;
    const sum = (this.#owners.get(owner) ?? 0) + characters;
    if (sum === 0) this.#owners.delete(owner);
    else this.#owners.set(owner, sum);
  }
}

const unread = new UnreadAnswers(CHARACTERS_MAX);

/** For each text that is handed to a response and may stay there. */
export function holdWhileUnread({ raw, request }: FastifyReply, text: string): void {
  if (text.length < LARGE_CHARACTERS) return;
  unread.hold(raw, request.principal?.id ?? "", text.length);
}

/** Whoever reads nothing of a stream for so long has gone, and shall not keep open what is behind it. */
const STALLED_MS = 60_000;

/** For each answer that is a stream. */
export function endWhenStalled({ raw }: FastifyReply): void {
  raw.setTimeout(STALLED_MS, () => raw.destroy());
}

/** What was held has been taken. */
export function wasRead(response: ServerResponse): void {
  unread.free(response);
}
