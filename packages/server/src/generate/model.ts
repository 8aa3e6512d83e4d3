/**
 * The model, by the AI SDK and an OpenAI-compatible address. The SDK's packages are loaded only where a
 * model is used: a server without one never has them in memory.
 */

import { setTimeout as delay } from "node:timers/promises";
import type {
  JSONSchema7,
  LanguageModel,
  ModelMessage,
  OutputInterface,
  TextStreamPart,
  ToolSet,
} from "ai";
import type { ModelSettings } from "../config/model-settings.js";
import { takesPictures } from "../config/model-vision.js";
import { ServiceError } from "../errors.js";
import { makeWhole } from "../sandbox/whole-text.js";
import { type Exchanger, Replay, recording } from "./exchanges.js";
import {
  mayRefusePictures,
  RETRY_AFTER_MS_DEFAULT,
  refusalOf,
  retryAfterMs,
  toServiceError,
  type UpstreamRefusal,
} from "./model-errors.js";
import { overNetwork } from "./model-fetch.js";

export interface AnswerForm {
  readonly name: string;
  readonly schema: JSONSchema7;
}

export interface ModelRequest {
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  /** The same without pictures, for a server that refuses them. */
  readonly inWords?: readonly ModelMessage[];
  /** Asked for where the model's server can hold its model to it; otherwise words have to do. */
  readonly form: AnswerForm;
  readonly signal: AbortSignal;
}

export interface Tokens {
  readonly input: number;
  readonly output: number;
}

export interface ModelAnswer {
  readonly text: string;
  /** It ended because it had LLM_MAX_TOKENS. */
  readonly cutByLength: boolean;
  /** The model or its server said in the protocol's own terms that it will not; else null. */
  readonly refusal: string | null;
  readonly tokens: Tokens;
  readonly seconds: number;
}

/** For addresses in requests only; nothing is ever sent there. */
const REPLAY_BASE_URL = "http://replay.invalid";
const RATE_LIMIT_WAITS_MAX = 2;
const RATE_LIMIT_WAIT_MS_MAX = 15_000;

/** How this server wants to be asked, learnt from what it refuses. */
interface Dialect {
  form: "json_schema" | "json_object" | "none";
  lengthField: "max_tokens" | "max_completion_tokens";
  /** Whether it can be asked to count the tokens of a stream. */
  tellsUsage: boolean;
}

/** One answer of a conversation in which the model may call tools. */
export interface StreamRequest {
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ToolDefinition[];
  readonly signal: AbortSignal;
}

export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  readonly parameters: JSONSchema7;
}

type Provided = Extract<LanguageModel, { readonly specificationVersion: "v3" }>;
type CallOptions = Parameters<Provided["doStream"]>[0];
type StreamResult = Awaited<ReturnType<Provided["doStream"]>>;

interface Sdk {
  readonly ai: typeof import("ai");
  readonly languageModel: Provided;
}

