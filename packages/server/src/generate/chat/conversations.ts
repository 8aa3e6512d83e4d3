/**
 * What was said in the sessions' chats, so that a message can continue one. Bounded in messages and bytes, for
 * each session and over all; images go first, then the oldest turns, then the oldest conversations of who
 * holds most.
 */

import { sessionKey } from "../../sessions/caller.js";
import { weighJson } from "../../sessions/json-bytes.js";
import { SharedRoom } from "../../sessions/shared-room.js";
import type { ChatMessage } from "./parts.js";

const MESSAGES_MAX = 200;
const BYTES_MAX = 8 * 2 ** 20;
const ALL_BYTES_MAX = 128 * 2 ** 20;
/** A message is never less than this. */
const MESSAGE_BYTES = 500;

export class Conversations {
  readonly #conversations = new Map<string, readonly ChatMessage[]>();
  /** Sessions whose chats are told pictures in words. */
  readonly #blind = new Set<string>();
  readonly #room: SharedRoom<string>;

  constructor(allBytesMax = ALL_BYTES_MAX) {
    this.#room = new SharedRoom({
      sizeMax: allBytesMax,
      onGiven: (name) => this.#drop(name),
      keepsLatest: false,
    });
  }

  get bytes(): number {
    return this.#room.size;
  }

  messages(owner: string, sessionId: string): readonly ChatMessage[] {
    return this.#conversations.get(sessionKey(owner, sessionId)) ?? [];
  }

  /** Whether the model's server has refused pictures in this chat. */
  picturesRefused(owner: string, sessionId: string): boolean {
    return this.#blind.has(sessionKey(owner, sessionId));
  }

  /** In place of what was said before. */
  keep(
    owner: string,
    sessionId: string,
    messages: readonly ChatMessage[],
    { picturesRefused = false } = {},
  ): void {
    const name = sessionKey(owner, sessionId);
    if (picturesRefused) this.#blind.add(name);
    const kept = fit(messages);
    this.#conversations.set(name, kept.messages);
    this.#room.hold(name, owner, kept.bytes);
  }

  /** Whether there was anything to forget. */
  forget(owner: string, sessionId: string): boolean {
    const name = sessionKey(owner, sessionId);
    this.#room.free(name);
    return this.#drop(name);
  }

  #drop(name: string): boolean {
    this.#blind.delete(name);
    return this.#conversations.delete(name);
  }
}

function fit(all: readonly ChatMessage[]): { messages: readonly ChatMessage[]; bytes: number } {
  let messages = all.slice(-MESSAGES_MAX);
  const weights = messages.map(weigh);
  let bytes = weights.reduce((sum, weight) => sum + weight, 0);
  for (let index = 0; bytes > BYTES_MAX && index < messages.length; index++) {
    const message = messages[index] as ChatMessage;
    const bare = { ...message, parts: message.parts.filter(({ type }) => type !== "file") };
    messages[index] = bare;
    bytes += weigh(bare) - (weights[index] ?? 0);
    weights[index] = weigh(bare);
  }
  let first = 0;
  while (first < messages.length && bytes > BYTES_MAX) bytes -= weights[first++] ?? 0;
  // A conversation begins with what a user says.
  while (first < messages.length && messages[first]?.role === "assistant") {
    bytes -= weights[first++] ?? 0;
  }
  messages = messages.slice(first);
  return { messages, bytes };
}

/** Of messages that are kept, which do not change any more. */
const known = new WeakMap<ChatMessage, number>();

function weigh(message: ChatMessage): number {
  const weight = known.get(message) ?? MESSAGE_BYTES + weighJson(message);
  known.set(message, weight);
  return weight;
}
