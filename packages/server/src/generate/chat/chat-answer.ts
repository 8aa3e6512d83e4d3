/** One answer of the model, read from its parts as they come. */

import { randomBytes } from "node:crypto";
import type { FinishReason, ModelMessage, TextStreamPart, ToolSet } from "ai";
import { ServiceError } from "../../errors.js";
import { makeWhole, WholeParts } from "../../sandbox/whole-text.js";
import { charactersTold } from "../pictures.js";
import type { ChatChunk } from "./chunks.js";
import type { ChatPart, TextPart } from "./parts.js";
import { chatTools, readCall, type ToolCall } from "./tools.js";

export interface CalledTool {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
  /** Whether there is a tool of this name. */
  readonly isOffered: boolean;
  /** Or what is wrong with it. */
  readonly call: ToolCall | string;
}

const CALLS_MAX = 16;
const CALL_ID_LENGTH = 9;
const NAME_CHARACTERS_MAX = 64;
const CHARACTERS_PER_TOKEN = 4;
const ARGUMENTS_SHOWN_MAX = 500;

export class ChatAnswer {
  readonly #step: number;
  readonly #texts = new Map<string, TextPart>();
  /** By what they are parts of. */
  readonly #parts = new Map<string, WholeParts>();
  readonly #callIds = new Map<string, string>();
  readonly #calls: CalledTool[] = [];
  #said: ChatPart[] | undefined;
  #reason: FinishReason = "other";
  #isComplete = false;
  #tokens: { input: number | undefined; output: number | undefined } | undefined;
  #characters = 0;
  /** Whether its beginning was told. */
  begun = false;

  constructor(step: number) {
    this.#step = step;
  }

  get calls(): readonly CalledTool[] {
    return this.#calls;
  }

  get reason(): FinishReason {
    return this.#reason;
  }

  /** Its texts are added to this list, and grow there. */
  sayTo(said: ChatPart[]): void {
    this.#said = said;
    for (const text of this.#texts.values()) said.push(text);
  }

  /** What its reader is told of a part. @throws what is told as an error */
  *read(part: TextStreamPart<ToolSet>): Generator<ChatChunk> {
    switch (part.type) {
      case "error":
        throw part.error;
      case "text-start":
        yield { type: "text-start", id: this.#idOf(part.id) };
        break;
      case "text-delta":
        yield* this.#readText(part);
        break;
      case "reasoning-delta": {
        this.#characters += part.text.length;
        const delta = this.#whole(part.type, part.id, part.text);
        yield { type: "reasoning-delta", id: this.#idOf(part.id), delta };
        break;
      }
      case "text-end":
      case "reasoning-start":
      case "reasoning-end":
        yield { type: part.type, id: this.#idOf(part.id) };
        break;
      case "tool-input-start":
        yield {
          ...{ type: "tool-input-start", toolCallId: this.#callIdOf(part.id) },
          ...nameOf(part.toolName),
        };
        break;
      case "tool-input-delta":
        this.#characters += part.delta.length;
        yield {
          ...{ type: "tool-input-delta", toolCallId: this.#callIdOf(part.id) },
          inputTextDelta: this.#whole(part.type, part.id, part.delta),
        };
        break;
      case "tool-call":
        yield this.#readCall(part);
        break;
      case "finish-step": {
        const { finishReason, rawFinishReason, usage } = part;
        this.#reason = finishReason;
        this.#isComplete = rawFinishReason !== undefined;
        this.#tokens = { input: usage.inputTokens, output: usage.outputTokens };
      }
    }
  }

  /** At its end. @throws ServiceError when nothing should be made of it */
  check(): void {
    if (!this.#isComplete) throw new ServiceError("LLM_INCOMPLETE");
    if (this.#reason === "content-filter") {
      throw new ServiceError("LLM_REFUSED", "The model's server filtered its answer.");
    }
    // Arguments that were cut off may still look whole.
    if (this.#reason === "length" && this.#calls.length > 0) {
      throw new ServiceError("LLM_ANSWER_TOO_LONG");
    }
    if (this.#characters + this.#calls.length === 0 && this.#step === 1) {
      throw new ServiceError("LLM_INCOMPLETE", "The model's answer is empty.");
    }
  }

  /** As its server counts them, or an estimate. */
  tokens(messages: readonly ModelMessage[]): { input: number; output: number } {
    const { input, output } = this.#tokens ?? {};
    return {
      input: input ?? Math.ceil(charactersTold(messages) / CHARACTERS_PER_TOKEN),
      output: output ?? Math.ceil(this.#characters / CHARACTERS_PER_TOKEN),
    };
  }

  *#readText({ id, text }: { readonly id: string; readonly text: string }): Generator<ChatChunk> {
    this.#characters += text.length;
    const delta = this.#whole("text-delta", id, text);
    this.#addText(id, delta);
    yield { type: "text-delta", id: this.#idOf(id), delta };
  }

  #whole(type: string, id: string, part: string): string {
    const name = `${type} ${id}`;
    const parts = this.#parts.get(name) ?? new WholeParts();
    this.#parts.set(name, parts);
    return parts.take(part);
  }

  #addText(id: string, text: string): void {
    const there = this.#texts.get(id);
    if (there) {
      there.text += text;
      return;
    }
    const part: TextPart = { type: "text", text };
    this.#texts.set(id, part);
    this.#said?.push(part);
  }

  #readCall(part: Extract<TextStreamPart<ToolSet>, { type: "tool-call" }>): ChatChunk {
    const toolCallId = this.#callIdOf(part.toolCallId);
    const name = nameOf(part.toolName);
    const { toolName } = name;
    const isOffered = name.dynamic === undefined;
    const input = makeWhole(part.input);
    const call =
      this.#calls.length < CALLS_MAX ? understand({ ...part, input }, toolName) : TOO_MANY;
    this.#calls.push({ toolCallId, toolName, input, isOffered, call });
    if (typeof call === "string") {
      return { type: "tool-input-error", toolCallId, ...name, input, errorText: call };
    }
    return { type: "tool-input-available", toolCallId, toolName, input };
  }

  /** Servers number the texts of each answer anew. */
  #idOf(id: string): string {
    return `${this.#step}-${id.slice(0, NAME_CHARACTERS_MAX)}`;
  }

  /**
   * Some servers number the calls of each answer anew, or give none an id, and Mistral's take no id back
   * that is not of nine letters and digits.
   */
  #callIdOf(id: string): string {
    const known = this.#callIds.get(id);
    if (known !== undefined) return known;
    const own = Array.from(randomBytes(CALL_ID_LENGTH), (byte) => (byte % 36).toString(36)).join(
      "",
    );
    this.#callIds.set(id, own);
    return own;
  }
}

const TOO_MANY = `Only ${CALLS_MAX} tools can be called at once; this one was not.`;

/** Names that were not offered are the model's own. */
function nameOf(name: string): { toolName: string; dynamic?: true } {
  if (Object.hasOwn(chatTools, name)) return { toolName: name };
  const safe = name.slice(0, NAME_CHARACTERS_MAX).replace(/[^A-Za-z0-9_-]/g, "_");
  return { toolName: safe || "unknown", dynamic: true };
}

function understand(
  { input, dynamic }: { readonly input: unknown; readonly dynamic?: boolean | undefined },
  toolName: string,
): ToolCall | string {
  if (dynamic === true && typeof input === "string" && Object.hasOwn(chatTools, toolName)) {
    return `The arguments are not valid JSON: ${input.slice(0, ARGUMENTS_SHOWN_MAX)}`;
  }
  return readCall(toolName, input);
}
