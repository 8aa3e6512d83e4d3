/**
 * Bounds what large answers hold while their clients do not take them. When the common room is used up, the oldest
 * answer of the key that holds most is cut off, so no key loses an answer to others.
 */

import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { SharedRoom } from "../../sessions/shared-room.js";

/** Smaller ones are bounded by the number of connections. */
const LARGE_CHARACTERS = 64 * 1024;
/** In memory each takes about twice as much while it is written. */
const CHARACTERS_MAX = 256 * 2 ** 20;

export class UnreadAnswers {
  /** What is held, and who has not taken it yet: bytes that are sent to many are there once. */
  readonly #room: SharedRoom<object>;
  readonly #takers = new Map<object, Set<ServerResponse>>();
  readonly #heldBy = new Map<ServerResponse, object>();
  readonly #watched = new WeakSet<ServerResponse>();

  constructor(charactersMax: number) {
    this.#room = new SharedRoom({
      sizeMax: charactersMax,
      onGiven: (held) => this.#cutOff(held),
      // It has had no time to be read.
      keepsLatest: true,
    });
  }

  get characters(): number {
    return this.#room.size;
  }

  /**
   * So much has been, or is just being, handed to a response; it holds that until free() or its end. `shared` is
   * what others hold as well.
   */
  hold(response: ServerResponse, owner: string, characters: number, shared?: object): void {
    if (response.destroyed) return;
    this.free(response);
    if (!this.#watched.has(response)) response.once("close", () => this.free(response));
    this.#watched.add(response);
    const held = shared ?? response;
    const takers = this.#takers.get(held) ?? new Set();
    this.#takers.set(held, takers.add(response));
    this.#heldBy.set(response, held);
    this.#room.hold(held, owner, characters);
  }

  /** It has been taken. */
  free(response: ServerResponse): void {
    const held = this.#heldBy.get(response);
    if (held === undefined) return;
    this.#heldBy.delete(response);
    const takers = this.#takers.get(held);
    takers?.delete(response);
    if (takers && takers.size > 0) return;
    this.#takers.delete(held);
    this.#room.free(held);
  }

  #cutOff(held: object): void {
    for (const response of this.#takers.get(held) ?? []) response.destroy();
  }
}

const unread = new UnreadAnswers(CHARACTERS_MAX);

/** For everything of this length that is handed to a response and may stay there; others may be handed it as well. */
export function holdWhileUnread(
  { raw, request }: FastifyReply,
  length: number,
  shared?: object,
): void {
  if (length < LARGE_CHARACTERS) return;
  unread.hold(raw, request.principal?.id ?? "", length, shared);
}

/** A client that reads nothing of a stream for so long has gone, and must not keep its source open. */
const STALLED_MS = 60_000;

/** For each answer that is a stream. */
export function endWhenStalled({ raw }: FastifyReply): void {
  raw.setTimeout(STALLED_MS, () => raw.destroy());
}

/** What was held has been taken. */
export function wasRead(response: ServerResponse): void {
  unread.free(response);
}