export class ModelClient {
  readonly name: string;
  readonly #settings: ModelSettings;
  readonly #apiKey: string | undefined;
  readonly #exchange: Exchanger;
  readonly #dialect: Dialect = {
    form: "json_schema",
    lengthField: "max_tokens",
    tellsUsage: true,
  };
  readonly #replay: Replay | undefined;
  #sdk: Promise<Sdk> | undefined;

  constructor(settings: ModelSettings, onRecordFailed: (error: unknown) => void) {
    const { apiKey } = settings;
    this.name = settings.model;
    this.#settings = settings;
    this.#apiKey = apiKey;
    if (settings.replayFile !== undefined) this.#replay = new Replay(settings.replayFile);
    const exchange = this.#replay?.exchange ?? overNetwork(settings.baseUrl ?? "");
    this.#exchange =
      settings.recordFile === undefined
        ? exchange
        : recording(exchange, settings.recordFile, apiKey, onRecordFailed);
  }

  /** Where answers are replayed. @throws ServiceError LLM_NOT_RECORDED, with what is wrong */
  async readRecording(): Promise<void> {
    await this.#replay?.load();
  }

  /** Whether it is shown pictures. Of answers that are replayed: whether it was, when they were recorded. */
  get takesPictures(): boolean {
    const { vision, model, baseUrl } = this.#settings;
    if (vision !== "auto") return vision === "on";
    return this.#replay?.hasPictures ?? takesPictures(model, baseUrl);
  }

  /** Load the SDK ahead of the first call. */
  async warm(): Promise<void> {
    await this.#load();
  }

  /**
   * Begin one answer of a conversation with tools. It comes as the AI SDK's parts; each has API_TIMEOUT as a whole,
   * and waits out short rate limits before it begins. What goes wrong is a part of type "error".
   */
  async stream(request: StreamRequest): Promise<AsyncIterable<TextStreamPart<ToolSet>>> {
    const { ai, languageModel } = await this.#load();
    const tools: ToolSet = Object.fromEntries(
      request.tools.map(({ name, description, parameters }) => [
        name,
        ai.tool({ description, inputSchema: ai.jsonSchema(parameters) }),
      ]),
    );
    const { fullStream } = ai.streamText({
      model: ai.wrapLanguageModel({
        model: languageModel,
        middleware: {
          specificationVersion: "v3",
          wrapStream: ({ model, params }) => this.#stream(model, params),
        },
      }),
      system: request.system,
      messages: [...request.messages],
      tools,
      maxOutputTokens: this.#settings.answerTokensMax,
      maxRetries: 0,
      abortSignal: request.signal,
      // It would be written to the terminal; the reader of the parts is told.
      onError: () => undefined,
    });
    return fullStream;
  }

  /** What the SDK threw, as an error of our table. */
  toServiceError(error: unknown): ServiceError {
    return toServiceError(error, this.#apiKey);
  }

  /**
   * One answer, whole. Waits out short rate limits.
   * @throws ServiceError of the LLM_ codes; the signal's reason when it is aborted
   */
  async complete(request: ModelRequest): Promise<ModelAnswer> {
    const startedAt = performance.now();
    const abort = new AbortController();
    const onAbort = () => abort.abort(request.signal.reason);
    request.signal.addEventListener("abort", onAbort);
    if (request.signal.aborted) onAbort();
    const { timeoutMs } = this.#settings;
    const timer = setTimeout(() => abort.abort(new ServiceError("LLM_TIMEOUT")), timeoutMs);
    try {
      const ask = (messages: readonly ModelMessage[]) =>
        this.#patiently(
          () => this.#askOnce({ ...request, messages, signal: abort.signal }),
          abort.signal,
          startedAt + timeoutMs,
        );
      const answer = await ask(request.messages).catch((error) => {
        if (!request.inWords || !mayRefusePictures(error)) throw error;
        return ask(request.inWords);
      });
      return { ...answer, seconds: (performance.now() - startedAt) / 1000 };
    } catch (error) {
      if (abort.signal.aborted) throw abort.signal.reason;
      throw this.toServiceError(error);
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", onAbort);
    }
  }

  async #stream(model: Sdk["languageModel"], call: CallOptions): Promise<StreamResult> {
    const { timeoutMs } = this.#settings;
    const abort = new AbortController();
    const onAbort = () => abort.abort(call.abortSignal?.reason);
    call.abortSignal?.addEventListener("abort", onAbort);
    if (call.abortSignal?.aborted) onAbort();
    const timer = setTimeout(() => abort.abort(new ServiceError("LLM_TIMEOUT")), timeoutMs);
    const release = () => {
      clearTimeout(timer);
      call.abortSignal?.removeEventListener("abort", onAbort);
    };
    const { signal } = abort;
    try {
      const result = await this.#patiently(
        () => model.doStream({ ...call, abortSignal: signal }),
        signal,
        performance.now() + timeoutMs,
      );
      return { ...result, stream: watched(result.stream, signal, release) };
    } catch (error) {
      release();
      throw signal.aborted ? signal.reason : error;
    }
  }

  /** Waits as long as the server asks for, and speaks the dialect that it understands. */
  async #patiently<T>(
    ask: () => PromiseLike<T>,
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<T> {
    for (let waits = 0; ; ) {
      const before = { ...this.#dialect };
      try {
        return await ask();
      } catch (error) {
        const refusal = refusalOf(error);
        if (!refusal) throw error;
        if (refusal.status === 429) {
          const waitMs = retryAfterMs(refusal.headers) ?? RETRY_AFTER_MS_DEFAULT;
          const tooLong =
            waitMs > RATE_LIMIT_WAIT_MS_MAX || performance.now() + waitMs > deadlineMs;
          if (tooLong || waits++ >= RATE_LIMIT_WAITS_MAX) throw error;
          await delay(waitMs, undefined, { signal });
        } else if (!this.#learn(refusal, before)) {
          throw error;
        }
      }
    }
  }

  /** Whether the request is worth repeating in another dialect. */
  #learn({ status, body }: UpstreamRefusal, used: Dialect): boolean {
    if (status !== 400 && status !== 422 && status !== 500) return false;
    if (/max_completion_tokens/.test(body) && used.lengthField === "max_tokens") {
      this.#dialect.lengthField = "max_completion_tokens";
      return true;
    }
    if (/stream_options|include_usage/.test(body) && used.tellsUsage) {
      this.#dialect.tellsUsage = false;
      return true;
    }
    if (/response_format|json_schema|json_object|structured|grammar|guided/i.test(body)) {
      if (used.form === "none") return false;
      this.#dialect.form = used.form === "json_schema" ? "json_object" : "none";
      return true;
    }
    return false;
  }

  async #askOnce(request: ModelRequest): Promise<Omit<ModelAnswer, "seconds">> {
    const { ai, languageModel } = await this.#load();
    const result = await ai.generateText({
      model: languageModel,
      system: request.system,
      messages: [...request.messages],
      output: asText(request.form),
      maxOutputTokens: this.#settings.answerTokensMax,
      // What is repeated, and when, is decided here.
      maxRetries: 0,
      abortSignal: request.signal,
    });
    const said = saidBeside(result.response.body);
    const filtered = result.finishReason === "content-filter";
    return makeWhole({
      text: result.text === "" ? said.toolArguments : result.text,
      cutByLength: result.finishReason === "length",
      refusal: said.refusal ?? (filtered ? "The model's server filtered its answer." : null),
      tokens: {
        input: result.usage.inputTokens ?? 0,
        output: result.usage.outputTokens ?? 0,
      },
    });
  }

  #load(): Promise<Sdk> {
    this.#sdk ??= this.#import();
    return this.#sdk;
  }

  async #import(): Promise<Sdk> {
    const [ai, { createOpenAICompatible }] = await Promise.all([
      import("ai"),
      import("@ai-sdk/openai-compatible"),
    ]);
    // It would write to the terminal, past our log.
    globalThis.AI_SDK_LOG_WARNINGS = false;
    const baseURL = this.#settings.baseUrl ?? REPLAY_BASE_URL;
    const provider = createOpenAICompatible({
      name: "model",
      baseURL,
      ...(this.#apiKey === undefined ? {} : { apiKey: this.#apiKey }),
      includeUsage: true,
      supportsStructuredOutputs: true,
      transformRequestBody: (body) => this.#inDialect(body),
      fetch: (url, init) =>
        this.#exchange(String(url).slice(baseURL.length), String(init?.body ?? ""), init ?? {}),
    });
    return { ai, languageModel: provider.chatModel(this.#settings.model) };
  }

  #inDialect(body: Record<string, unknown>): Record<string, unknown> {
    const { max_tokens: length, response_format: form, stream_options: streaming, ...rest } = body;
    const spoken: Record<string, unknown> = rest;
    if (length !== undefined) spoken[this.#dialect.lengthField] = length;
    if (streaming !== undefined && this.#dialect.tellsUsage) spoken["stream_options"] = streaming;
    if (form !== undefined && this.#dialect.form !== "none") {
      spoken["response_format"] = this.#dialect.form === "json_schema" ? form : JSON_OBJECT;
    }
    return spoken;
  }
}

/** The same parts; an end by the signal is told as the signal's reason, and `release` is called at any end. */
function watched<T>(
  stream: ReadableStream<T>,
  signal: AbortSignal,
  release: () => void,
): ReadableStream<T> {
  const reader = stream.getReader();
  return new ReadableStream<T>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        release();
        controller.close();
      } catch (error) {
        release();
        controller.error(signal.aborted ? signal.reason : error);
      }
    },
    cancel(reason) {
      release();
      return reader.cancel(reason);
    },
  });
}

const JSON_OBJECT = { type: "json_object" };

/** Asks for a form and hands back the text: what models make of a form needs a closer look. */
function asText({ name, schema }: AnswerForm): OutputInterface<string, string, never> {
  return {
    name: "text-in-form",
    responseFormat: Promise.resolve({ type: "json", name, schema }),
    parseCompleteOutput: ({ text }) => Promise.resolve(text),
    parsePartialOutput: ({ text }) => Promise.resolve({ partial: text }),
    createElementStreamTransform: () => undefined,
  };
}

/** What the SDK does not pass on: a refusal, and calls of tools that were not offered. */
function saidBeside(body: unknown): { refusal: string | null; toolArguments: string } {
  const { choices } = (body ?? {}) as { choices?: { message?: Record<string, unknown> }[] };
  const message = choices?.[0]?.message ?? {};
  const refusal = message["refusal"];
  const calls = message["tool_calls"];
  const texts = Array.isArray(calls) ? calls.map((call) => call?.function?.arguments) : [];
  return {
    refusal: typeof refusal === "string" && refusal !== "" ? refusal : null,
    toolArguments: texts.filter((text) => typeof text === "string").join("\n"),
  };
}
