/**
 * The executions of a session: those that wait or run, and the last ones that are done, with their
 * outputs as far as there is room. The oldest outputs are dropped first, then the oldest entries.
 */

import { ServiceError } from "../errors.js";
import type { ExecutionOutcome } from "./execution.js";
import type { RunningExecution } from "./running-execution.js";

const EXECUTIONS_MAX = 100;
const BYTES_MAX = 8 * 2 ** 20;
/** An entry is never less than this, whatever it has printed. */
const ENTRY_BYTES = 1000;

interface Held {
  readonly execution: RunningExecution;
  readonly history: History;
  readonly bytes: number;
}

/** What the histories of all sessions may hold together. */
export class HistoryBudget {
  readonly #bytesMax: number;
  /** In the order in which they were done. */
  readonly #held = new Set<Held>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hold(held: Held): void {
    this.#held.add(held);
    this.#bytes += held.bytes;
    for (const oldest of this.#held) {
      if (this.#bytes <= this.#bytesMax) return;
      oldest.history.dropOutputs(oldest);
    }
  }

  free(held: Held): void {
    if (this.#held.delete(held)) this.#bytes -= held.bytes;
  }
}

export class History {
  readonly #budget: HistoryBudget;
  readonly #executions = new Map<number, RunningExecution>();
  /** Those that have outputs, the oldest first. */
  readonly #held = new Map<number, Held>();
  #bytes = 0;
  #lastId = 0;
  #closed = false;

  constructor(budget: HistoryBudget) {
    this.#budget = budget;
  }

  /** The number of the next one. */
  nextId(): number {
    return ++this.#lastId;
  }

  add(id: number, execution: RunningExecution): void {
    this.#executions.set(id, execution);
  }

  /** All that there are, the oldest first. */
  list(): RunningExecution[] {
    return [...this.#executions.values()];
  }

  /** @throws ServiceError EXECUTION_NOT_FOUND */
  get(id: number): RunningExecution {
    const execution = this.#executions.get(id);
    if (!execution) throw new ServiceError("EXECUTION_NOT_FOUND");
    return execution;
  }

  /** It is done, or was cancelled: from now on it may be dropped. */
  finished(id: number, execution: RunningExecution): void {
    if (this.#closed) return;
    const held = { execution, history: this, bytes: weigh(execution) };
    this.#held.set(id, held);
    this.#bytes += held.bytes;
    this.#budget.hold(held);
    for (const oldest of this.#held.values()) {
      if (this.#bytes <= BYTES_MAX) break;
      this.dropOutputs(oldest);
    }
    this.#dropEntries();
  }

  /** For the budget. */
  dropOutputs(held: Held): void {
    this.#free(held);
    held.execution.dropOutputs();
  }

  /** The session has ended, and nobody can ask any more. */
  close(): void {
    this.#closed = true;
    for (const held of this.#held.values()) this.#budget.free(held);
    this.#held.clear();
    this.#executions.clear();
  }

  #free(held: Held): void {
    if (!this.#held.delete(held.execution.id ?? 0)) return;
    this.#bytes -= held.bytes;
    this.#budget.free(held);
  }

  #dropEntries(): void {
    if (this.#executions.size <= EXECUTIONS_MAX) return;
    for (const [id, { finishedAt }] of this.#executions) {
      if (this.#executions.size <= EXECUTIONS_MAX) return;
      if (finishedAt === null) continue;
      const held = this.#held.get(id);
      if (held) this.#free(held);
      this.#executions.delete(id);
    }
  }
}

/** Roughly, and rather too much: text is in the outputs, and again in stdout and stderr. */
function weigh(execution: RunningExecution): number {
  const { request, ended, loggedBytes } = execution;
  return ENTRY_BYTES + request.code.length + loggedBytes + (ended ? weighOutcome(ended) : 0);
}

function weighOutcome({ outputBytes, error, filesCreated, filesModified }: ExecutionOutcome) {
  let bytes = 2 * outputBytes;
  for (const line of error?.traceback ?? []) bytes += 2 * line.length;
  for (const path of filesCreated) bytes += path.length;
  for (const path of filesModified) bytes += path.length;
  return bytes;
}
