/** Many runs by one request, each in a fresh sandbox of its own. */

import { EventStream, type StreamEvent } from "./event-stream.js";
import type { CallOptions } from "./options.js";
import { defined, toSeconds } from "./options.js";
import type { Transport } from "./transport.js";
import type { AnswerPart, BatchCounts, BatchItemResult, BatchRequest, InputFile } from "./wire.js";

export interface BatchInput {
  readonly code: string;
  /** A name of your own, which the result repeats. */
  readonly id?: string;
  /** All that standard input has. */
  readonly stdin?: string;
  readonly files?: readonly InputFile[];
  readonly includeFiles?: boolean;
  readonly timeoutMs?: number;
  readonly memoryLimit?: string | number;
  readonly cpuLimit?: number;
}

export interface BatchOptions extends CallOptions {
  /** Items that run at a time; default twice the server's cores. */
  readonly concurrency?: number;
  /** Whether one item that fails keeps the rest from being begun; default `"never"`. */
  readonly stopOn?: "never" | "error";
  /** Which parts the results have; the others are empty. Default: all. */
  readonly include?: readonly AnswerPart[];
}

export interface BatchEvents {
  readonly item: BatchItemResult;
  readonly result: BatchCounts;
}

export type BatchEvent = StreamEvent<BatchEvents>;
/** Results as they end, and the counts as its `result`. */
export type BatchStream = EventStream<BatchEvents>;

const NAMES: ReadonlySet<string> = new Set(["item", "result"]);

export function toBatchRequest(
  inputs: readonly BatchInput[],
  { concurrency, stopOn, include }: BatchOptions,
): BatchRequest {
  return defined({ items: inputs.map(toItem), concurrency, stop_on: stopOn, include });
}

function toItem(input: BatchInput): BatchRequest["items"][number] {
  return defined({
    id: input.id,
    code: input.code,
    stdin: input.stdin,
    files: input.files,
    include_files: input.includeFiles,
    timeout: toSeconds(input.timeoutMs),
    memory_limit: input.memoryLimit,
    cpu_limit: input.cpuLimit,
  });
}

export function streamBatch(
  transport: Transport,
  inputs: readonly BatchInput[],
  options: BatchOptions,
): BatchStream {
  const json: BatchRequest = { ...toBatchRequest(inputs, options), stream: true };
  return new EventStream<BatchEvents>({
    transport,
    request: { method: "POST", path: "execute/batch", json, timeoutMs: null },
    names: NAMES,
    signal: options.signal,
  });
}
