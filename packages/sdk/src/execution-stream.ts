/** A run whose output arrives while it happens. */

import { GloveboxError } from "./errors.js";
import { EventStream, type StreamEvent } from "./event-stream.js";
import { defined, type ExecuteOptions, toExecuteRequest } from "./options.js";
import type { Transport, TransportRequest } from "./transport.js";
import type { ExecutionEvents, InputBody, InputRequest } from "./wire.js";

/** The stream ends with `result`; a `failure` is thrown instead of given. */
export type StreamedEvents = Omit<ExecutionEvents, "failure">;

/** One event of an execution: its `type` and its `data`. */
export type ExecutionEvent = StreamEvent<StreamedEvents>;

/** Standard input as a pipe has it: at most 65,536 bytes with their line ends, and whether they are the last. */
export interface InputPiece {
  readonly data?: string | Uint8Array;
  readonly eof?: boolean;
}

type InputAnswer = string | InputPiece | undefined;

/** What was typed, a piece of standard input, or undefined where another client answers. */
export type OnInput = (request: InputRequest) => InputAnswer | Promise<InputAnswer>;

/** As for `execute`, and who answers what the code asks. */
export interface StreamOptions extends ExecuteOptions {
  /**
   * Answers `input()` and `getpass()` of a session's code. Undefined leaves the question open for
   * `Session.input()`. Without it, and without `allowInput`, they raise EOFError.
   */
  readonly onInput?: OnInput;
}

const NAMES = {
  execution: true,
  stream: true,
  display_data: true,
  update_display_data: true,
  clear_output: true,
  comm: true,
  execute_result: true,
  error: true,
  input_request: true,
  gap: true,
  result: true,
} as const satisfies Record<keyof StreamedEvents, true>;
export const EXECUTION_EVENT_NAMES: ReadonlySet<string> = new Set(Object.keys(NAMES));

/** Async iterable of what happens, with the `result` beside it. Made by the `stream` methods. */
export type ExecutionStream = EventStream<StreamedEvents>;

export interface RunToStream {
  readonly transport: Transport;
  readonly code: string;
  readonly sessionId: string | undefined;
  readonly options: StreamOptions;
}

export function streamExecution(run: RunToStream): ExecutionStream {
  const { transport, code, sessionId, options } = run;
  const { onInput } = options;
  if (onInput && sessionId === undefined) {
    throw new GloveboxError("INVALID_ARGUMENT", "Without a session nobody can answer input().", {
      hint: "Use a session: (await client.createSession()).stream(code, { onInput }).",
    });
  }
  // The server would let every stream ask; without a reader, EOFError is better than silence.
  const allowInput = options.allowInput ?? onInput !== undefined;
  let executionId: number | null = null;
  return new EventStream<StreamedEvents>({
    transport,
    request: {
      method: "POST",
      path: "execute",
      json: { ...toExecuteRequest(code, { ...options, allowInput }, sessionId), stream: true },
      timeoutMs: null,
    },
    names: EXECUTION_EVENT_NAMES,
    signal: options.signal,
    resume: (lastId) => {
      if (options.onDisconnect !== "continue" || sessionId === undefined) return undefined;
      return executionId === null ? undefined : eventsRequest(sessionId, executionId, lastId);
    },
    onEvent: (event) => {
      if (event.type === "execution") {
        executionId = (event.data as ExecutionEvents["execution"]).execution_id;
      }
      if (event.type !== "input_request" || !onInput || sessionId === undefined) return undefined;
      return answerInput(transport, sessionId, onInput, event.data as InputRequest);
    },
  });
}

/** The events of a run that another request has begun, after the one with the number `after`. */
export function followExecution(
  transport: Transport,
  sessionId: string,
  executionId: number,
  { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal | undefined },
): ExecutionStream {
  return new EventStream<StreamedEvents>({
    transport,
    request: eventsRequest(sessionId, executionId, after),
    names: EXECUTION_EVENT_NAMES,
    signal,
    resume: (lastId) => eventsRequest(sessionId, executionId, Math.max(lastId, after)),
  });
}

function eventsRequest(sessionId: string, executionId: number, lastId: number): TransportRequest {
  return {
    method: "GET",
    path: `sessions/${encodeURIComponent(sessionId)}/executions/${executionId}/events`,
    ...(lastId > 0 ? { headers: { "last-event-id": String(lastId) } } : {}),
  };
}

export async function answerInput(
  transport: Transport,
  sessionId: string,
  onInput: OnInput,
  request: InputRequest,
): Promise<void> {
  const answer = await onInput(request);
  if (answer === undefined) return;
  try {
    await transport.done({
      method: "POST",
      path: `sessions/${encodeURIComponent(sessionId)}/input`,
      json: toInputBody(answer),
    });
  } catch (error) {
    // The run was interrupted, or has met its deadline, while the answer was being typed.
    if (!GloveboxError.isInstance(error) || error.code !== "NO_INPUT_REQUESTED") throw error;
  }
}

export function toInputBody(answer: string | InputPiece): InputBody {
  if (typeof answer === "string") return { text: answer };
  const { data, eof } = answer;
  if (typeof data !== "object") return defined({ data, eof });
  return defined({ data: toBase64(data), encoding: "base64" as const, eof });
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
