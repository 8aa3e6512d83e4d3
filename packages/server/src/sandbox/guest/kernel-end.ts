/**
 * The end of a kernel, from the death of its process to the moment at which it may be told. The
 * kernel's death is seen by the zygote, and its last output lies in two connections and the warden's
 * pipes: only when both have delivered everything, or time is up, is the end told.
 */

import type { SandboxEnd } from "../sandbox.js";

/** How long the warden gets to send what a dead kernel left behind. */
const DRAIN_TIMEOUT_MS = 300;

/** Processes of the service that are in every sandbox. */
export type SandboxProcess = "kernel" | "warden" | "porter";

/** How a fault of one of them shows in the end of its sandbox. */
export function faultDetail(process: SandboxProcess, reason: string) {
  return { isFault: true, detail: `the sandbox's ${process} failed (${reason})` };
}

export class KernelEnd {
  readonly #tell: (end: SandboxEnd) => void;
  #end: SandboxEnd | undefined;
  #isKernelClosed = false;
  #isWardenDrained = false;
  #timer: NodeJS.Timeout | undefined;
  #fault: string | undefined;

  constructor(tell: (end: SandboxEnd) => void) {
    this.#tell = tell;
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
    this.#timer = setTimeout(this.#tell, DRAIN_TIMEOUT_MS, this.#end);
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
    clearTimeout(this.#timer);
  }

  #tellWhenComplete(): void {
    if (this.#end && this.#isKernelClosed && this.#isWardenDrained) this.#tell(this.#end);
  }
}
