/** A run that did not end well, and the bounds that it may have met. */

import type { KernelEvents } from "../sandbox/sandbox.js";
import type { ExecutionStatus, RestartReason } from "./outcome.js";

/** What cannot change from run to run. */
export interface Bounds {
  readonly timeoutMsMax: number;
  readonly memoryBytesMax: number;
  readonly processes: number;
  readonly openFiles: number;
  /** Of /workspace, of /tmp and of /dev/shm, each. */
  readonly diskBytes: number;
  readonly diskInodes: number;
  /** Of /tmp/home, where packages are installed. */
  readonly homeBytes: number;
  readonly homeInodes: number;
  /** Whether there is a folder of packages to install from. */
  readonly hasWheels: boolean;
}

/** A run that did not end well, and all that is known about it. */
export interface Failure {
  readonly status: ExecutionStatus;
  /** As the guest tells it; empty where there was no exception. */
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
  readonly stderr: string;
  /** How the interpreter ended, negative for a signal; undefined where it lives on or that is not known. */
  readonly kernelExitCode: number | undefined;
  readonly sessionGoesOn: boolean;
  /** Why what earlier runs have left is gone. */
  readonly restarted?: RestartReason | undefined;
  /** What lies in /workspace, where a file was missing. */
  readonly nearby?: readonly string[] | undefined;
  readonly events: KernelEvents;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
}
