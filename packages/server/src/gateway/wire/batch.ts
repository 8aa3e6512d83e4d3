/** A batch on the wire: the result of each item, and all of them as one answer. */

import type { ItemEnd } from "../../desk/batch.js";
import { ServiceError, toWireError, type WireError } from "../../errors.js";
import { weighJson } from "../../sessions/json-bytes.js";
import { type AnswerPart, type ExecuteResponse, toExecuteResponse } from "./execution.js";

/** Of results in one answer, as JSON is weighed. Events have no such bound, as nothing is kept for them. */
const ANSWER_CHARACTERS_MAX = 32 * 2 ** 20;

interface NamedItem {
  readonly id?: string;
}

export interface BatchItemResult {
  readonly index: number;
  readonly id: string | null;
  readonly state: "done" | "refused" | "skipped";
  readonly result: ExecuteResponse | null;
  readonly error: WireError["error"] | null;
}

export function toItemResult(
  items: readonly NamedItem[],
  index: number,
  end: ItemEnd,
  requestId: string,
  include: readonly AnswerPart[] | undefined,
): BatchItemResult {
  const named = { index, id: items[index]?.id ?? null };
  switch (end.kind) {
    case "ran": {
      const { execution, request } = end.begun;
      const { id, sessionId } = execution;
      const result = toExecuteResponse(end.outcome, { id, sessionId, request }, include);
      return { ...named, state: "done", result, error: null };
    }
    case "refused":
      return {
        ...named,
        state: "refused",
        result: null,
        error: toWireError(end.error, requestId).error,
      };
    case "skipped":
      return { ...named, state: "skipped", result: null, error: null };
  }
}

/** Counts results, and keeps them for one answer. */
export class BatchTally {
  readonly #results: BatchItemResult[];
  #ok = 0;
  #failed = 0;
  #notRun = 0;
  #characters = 0;

  constructor(items: readonly NamedItem[]) {
    this.#results = new Array(items.length);
  }

  /** How many there have been. */
  count({ result }: BatchItemResult): number {
    if (!result) this.#notRun++;
    else if (result.status === "ok") this.#ok++;
    else this.#failed++;
    return this.#ok + this.#failed + this.#notRun;
  }

  /** Returns roughly the length of what is kept. */
  keep(item: BatchItemResult, requestId: string): number {
    this.count(item);
    this.#characters += weighJson(item, ANSWER_CHARACTERS_MAX);
    const isTooMuch = this.#characters > ANSWER_CHARACTERS_MAX;
    this.#results[item.index] = isTooMuch ? withoutResult(item, requestId) : item;
    return Math.min(this.#characters, ANSWER_CHARACTERS_MAX);
  }

  counts() {
    return { ok: this.#ok, failed: this.#failed, not_run: this.#notRun };
  }

  answer() {
    return { results: this.#results, ...this.counts() };
  }
}

/** It ran, and its result is not told: only the answer has no room. */
function withoutResult(item: BatchItemResult, requestId: string): BatchItemResult {
  const error = new ServiceError(
    "ANSWER_TOO_LARGE",
    "The results before this one fill the answer. The item ran.",
  );
  return { ...item, result: null, error: toWireError(error, requestId).error };
}
