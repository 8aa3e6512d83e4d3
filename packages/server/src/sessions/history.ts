/**
 * The executions of a session: those that wait or run, and the last ones that are done, with their
 * outputs as far as there is room. The oldest outputs are dropped first, then the oldest entries; over all
 * sessions, those of the owner whose outputs take most.
 */

import { ServiceError } from "../errors.js";
import type { Execution } from "./execution.js";
import type { ExecutionOutcome } from "./outcome.js";
import { SharedRoom } from "./shared-room.js";

const EXECUTIONS_MAX = 100;
const BYTES_MAX = 8 * 2 ** 20;
/** An entry is never less than this, whatever it has printed. */
const ENTRY_BYTES = 1000;

/** What the histories of all sessions may hold together. */
export class HistoryBudget {
  readonly #room: SharedRoom<Execution>;
  /** Of those that have outputs. */
  readonly #holders = new Map<Execution, History>();

  constructor(bytesMax: number) {
    this.#room = new SharedRoom({
      sizeMax: bytesMax,
      onGiven: (execution) => this.#holders.get(execution)?.dropOutputs(execution),
      keepsLatest: false,
    });
  }

  get bytes(): number {
    return this.#room.size;
  }

  hold(execution: Execution, history: History): void {
    this.#holders.set(execution, history);
    this.#room.hold(execution, history.owner, execution.heldBytes);
  }

  /** Returns what it held. */
  free(execution: Execution): number {
    if (!this.#holders.delete(execution)) return 0;
    this.#room.free(execution);
    return execution.heldBytes;
  }
}

export class History {
  /** Whose outputs they are. */
  readonly owner: string;
  readonly #budget: HistoryBudget;
  /** The oldest first. */
  readonly #executions = new Map<number, Execution>();
  #bytes = 0;
  #lastId = 0;
  #closed = false;

  constructor(budget: HistoryBudget, owner: string) {
    this.#budget = budget;
    this.owner = owner;
  }

  /** The number of the next one. */
  nextId(): number {
    return ++this.#lastId;
  }

  add(id: number, execution: Execution): void {
    this.#executions.set(id, execution);
  }

  /** All of them, the oldest first. */
  list(): Execution[] {
    return [...this.#executions.values()];
  }

  /** @throws ServiceError EXECUTION_NOT_FOUND */
  get(id: number): Execution {
    const execution = this.#executions.get(id);
    if (!execution) throw new ServiceError("EXECUTION_NOT_FOUND");
    return execution;
  }

  /** It is done, or was cancelled: from now on it may be dropped. */
  finished(execution: Execution): void {
    if (this.#closed) return;
    execution.heldBytes = weigh(execution);
    this.#bytes += execution.heldBytes;
    this.#budget.hold(execution, this);
    if (this.#bytes > BYTES_MAX) this.#dropOldestOutputs();
    if (this.#executions.size > EXECUTIONS_MAX) this.#dropOldestEntries();
  }

  dropOutputs(execution: Execution): void {
    this.#bytes -= this.#budget.free(execution);
    execution.dropOutputs();
  }

  /** The session has ended and can no longer be asked. */
  close(): void {
    this.#closed = true;
    for (const execution of this.#executions.values()) this.#budget.free(execution);
    this.#executions.clear();
  }

  #dropOldestOutputs(): void {
    for (const execution of this.#executions.values()) {
      if (execution.finishedAt !== null && !execution.isDropped) this.dropOutputs(execution);
      if (this.#bytes <= BYTES_MAX) return;
    }
  }

  #dropOldestEntries(): void {
    for (const [id, execution] of this.#executions) {
      if (execution.finishedAt === null) continue;
      this.#bytes -= this.#budget.free(execution);
      this.#executions.delete(id);
      if (this.#executions.size <= EXECUTIONS_MAX) return;
    }
  }
}

/** Roughly, and rather too much: text is in the outputs, and again in stdout and stderr. */
function weigh({ request, outcomeIfDone, loggedBytes }: Execution): number {
  const bytes = ENTRY_BYTES + request.code.length + loggedBytes;
  return outcomeIfDone ? bytes + weighOutcome(outcomeIfDone) : bytes;
}

function weighOutcome({ outputBytes, error, filesCreated, filesModified }: ExecutionOutcome) {
  let bytes = 2 * outputBytes;
  if (error) for (const line of error.traceback) bytes += 2 * line.length;
  for (const path of filesCreated) bytes += path.length;
  for (const path of filesModified) bytes += path.length;
  return bytes;
}
