/**
 * What the model is told in one turn of a chat: instructions, the conversation, and what it has done since. Pictures
 * go with it where the model takes them, until its server refuses them.
 */

import type { ModelMessage } from "ai";
import type { DataMarks } from "../data-block.js";
import { mayRefusePictures } from "../model-errors.js";
import { hasPictures, withinBounds } from "../pictures.js";
import type { SandboxFacts } from "../prompt.js";
import { instructionsToChat } from "./instructions.js";
import { instructionsIn, tellReply, toModelMessages } from "./messages.js";
import type { ChatMessage, ChatPart } from "./parts.js";

export interface Told {
  readonly system: string;
  readonly messages: readonly ModelMessage[];
}

export interface TellingOptions {
  readonly marks: DataMarks;
  readonly facts: SandboxFacts;
  readonly said: readonly ChatMessage[];
  /** What is in the sandbox. */
  readonly context: string;
  readonly seesPictures: boolean;
}

export class Telling {
  readonly #options: TellingOptions;
  #seesPictures: boolean;
  #before: readonly ModelMessage[] | undefined;

  constructor(options: TellingOptions) {
    this.#options = options;
    this.#seesPictures = options.seesPictures;
  }

  /** `reply` is the answer as far as it came. */
  tell(reply: readonly ChatPart[]): Told {
    const { marks, facts, said, context } = this.#options;
    const manner = { marks, seesPictures: this.#seesPictures };
    this.#before ??= toModelMessages(said, manner, context);
    const messages = [...this.#before, ...tellReply(reply, manner)];
    return {
      system: instructionsToChat(marks, facts, instructionsIn(said), this.#seesPictures),
      messages: this.#seesPictures ? withinBounds(messages) : messages,
    };
  }

  /** Whether the same is worth telling again, in words. */
  isRefused({ messages }: Told, error: unknown): boolean {
    if (!hasPictures(messages) || !mayRefusePictures(error)) return false;
    this.#seesPictures = false;
    this.#before = undefined;
    return true;
  }
}
