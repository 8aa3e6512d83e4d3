/**
 * How much a guest may say: for an execution, for a question, and between them. Reading costs the
 * gateway time, which belongs to everybody.
 */

import { ProtocolViolation } from "./channel.js";

/** What the guest has been asked to do. */
export type Task = "none" | "question" | "execution";

const BYTES_MAX: Readonly<Record<Task, number>> = {
  none: 4 * 1024 * 1024,
  question: 4 * 1024 * 1024,
  execution: 64 * 1024 * 1024,
};
const IDLE_FRAME_BYTES_MAX = 64 * 1024;
const VALUES_MAX = 500_000;
/**
 * A small message has about so many, and those of each message are free: how many messages there may be is
 * bounded where they are collected.
 */
const VALUES_FREE = 200;
/** In one execution. Each is an event for its followers. */
const INPUT_REQUESTS_MAX = 10_000;

/** A guest says more than anyone wants to read. */
export class Flood extends ProtocolViolation {}

/** @throws Flood, ProtocolViolation by every method that counts */
export class Allowance {
  #task: Task = "none";
  #bytes = 0;
  #values = 0;
  #inputRequests = 0;

  /** Count anew from here on. */
  begin(task: Task): void {
    this.#task = task;
    this.#bytes = 0;
    this.#values = 0;
    this.#inputRequests = 0;
  }

  countBytes(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > BYTES_MAX[this.#task]) throw new Flood(`more than ${this.#bytes - 1} bytes`);
  }

  /** Values of JSON in one message, which cost more than their bytes. */
  countValues(values: number): void {
    this.#values += Math.max(0, values - VALUES_FREE);
    if (this.#values > VALUES_MAX) throw new Flood(`more than ${VALUES_MAX} JSON values`);
  }

  /** Returns the number of this one within its execution. */
  countInputRequest(): number {
    if (++this.#inputRequests > INPUT_REQUESTS_MAX) {
      throw new Flood(`more than ${INPUT_REQUESTS_MAX} questions`);
    }
    return this.#inputRequests;
  }

  /** An incomplete frame stays in memory, between executions for a long time. */
  checkUnfinished(heldBytes: number): void {
    if (this.#task === "none" && heldBytes > IDLE_FRAME_BYTES_MAX) {
      throw new ProtocolViolation("an unfinished frame between executions");
    }
  }
}
