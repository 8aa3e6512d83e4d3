/**
 * One turn of a chat: the model answers, calls tools, is told what they gave, and answers again, until it
 * is done or something is used up. Tools run only once the answer that calls them is complete, one
 * after the other, and each call once.
 */

import type { FinishReason } from "ai";
import type { ValidationPolicy } from "../../config/model-settings.js";
import { ServiceError } from "../../errors.js";
import type { ContextReader } from "../context.js";
import { DataMarks } from "../data-block.js";
import type { ModelClient } from "../model.js";
import { ModelUse } from "../model-use.js";
import { placeAttachments } from "./attachments.js";
import { type CalledTool, ChatAnswer } from "./chat-answer.js";
import type { ChatSession } from "./chat-session.js";
import type { ChatChunk, ChatUsage, EndReason } from "./chunks.js";
import { STOPPED } from "./messages.js";
import type { ChatMessage, ChatPart, ToolPart } from "./parts.js";
import { Telling, type Told } from "./telling.js";
import { type ToolEnd, ToolRunner } from "./tool-runner.js";
import { toolDefinitions } from "./tools.js";

export interface ChatRequest {
  readonly sessionId: string;
  /** Of the message that will be the answer. */
  readonly messageId: string;
  /** The last one is the user's. */
  readonly messages: readonly ChatMessage[];
  readonly stepsMax: number;
  readonly tokensMax: number;
  readonly timeMs: number;
  /** An earlier turn of the chat was told so by the model's server. */
  readonly picturesRefused: boolean;
}

export interface ChatParts {
  readonly model: ModelClient;
  readonly policy: ValidationPolicy;
  readonly session: ChatSession;
  readonly signal: AbortSignal;
  readonly context: ContextReader;
}

class BudgetSpent extends Error {}

export class ChatTurn {
  readonly #request: ChatRequest;
  readonly #parts: ChatParts;
  readonly #marks = new DataMarks();
  readonly #abort = new AbortController();
  readonly #tools: ToolRunner;
  readonly #said: ChatPart[] = [];
  readonly #modelUse = new ModelUse();
  #steps = 0;
  #begun = false;
  #picturesRefused = false;
  #endReason: EndReason | undefined;
  #failure: ServiceError | undefined;

  constructor(parts: ChatParts, request: ChatRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#picturesRefused = request.picturesRefused;
    const { session, policy } = parts;
    this.#tools = new ToolRunner({ session, policy, signal: this.#abort.signal });
  }

