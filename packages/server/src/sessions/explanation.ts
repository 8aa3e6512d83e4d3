/**
 * Why a run failed, in a sentence that lets a person or a model mend the code. Only what the
 * sandbox causes is explained: its limits, its missing network, what it refuses.
 *
 * What the kernel counted outside of the sandbox is a fact. The text of an exception is the run's
 * own and can be forged, which misleads its author only; it is bounded before it is searched.
 */

import { WHEELS_MOUNT } from "../config/data-mounts.js";
import type { Config } from "../config.js";
import { planConfinement } from "../sandbox/plan.js";
import {
  adviseOnMemory,
  explainMissing,
  explainText,
  LAST_WORDS_CHARACTERS_MAX,
  megabytes,
  missingProgram,
  NO_COMMAND,
  NO_NETWORK,
  NOT_AMONG_WHEELS,
  triesNetwork,
} from "./exception-hints.js";
import type { Bounds, Failure } from "./failure.js";
import type { RestartReason } from "./outcome.js";

export { PACKAGES } from "./exception-hints.js";
export type { Bounds, Failure } from "./failure.js";
export function boundsOf(config: Config): Bounds {
  const plan = planConfinement(config);
  return Object.freeze({
    timeoutMsMax: config.executionTimeMsMax,
    memoryBytesMax: config.memoryBytesMax,
    processes: plan.processes,
    openFiles: plan.open_files,
    diskBytes: plan.workspace_bytes,
    diskInodes: plan.workspace_inodes,
    homeBytes: plan.home_bytes,
    homeInodes: plan.home_inodes,
    hasWheels: plan.mounts.includes(WHEELS_MOUNT),
  });
}

/** Null when the sandbox has nothing to do with it. */
export function explainFailure(failure: Failure, bounds: Bounds): string | null {
  const causes = [
    explainRestart,
    explainMissing,
    explainStatus,
    explainProcesses,
    explainMemoryEvent,
  ];
  const sentences = causes.map((cause) => cause(failure, bounds)).filter((one) => one !== null);
  return sentences.length > 0 ? sentences.join(" ") : null;
}

/** A failed install leaves a run that ended well in all but its purpose. Null when there was none. */
export function explainInstall(
  output: string,
  { hasWheels }: Pick<Bounds, "hasWheels">,
): string | null {
  const end = output.slice(-LAST_WORDS_CHARACTERS_MAX);
  if (!end.includes("No matching distribution found for")) return null;
  return hasWheels ? NOT_AMONG_WHEELS : NO_NETWORK;
}

const RESTARTED_BY: Readonly<Record<RestartReason, string>> = {
  timeout: "an earlier run met its timeout and did not heed the interrupt",
  out_of_memory: "memory ran out in an earlier run",
  killed: "the interpreter ended in an earlier run",
  output_limit: "an earlier run wrote too much output",
  interrupted: "an earlier run was ended by force",
  died: "the interpreter ended between two runs",
  reset: "the session was reset",
  ended: "the session of this name had ended",
};
/** What code meets that counts on earlier runs. */
const MISSING: ReadonlySet<string> = new Set(["NameError", "FileNotFoundError"]);

function explainRestart({ status, ename, restarted }: Failure): string | null {
  if (restarted === undefined || status !== "error" || !MISSING.has(ename)) return null;
  return `The session began afresh with this run, as ${RESTARTED_BY[restarted]}: variables, imports and files of earlier runs are gone. Run again what made them.`;
}

/** A shell that does not find a program leaves a run that ended well. Null where it found all. */
export function explainCommand(stderr: string): string | null {
  const names = stderr.slice(-LAST_WORDS_CHARACTERS_MAX).split("\n").map(missingIn);
  const name = names.find((one) => one !== undefined);
  return name === undefined ? null : missingProgram(name);
}

/** As bash says it, and as sh does; others say "not found" of other things. */
function missingIn(line: string): string | undefined {
  if (line.endsWith(NO_COMMAND)) return line.slice(0, -NO_COMMAND.length).split(": ").at(-1);
  return /^(?:\/bin\/)?sh: [0-9]{1,6}: ([^:]{1,80}): not found$/.exec(line.slice(0, 200))?.[1];
}

// --- what the gateway and the kernel know ----------------------------------------------------

function explainStatus(failure: Failure, bounds: Bounds): string | null {
  switch (failure.status) {
    case "timeout":
      return explainTimeout(failure, bounds);
    case "out_of_memory":
      return explainOutOfMemory(failure, bounds);
    case "output_limit":
      return "Print and display less: a summary, or the first lines; what is long can go to a file in /workspace.";
    case "killed":
      return explainText(failure, bounds) ?? explainDeath(failure);
    case "error":
    case "interrupted":
      return explainText(failure, bounds);
    case "ok":
      return null;
  }
}

function explainTimeout(failure: Failure, { timeoutMsMax }: Bounds): string {
  const { timeoutMs, sessionGoesOn } = failure;
  const most = `${timeoutMsMax / 1000} s`;
  const allowed =
    timeoutMs < timeoutMsMax ? `"timeout" may be up to ${most}` : `${most} is the most there is`;
  const fate = sessionGoesOn
    ? "the session goes on, with its variables and files"
    : "variables stay between runs that end in time, and those of this session are lost";
  if (triesNetwork(failure)) {
    return `${NO_NETWORK} The code tried again until it was stopped after ${timeoutMs / 1000} s; ${fate}.`;
  }
  return `The run was stopped after ${timeoutMs / 1000} s; ${allowed}. Make it faster, or divide the work into several runs: ${fate}.`;
}

function explainOutOfMemory(failure: Failure, bounds: Bounds): string {
  const fate = failure.sessionGoesOn
    ? "A child process was ended; the session goes on."
    : "The session's variables and files are lost.";
  return `${fate} The sandbox used up to ${megabytes(failure.memoryPeakBytes)}. ${adviseOnMemory(failure, bounds)}`;
}

const CRASH_SIGNALS: ReadonlySet<number> = new Set([4, 6, 7, 8, 11]);

function explainDeath({ kernelExitCode: exitCode, events }: Failure): string | null {
  // Where a limit was met, that is the likelier cause, and is told.
  if (exitCode === undefined || events.oomKills > 0 || events.processesRefused > 0) return null;
  if (exitCode >= 0) {
    return "os._exit() or native code ended the interpreter. sys.exit() ends a run as well and keeps the session.";
  }
  if (CRASH_SIGNALS.has(-exitCode)) {
    return "Native code crashed: usual causes are ctypes, very deep recursion and a library that was given wrong data. No limit of the sandbox did this.";
  }
  return "Memory did not run out and no limit of the sandbox did this: the code sent the signal itself, or somebody on the host did.";
}

function explainProcesses({ events }: Failure, { processes }: Bounds): string | null {
  if (events.processesRefused === 0) return null;
  return `The limit of ${processes} processes and threads for the whole sandbox was reached. Start fewer at a time (n_jobs, max_workers, processes), and end those that earlier runs have left.`;
}

/** Where memory ran out on the way to another end: a child was killed, and its parent waits for it. */
function explainMemoryEvent(failure: Failure, bounds: Bounds): string | null {
  if (failure.status === "out_of_memory" || failure.events.oomKills === 0) return null;
  return `Memory ran out during the run, and a child process was ended for it. ${adviseOnMemory(failure, bounds)}`;
}
