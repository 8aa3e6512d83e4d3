/**
 * What was said in the sessions' chats, so that a message can continue one. Bounded in messages and bytes, for
 * each session and over all; images go first, then the oldest turns, then the oldest conversations.
 */

import type { ChatMessage } from "./messages.js";

const MESSAGES_MAX = 200;
const BYTES_MAX = 8 * 2 ** 20;
const ALL_BYTES_MAX = 128 * 2 ** 20;
/** A message is never less than this. */
const MESSAGE_BYTES = 500;

interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly bytes: number;
}

export class Conversations {
  /** The one that was used last comes last. */
  readonly #conversations = new Map<string, Conversation>();
  readonly #allBytesMax: number;
  #bytes = 0;

  constructor(allBytesMax = ALL_BYTES_MAX) {
    this.#allBytesMax = allBytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  messages(owner: string, sessionId: string): readonly ChatMessage[] {
    return this.#conversations.get(nameOf(owner, sessionId))?.messages ?? [];
  }

  /** In place of what was said before. */
  keep(owner: string, sessionId: string, messages: readonly ChatMessage[]): void {
    this.forget(owner, sessionId);
    const kept = fit(messages);
    this.#conversations.set(nameOf(owner, sessionId), kept);
    this.#bytes += kept.bytes;
    for (const [name, { bytes }] of this.#conversations) {
      if (this.#bytes <= this.#allBytesMax) break;
      this.#conversations.delete(name);
      this.#bytes -= bytes;
    }
  }

  /** Whether there was anything to forget. */
  forget(owner: string, sessionId: string): boolean {
    const name = nameOf(owner, sessionId);
    const there = this.#conversations.get(name);
    this.#bytes -= there?.bytes ?? 0;
    return this.#conversations.delete(name);
  }
}

/** Neither owners nor ids have a slash. */
function nameOf(owner: string, sessionId: string): string {
  return `${owner}/${sessionId}`;
}

function fit(all: readonly ChatMessage[]): Conversation {
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
  const weight = known.get(message) ?? MESSAGE_BYTES + JSON.stringify(message).length;
  known.set(message, weight);
  return weight;
}
