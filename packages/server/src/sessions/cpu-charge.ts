/**
 * Tells all CPU time of a session's sandboxes once, that of threads and processes which go on between
 * two runs included. Nothing is told of a sandbox before its first run: what it cost to make is not
 * the session's.
 */

import type { Sandbox } from "../sandbox/sandbox.js";
import type { ExecutionOutcome } from "./outcome.js";

export class CpuCharge {
  readonly #onUsed: (seconds: number) => void;
  /** How much of a sandbox's time has been told. */
  readonly #told = new WeakMap<Sandbox, number>();

  constructor(onUsed: (seconds: number) => void) {
    this.#onUsed = onUsed;
  }

  afterRun(sandbox: Sandbox, { cpuSeconds, sandboxCpuSeconds }: ExecutionOutcome): void {
    const told = this.#told.get(sandbox) ?? sandboxCpuSeconds - cpuSeconds;
    this.#tell(sandbox, told, sandboxCpuSeconds);
  }

  /** What was used since that was last told. @throws in the moment in which the sandbox ends */
  sinceLastTold(sandbox: Sandbox): void {
    const told = this.#told.get(sandbox);
    if (told !== undefined) this.#tell(sandbox, told, sandbox.cpuSeconds());
  }

  #tell(sandbox: Sandbox, told: number, seconds: number): void {
    this.#told.set(sandbox, Math.max(told, seconds));
    if (seconds > told) this.#onUsed(seconds - told);
  }
}
