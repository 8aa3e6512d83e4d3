/**
 * Bounds what large answers hold while their clients do not take them. When the room of all is used up, the
 * answer that has waited longest of whoever holds most is cut off: nobody loses an answer by what others leave
 * unread.
 */

import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { SharedRoom } from "../sessions/shared-room.js";

/** Smaller ones are bounded by the number of connections. */
const LARGE_CHARACTERS = 64 * 1024;
/** In memory each takes about twice as much while it is written. */
const CHARACTERS_MAX = 256 * 2 ** 20;

export class UnreadAnswers {
  readonly #room: SharedRoom<ServerResponse>;
  readonly #watched = new WeakSet<ServerResponse>();

  constructor(charactersMax: number) {
    this.#room = new SharedRoom({
      sizeMax: charactersMax,
      onGiven: (response) => response.destroy(),
      // It has had no time to be read.
      keepsLatest: true,
    });
  }

  get characters(): number {
    return this.#room.size;
  }

  /** So much has been, or is just being, handed to a response; it holds that until free() or its end. */
  hold(response: ServerResponse, owner: string, characters: number): void {
    if (response.destroyed) return;
    if (!this.#watched.has(response)) response.once("close", () => this.free(response));
    this.#watched.add(response);
    this.#room.hold(response, owner, characters);
  }

  /** It has been taken. */
  free(response: ServerResponse): void {
    this.#room.free(response);
  }
}

const unread = new UnreadAnswers(CHARACTERS_MAX);

/** For everything of this length that is handed to a response and may stay there. */
export function holdWhileUnread({ raw, request }: FastifyReply, length: number): void {
  if (length < LARGE_CHARACTERS) return;
  unread.hold(raw, request.principal?.id ?? "", length);
}

/** What was held has been taken. */
export function wasRead(response: ServerResponse): void {
  unread.free(response);
}
