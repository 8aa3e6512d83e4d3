/**
 * Many pieces of code, each in a fresh sandbox of its own. Every one is admitted, run and recorded as if it had come
 * alone, and counts as a request of its own; what would be refused for now waits here instead.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Principal } from "../access/principal.js";
import { ServiceError } from "../errors.js";
import type { ExecutionOutcome } from "../sessions/outcome.js";
import { type AskedExecution, type BegunExecution, executeCode } from "./code-execution.js";
import type { AdmittingParts } from "./desk-parts.js";
import type { ItemPlaces } from "./item-places.js";
import { checkCode } from "./limits.js";
import type { Visit } from "./visit.js";

/** How long one item waits, in all, for a quota or a sandbox. */
const PATIENCE_MS = 60_000;
const RETRY_MS_MIN = 100;

export type AskedItem = Pick<
  AskedExecution,
  "code" | "stdin" | "timeout" | "limits" | "files" | "includeFiles"
>;

export interface AskedBatch {
  readonly items: readonly AskedItem[];
  /** Items that run at a time. */
  readonly concurrency: number;
  /** Whether no more items begin once one has not ended with `ok`. */
  readonly stopsOnError: boolean;
}

/** `refused`: it did not run. `skipped`: it was not begun, as the batch was stopped before. */
export type ItemEnd =
  | { readonly kind: "ran"; readonly begun: BegunExecution; readonly outcome: ExecutionOutcome }
  | { readonly kind: "refused"; readonly error: ServiceError }
  | { readonly kind: "skipped" };

/** Hears of each item once, in the order in which they end. While it is awaited, its place begins nothing new. */
export type OnItemEnd = (index: number, end: ItemEnd) => Promise<void> | void;

/** Resolves when every item has been told. @throws ServiceError CODE_TOO_LARGE naming the item, AUDIT_UNAVAILABLE */
export async function runBatch(
  parts: AdmittingParts,
  places: ItemPlaces,
  visit: Visit,
  batch: AskedBatch,
  onItemEnd: OnItemEnd,
): Promise<void> {
  parts.admission.admitChange();
  batch.items.forEach(({ code }, index) => {
    checkItemCode(parts, code, index);
  });
  const running = new RunningBatch(parts, places, visit, batch, onItemEnd);
  await running.toEnd();
}

function checkItemCode({ config }: AdmittingParts, code: string, index: number): void {
  try {
    checkCode(code, config);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new ServiceError(error.code, `items/${index}: ${error.message}`);
  }
}

class RunningBatch {
  readonly #parts: AdmittingParts;
  readonly #places: ItemPlaces;
  readonly #batch: AskedBatch;
  readonly #onItemEnd: OnItemEnd;
  readonly #visit: Visit;
  readonly #stopped = new AbortController();
  readonly #visits = new Set<ItemVisit>();
  #next = 0;

  constructor(
    parts: AdmittingParts,
    places: ItemPlaces,
    visit: Visit,
    batch: AskedBatch,
    onItemEnd: OnItemEnd,
  ) {
    this.#parts = parts;
    this.#places = places;
    this.#batch = batch;
    this.#onItemEnd = onItemEnd;
    this.#visit = visit;
    visit.onGone(() => this.#leave());
  }

  async toEnd(): Promise<void> {
    const { items, concurrency } = this.#batch;
    const places = Math.min(concurrency, items.length);
    try {
      await Promise.all(Array.from({ length: places }, () => this.#work()));
    } catch (error) {
      // Nobody is told of the others any more.
      this.#leave();
      throw error;
    }
  }

  /** One place: an item after the other. */
  async #work(): Promise<void> {
    const { items, stopsOnError } = this.#batch;
    for (;;) {
      const index = this.#next++;
      const item = items[index];
      if (item === undefined) return;
      const giveBack = await this.#places.take(this.#visit.principal.id, this.#stopped.signal);
      try {
        const end = await this.#run(item, index);
        if (stopsOnError && !isOk(end)) this.#stopped.abort();
        await this.#onItemEnd(index, end);
      } finally {
        giveBack?.();
      }
    }
  }

  async #run(item: AskedItem, index: number): Promise<ItemEnd> {
    const patienceEnds = performance.now() + PATIENCE_MS;
    // The request itself was counted when it came.
    let isCounted = index === 0;
    for (;;) {
      if (this.#stopped.signal.aborted) return { kind: "skipped" };
      try {
        if (!isCounted) this.#visit.principal.account?.admitRequest();
        isCounted = true;
        return await this.#runOnce(item);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        const waitMs = waitFor(error);
        if (waitMs === undefined || performance.now() + waitMs > patienceEnds) {
          return { kind: "refused", error };
        }
        await this.#wait(waitMs);
      }
    }
  }

  async #runOnce(item: AskedItem): Promise<ItemEnd> {
    const visit = new ItemVisit(this.#visit);
    this.#visits.add(visit);
    try {
      const begun = await executeCode(this.#parts, visit, {
        ...item,
        ...{ sessionId: undefined, followed: false, allowInput: undefined, goesOn: false },
        remarksOn: undefined,
      });
      if ("rejected" in begun) throw new ServiceError("INTERNAL", "nothing was to be reviewed");
      return { kind: "ran", begun, outcome: await begun.outcome };
    } finally {
      this.#visits.delete(visit);
    }
  }

  /** The client has gone, or cannot be told. */
  #leave(): void {
    this.#stopped.abort();
    for (const visit of this.#visits) visit.leave();
  }

  async #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#stopped;
    await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

function isOk(end: ItemEnd): boolean {
  return end.kind === "ran" && end.outcome.status === "ok";
}

/** Milliseconds after which it may go better; undefined where waiting does not help. */
function waitFor({ code, retryAfterMs }: ServiceError): number | undefined {
  switch (code) {
    // Without a time, it is the quota of live sandboxes: one of this very batch may end any moment.
    case "QUOTA_EXCEEDED":
    case "POOL_EXHAUSTED":
    case "SANDBOX_START_FAILED":
      return Math.max(RETRY_MS_MIN, retryAfterMs ?? RETRY_MS_MIN);
    default:
      return undefined;
  }
}

/** Of one item, so that the batch's own visit does not gather a listener for each. */
class ItemVisit implements Visit {
  readonly principal: Principal;
  readonly client: string;
  readonly requestId: string;
  readonly #listeners: (() => void)[] = [];

  constructor({ principal, client, requestId }: Visit) {
    this.principal = principal;
    this.client = client;
    this.requestId = requestId;
  }

  onGone(listener: () => void): void {
    this.#listeners.push(listener);
  }

  leave(): void {
    for (const listener of this.#listeners) listener();
  }
}