  /** The answer as far as it came. */
  get reply(): ChatMessage {
    return { id: this.#request.messageId, role: "assistant", parts: this.#said };
  }

  /** Undefined while it goes on, and where it failed. */
  get endReason(): EndReason | undefined {
    return this.#endReason;
  }

  /** Whether anything was told of it. */
  get begun(): boolean {
    return this.#begun;
  }

  /** What ended it before its end. */
  get failure(): ServiceError | undefined {
    return this.#failure;
  }

  /** Whether the model's server takes no pictures, as far as is known. */
  get picturesRefused(): boolean {
    return this.#picturesRefused;
  }

  get modelUse(): ModelUse {
    return this.#modelUse;
  }

  get files(): { created: string[]; modified: string[] } {
    const { filesCreated, filesModified } = this.#tools.use;
    return { created: [...filesCreated], modified: [...filesModified] };
  }

  get usage(): ChatUsage {
    return {
      steps: this.#steps,
      model_time: this.#modelUse.seconds,
      input_tokens: this.#modelUse.inputTokens,
      output_tokens: this.#modelUse.outputTokens,
      cpu_time: this.#tools.use.cpuSeconds,
      wall_time: this.#tools.use.wallSeconds,
    };
  }

  /**
   * To be read once. An error after the first chunk is the last chunk.
   * @throws ServiceError before there is any chunk
   */
  async *run(): AsyncGenerator<ChatChunk, void, undefined> {
    const { signal } = this.#parts;
    const onAbort = () => this.#abort.abort(signal.reason);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    const clock = setTimeout(() => this.#abort.abort(new BudgetSpent()), this.#request.timeMs);
    try {
      yield* this.#converse();
    } catch (error) {
      yield* this.#fail(error);
    } finally {
      clearTimeout(clock);
      signal.removeEventListener("abort", onAbort);
      // A client that stops reading wants no more of it.
      this.#abort.abort();
    }
  }

  async *#fail(error: unknown): AsyncGenerator<ChatChunk, void, undefined> {
    const reason: unknown = this.#abort.signal.aborted ? this.#abort.signal.reason : error;
    if (reason instanceof BudgetSpent && this.#begun) {
      yield this.#finish("max_seconds", "other");
      return;
    }
    const failure =
      reason instanceof BudgetSpent
        ? new ServiceError("LLM_TIMEOUT", "The model did not begin to answer within max_seconds.")
        : this.#parts.model.toServiceError(reason);
    this.#failure = failure;
    if (!this.#begun) throw failure;
    yield { type: "error", errorText: `${failure.code}: ${failure.message}` };
  }

  async *#converse(): AsyncGenerator<ChatChunk, void, undefined> {
    const { session } = this.#parts;
    const { messages: said, stepsMax, tokensMax } = this.#request;
    await session.prepare();
    const asked = said.at(-1);
    if (asked) await placeAttachments(session, asked);
    const context = await this.#parts.context.describe(session);
    const telling = new Telling({
      ...{ marks: this.#marks, facts: session, said, context },
      seesPictures: this.#parts.model.takesPictures && !this.#picturesRefused,
    });
    for (;;) {
      const { calls, reason } = yield* this.#answer(telling);
      for (const call of calls) yield* this.#call(call);
      yield { type: "finish-step" };
      if (calls.length === 0) {
        yield this.#finish(reason === "length" ? "length" : "stop", reason);
        return;
      }
      const { inputTokens, outputTokens } = this.#modelUse;
      if (inputTokens + outputTokens >= tokensMax) return yield this.#finish("max_tokens", reason);
      if (this.#steps >= stepsMax) return yield this.#finish("max_steps", reason);
    }
  }

  /** One step; asked once more, in words, where the model's server refuses pictures. */
  async *#answer(telling: Telling): AsyncGenerator<ChatChunk, ChatAnswer, undefined> {
    const step = ++this.#steps;
    for (;;) {
      const startedAt = performance.now();
      const told = telling.tell(this.#said);
      const answer = new ChatAnswer(step);
      let isCounted = true;
      this.#modelUse.calls++;
      try {
        yield* this.#listen(told, answer);
        return answer;
      } catch (error) {
        if (answer.begun || !telling.isRefused(told, error)) throw error;
        this.#picturesRefused = true;
        isCounted = false;
      } finally {
        this.#modelUse.seconds += (performance.now() - startedAt) / 1000;
        const tokens = isCounted ? answer.tokens(told.messages) : { input: 0, output: 0 };
        this.#modelUse.inputTokens += tokens.input;
        this.#modelUse.outputTokens += tokens.output;
      }
    }
  }

  async *#listen(told: Told, answer: ChatAnswer): AsyncGenerator<ChatChunk, void, undefined> {
    const { signal } = this.#abort;
    signal.throwIfAborted();
    const request = { ...told, tools: toolDefinitions, signal };
    for await (const part of await this.#parts.model.stream(request)) {
      signal.throwIfAborted();
      for (const chunk of answer.read(part)) {
        if (!answer.begun) yield* this.#begin(answer);
        yield chunk;
      }
    }
    answer.check();
    if (!answer.begun) yield* this.#begin(answer);
  }

  *#begin(answer: ChatAnswer): Generator<ChatChunk> {
    answer.begun = true;
    // Its texts are there already and grow as they come.
    if (!this.#begun) {
      this.#begun = true;
      const { messageId, sessionId } = this.#request;
      yield { type: "start", messageId, messageMetadata: { session_id: sessionId } };
    }
    this.#said.push({ type: "step-start" });
    answer.sayTo(this.#said);
    yield { type: "start-step" };
  }

  async *#call(called: CalledTool): AsyncGenerator<ChatChunk, void, undefined> {
    const { toolCallId, toolName, input, call } = called;
    const isKnown = typeof call !== "string" || called.isOffered;
    const shared = {
      type: isKnown ? `tool-${toolName}` : "dynamic-tool",
      ...(isKnown ? {} : { toolName }),
      ...{ toolCallId, input },
    };
    const place = this.#said.length;
    // Recorded as stopped until it has ended, so that whatever happens it is answered for.
    this.#said.push({ ...shared, state: "output-error", errorText: STOPPED } satisfies ToolPart);
    let end: ToolEnd;
    if (typeof call === "string") end = { problem: call };
    else {
      const running = this.#tools.run(toolCallId, call);
      for (;;) {
        const next = await running.next();
        if (next.done) {
          end = next.value;
          break;
        }
        if (next.value.type === "file") {
          const { mediaType, url } = next.value;
          this.#said.push({ type: "file", mediaType, url });
        }
        yield next.value;
      }
    }
    if ("output" in end) {
      this.#said[place] = { ...shared, state: "output-available", output: end.output };
      yield { type: "tool-output-available", toolCallId, output: end.output };
    } else {
      this.#said[place] = { ...shared, state: "output-error", errorText: end.problem };
      // What could not be called was told with its input.
      if (typeof call !== "string") {
        yield { type: "tool-output-error", toolCallId, errorText: end.problem };
      }
    }
  }

  #finish(endReason: EndReason, finishReason: FinishReason): ChatChunk {
    this.#endReason = endReason;
    const { sessionId: session_id } = this.#request;
    const messageMetadata = { session_id, end_reason: endReason, usage: this.usage };
    return { type: "finish", finishReason, messageMetadata };
  }
}
