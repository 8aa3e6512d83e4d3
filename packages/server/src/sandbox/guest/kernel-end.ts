/**
 * The end of a kernel, from the death of its process to the moment at which it may be told. The
 * kernel's death is seen by the zygote, and its last output lies in two connections and the warden's
 * pipes: only when both have delivered everything, or time is up, is the end told.
 */

import type { SandboxEnd } from "../sandbox.js";

/** When a dead kernel's connections have said nothing for so long, all that it left behind has come. */
const SILENCE_MS = 300;
/** Who holds a dead kernel's connection open can go on to write to it. */
const COMES_MS_MAX = 5000;
/** What is being read is waited for longer: it is the gateway that is slow, not the sandbox that goes on. */
const BEING_READ_MS_MAX = 30_000;

/** Processes of the service that are in every sandbox. */
export type SandboxProcess = "kernel" | "warden" | "porter";

/** How a fault of one of them shows in the end of its sandbox. */
export function faultDetail(process: SandboxProcess, reason: string) {
  return { isFault: true, detail: `the sandbox's ${process} failed (${reason})` };
}

/** What comes on the connections of kernel and warden. */
export interface LastOutput {
  /** So far. */
  bytes(): number;
  /** Something has come and is being read. On a busy machine that takes longer than any silence. */
  isBeingRead(): boolean;
}

export class KernelEnd {
  readonly #tell: (end: SandboxEnd) => void;
  readonly #output: LastOutput;
  #end: SandboxEnd | undefined;
  #isKernelClosed = false;
  #isWardenDrained = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #fault: string | undefined;

  constructor(tell: (end: SandboxEnd) => void, output: LastOutput) {
    this.#tell = tell;
    this.#output = output;
  }

  /** The process has ended, or can no longer be reached. */
  get hasBegun(): boolean {
    return this.#end !== undefined || this.#isKernelClosed;
  }

  /** Whether it is known how the process ended. */
  get isKnown(): boolean {
    return this.#end !== undefined;
  }

  /** What the process says has gone wrong with it; true when it is its first word of that. */
  failed(reason: string): boolean {
    const isFirst = this.#fault === undefined;
    this.#fault ??= reason;
    return isFirst;
  }

  /** The process ended with this code, negative for a signal. */
  exited(code: number, outOfMemory: boolean): void {
    this.#end = {
      reason: "kernel_exited",
      exitCode: code,
      outOfMemory,
      detail: code < 0 ? `the kernel was ended by signal ${-code}` : `the kernel exited (${code})`,
    };
    if (code > 0 && this.#fault !== undefined) {
      this.#end = { ...this.#end, ...faultDetail("kernel", this.#fault) };
    }
    this.#tellAfterSilence(this.#end, performance.now());
  }

  kernelClosed(): void {
    this.#isKernelClosed = true;
    this.#tellWhenComplete();
  }

  /** The pipes are empty, or the process that empties them has ended. */
  wardenDrained(): void {
    this.#isWardenDrained = true;
    this.#tellWhenComplete();
  }

  /** The sandbox has ended, for whatever reason. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #tellAfterSilence(end: SandboxEnd, exitedAt: number): void {
    const before = this.#output.bytes();
    const look = () => {
      if (this.#isClosed) return;
      const passed = performance.now() - exitedAt;
      const comes = this.#output.bytes() > before && passed < COMES_MS_MAX;
      const isRead = this.#output.isBeingRead() && passed < BEING_READ_MS_MAX;
      if (comes || isRead) this.#tellAfterSilence(end, exitedAt);
      else this.#tell(end);
    };
    // A process that was held up has its timers first, and then reads what has come meanwhile.
    this.#timer = setTimeout(() => setImmediate(look), SILENCE_MS);
  }

  #tellWhenComplete(): void {
    if (this.#end && this.#isKernelClosed && this.#isWardenDrained) this.#tell(this.#end);
  }
}
