/** The door to everything that needs a model or looks at code, for the layers above. */

import type { ValidationPolicy } from "../config/model-settings.js";
import { ServiceError } from "../errors.js";
import type { ChatSession } from "./chat/chat-session.js";
import { type ChatRequest, ChatTurn } from "./chat/chat-turn.js";
import type { ChatChunk } from "./chat/chunks.js";
import { type CodeReview, reviewCode } from "./code-review.js";
import type { CodeRunner } from "./code-runner.js";
import { ContextReader } from "./context.js";
import { type Generation, type GenerationRequest, generate } from "./generation.js";
import type { GuestScripts } from "./guest-scripts.js";
import type { ModelClient } from "./model.js";
import { ModelUse } from "./model-use.js";

export interface GeneratorOptions {
  /** Undefined when no model is set. */
  readonly model: ModelClient | undefined;
  readonly policy: ValidationPolicy;
  readonly scripts: GuestScripts;
}

export class Generator {
  readonly scripts: GuestScripts;
  readonly #model: ModelClient | undefined;
  readonly #policy: ValidationPolicy;
  readonly #context = new ContextReader();
  readonly #running = new Set<AbortController>();

  constructor({ model, policy, scripts }: GeneratorOptions) {
    this.#model = model;
    this.#policy = policy;
    this.scripts = scripts;
  }

  /** The model's name. @throws ServiceError LLM_NOT_CONFIGURED */
  requireModel(): string {
    return this.#configured().name;
  }

  /** Undefined when no model is set. */
  get modelName(): string | undefined {
    return this.#model?.name;
  }

  /** @throws ServiceError as `generate` of generation.ts, and LLM_NOT_CONFIGURED */
  generate(
    runner: CodeRunner,
    request: GenerationRequest,
    signal: AbortSignal,
  ): Promise<Generation> {
    const model = this.#configured();
    return this.#until(signal, (ended) =>
      generate(
        { model, policy: this.#policy, runner, context: this.#context, signal: ended },
        request,
      ),
    );
  }

  /** A turn of a chat, and its chunks, which begin to come when they are read. @throws ServiceError LLM_NOT_CONFIGURED */
  chat(
    session: ChatSession,
    request: ChatRequest,
    signal: AbortSignal,
  ): { readonly turn: ChatTurn; readonly chunks: AsyncGenerator<ChatChunk, void, undefined> } {
    const abort = new AbortController();
    const turn = new ChatTurn(
      {
        ...{ model: this.#configured(), policy: this.#policy, context: this.#context },
        ...{ session, signal: abort.signal },
      },
      request,
    );
    return { turn, chunks: this.#chunks(turn, abort, signal) };
  }

  async *#chunks(
    turn: ChatTurn,
    abort: AbortController,
    signal: AbortSignal,
  ): AsyncGenerator<ChatChunk, void, undefined> {
    const unlink = this.#link(abort, signal);
    try {
      yield* turn.run();
    } finally {
      unlink();
    }
  }

  /** Look at code before it runs; a model reviews it where there is one. What the model used is added to `use`. */
  review(
    runner: CodeRunner,
    code: string,
    signal: AbortSignal,
    use = new ModelUse(),
  ): Promise<CodeReview> {
    const reviewer = this.#model && { model: this.#model, use };
    return this.#until(signal, (ended) => reviewCode(runner, code, this.#policy, reviewer, ended));
  }

  /** Have a model's code in memory before the first request needs it. */
  async warm(): Promise<void> {
    await this.#model?.warm();
  }

  /** Wait for no model any longer. */
  stop(): void {
    for (const abort of this.#running) abort.abort(new ServiceError("SHUTTING_DOWN"));
  }

  #configured(): ModelClient {
    if (!this.#model) throw new ServiceError("LLM_NOT_CONFIGURED");
    return this.#model;
  }

  /** With a signal that both the caller and a stop of the server end. */
  async #until<T>(signal: AbortSignal, work: (ended: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    const unlink = this.#link(abort, signal);
    try {
      return await work(abort.signal);
    } finally {
      unlink();
    }
  }

  /** Abort it with the caller, or when the server stops. Returns what ends that. */
  #link(abort: AbortController, signal: AbortSignal): () => void {
    const onAbort = () => abort.abort(signal.reason);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    this.#running.add(abort);
    return () => {
      this.#running.delete(abort);
      signal.removeEventListener("abort", onAbort);
    };
  }
}
