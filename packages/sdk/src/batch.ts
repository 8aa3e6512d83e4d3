/** Many runs by one request, each in a fresh sandbox of its own. */

import { EventStream, type StreamEvent } from "./event-stream.js";
import type { CallOptions } from "./options.js";
import { defined, toSeconds } from "./options.js";
import type { Transport } from "./transport.js";
import type { AnswerPart, BatchCounts, BatchItemResult, BatchRequest, InputFile } from "./wire.js";

/** One program of a batch, which has a fresh sandbox of its own. */
export interface BatchInput {
  readonly code: string;
  /** A name of your own, which the result repeats. */
  readonly id?: string;
  /** All that standard input has. */
  readonly stdin?: string;
  /** Put into its workspace first, all or none. */
  readonly files?: readonly InputFile[];
  /** Have small files that it has made in its result. */
  readonly includeFiles?: boolean;
  /** How long it may run; default and maximum are the server's. */
  readonly timeoutMs?: number;
  /** Of its sandbox: `"200m"`, `"1g"`, or bytes. */
  readonly memoryLimit?: string | number;
  /** Of its sandbox, in cores. */
  readonly cpuLimit?: number;
}

/** How a batch runs. */
export interface BatchOptions extends CallOptions {
  /** Items that run at a time; default twice the server's cores. */
  readonly concurrency?: number;
  /** Whether one item that fails keeps the rest from being begun; default `"never"`. */
  readonly stopOn?: "never" | "error";
  /** Which parts the results have; the others are empty. Default: all. */
  readonly include?: readonly AnswerPart[];
}

/** Data of the events of a batch, by their names. */
export interface BatchEvents {
  /** One program has ended, in whatever order. */
  readonly item: BatchItemResult;
  /** All have ended. */
  readonly result: BatchCounts;
}

/** One event of a batch: its `type` and its `data`. */
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
