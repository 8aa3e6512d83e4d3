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
  readonly events: KernelEvents;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
}

export function boundsOf(config: Config): Bounds {
  const plan = planConfinement(config);
  return Object.freeze({
    timeoutMsMax: config.executionTimeMsMax,
    memoryBytesMax: config.memoryBytesMax,
    processes: plan.processes,
    openFiles: plan.open_files,
    diskBytes: plan.workspace_bytes,
    diskInodes: plan.workspace_inodes,
    hasWheels: plan.mounts.includes(WHEELS_MOUNT),
  });
}

/** Null when the sandbox has nothing to do with it. */
export function explainFailure(failure: Failure, bounds: Bounds): string | null {
  const causes = [explainRestart, explainStatus, explainProcesses, explainMemoryEvent];
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

function explainTimeout({ timeoutMs, sessionGoesOn }: Failure, { timeoutMsMax }: Bounds): string {
  const most = `${timeoutMsMax / 1000} s`;
  const allowed =
    timeoutMs < timeoutMsMax ? `"timeout" may be up to ${most}` : `${most} is the most there is`;
  const fate = sessionGoesOn
    ? "the session goes on, with its variables and files"
    : "variables stay between runs that end in time, and those of this session are lost";
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

function adviseOnMemory({ memoryBytes }: Failure, { memoryBytesMax }: Bounds): string {
  const more =
    memoryBytes < memoryBytesMax
      ? `, or ask for more by "memory_limit", up to ${megabytes(memoryBytesMax)}`
      : "";
  return `The limit is ${megabytes(memoryBytes)} for everything together, child processes and files in /workspace and /tmp included. Work in smaller pieces, use smaller types, delete what is not needed${more}.`;
}

// --- what the exception says -----------------------------------------------------------------

const NO_NETWORK =
  "This sandbox has no network access: no name is resolved, and no address but its own loopback can be reached. Nothing can be downloaded or installed; put the data into the code, and use the packages that are there.";

const NOT_AMONG_WHEELS =
  'Packages come from the server\'s folder of wheels, as there is no network: "!ls /opt/wheels" shows what it holds.';

interface TextRule {
  readonly phrases: readonly string[];
  /** Whether an exception further up the chain, or the last words of a child, may say it too. */
  readonly chained: boolean;
  /** `text` is what has the phrase. Null: it is not the sandbox's doing after all. */
  readonly say: (text: string, failure: Failure, bounds: Bounds) => string | null;
}

/** The first that has something to say counts. */
const TEXT_RULES: readonly TextRule[] = [
  {
    phrases: ["[Errno 111]", "Connection refused"],
    chained: true,
    say: () =>
      "Nothing listens at that address. Inside, 127.0.0.1 is the sandbox's own loopback and not the host's: start the server in the same session, or do without it.",
  },
  {
    phrases: [
      "name resolution",
      "Name or service not known",
      "No address associated with hostname",
      "NameResolutionError",
      "Failed to resolve",
      "Could not resolve",
      "getaddrinfo failed",
      "Could not contact DNS servers",
      "[Errno -2]",
      "[Errno -3]",
      "[Errno -5]",
      "Network is unreachable",
      "[Errno 101]",
      "No route to host",
      "[Errno 113]",
      "Cannot assign requested address",
      "[Errno 99]",
      "Cannot connect to host",
      "All connection attempts failed",
    ],
    chained: true,
    say: () => NO_NETWORK,
  },
  {
    phrases: ["Could not find a version that satisfies the requirement"],
    chained: true,
    say: (_, __, { hasWheels }) => (hasWheels ? NOT_AMONG_WHEELS : NO_NETWORK),
  },
  {
    phrases: [
      "[Errno 28]",
      "No space left on device",
      "Not enough free space to write",
      "database or disk is full",
    ],
    chained: true,
    say: (text, _, { diskBytes, diskInodes }) =>
      `${fullPlace(text)} is full: it holds at most ${megabytes(diskBytes)} in ${diskInodes} files and directories. Write less, or delete files that are not needed.`,
  },
  {
    phrases: ["[Errno 30]", "Read-only file system", "attempt to write a readonly database"],
    chained: true,
    say: () =>
      "The file system of the sandbox is read-only. Write to /workspace, which is the working directory, or to /tmp.",
  },
  {
    phrases: ["[Errno 24]", "Too many open files"],
    chained: true,
    say: (_, __, { openFiles }) =>
      `A process may have ${openFiles} files, pipes and sockets open. Close them when they are done with, best by "with", those of earlier runs too.`,
  },
  {
    phrases: [
      "MemoryError",
      "Unable to allocate",
      "[Errno 12]",
      "Cannot allocate memory",
      "std::bad_alloc",
    ],
    chained: true,
    say: (_, failure, bounds) => adviseOnMemory(failure, bounds),
  },
  {
    phrases: ["[Errno 1]", "Operation not permitted"],
    chained: true,
    say: () =>
      "The sandbox refuses privileged operations, and system calls that are not on its list: mounting, tracing, raw and rare sockets, namespaces, clocks, priorities, other users. Nothing inside can change that; do it without.",
  },
  {
    phrases: ["[Errno 38]", "Function not implemented"],
    chained: true,
    say: () => "This system call is not available in the sandbox; use another way to do the same.",
  },
  {
    phrases: ["[Errno 13]", "Permission denied"],
    chained: false,
    say: (text) =>
      isWritablePlace(text)
        ? null
        : "The code runs as uid 1000 without privileges: files of other users and ports below 1024 are out of its reach. Use /workspace, /tmp, and ports from 1024.",
  },
  {
    phrases: ["[Errno 22]"],
    chained: false,
    // Ids that are not mapped are invalid and not merely forbidden.
    say: (_, { traceback }) =>
      /\b(?:[lf]?chown|set(?:e|re|res)?[ug]id)\(/.test(endOf(traceback))
        ? "The sandbox has one user, uid and gid 1000: nothing can be given to another user or run as one."
        : null,
  },
  {
    phrases: ["input() is not available: nobody can answer"],
    chained: false,
    say: () =>
      "Nobody can answer input() here. Put the value into the code, or let the run ask: allow_input, and POST /sessions/{id}/input.",
  },
  {
    phrases: ["No module named "],
    chained: false,
    say: (text, _, { hasWheels }) => {
      const name = /No module named '([\w.]{1,80})'$/.exec(text)?.[1];
      if (name === undefined) return null;
      if (hasWheels) {
        return `${name} is not installed. "!ls /opt/wheels" shows what "%pip install" can install, "%pip list" what is there; modules of your own are found in /workspace.`;
      }
      return `${name} is not installed, and there is no network to install it from. Among others ${PACKAGES.join(", ")} are there, "%pip list" shows all; modules of your own are found in /workspace.`;
    },
  },
];

/** Suggested instead of a missing package; rootfs/packages.txt has all. */
export const PACKAGES: readonly string[] = [
  "numpy",
  "pandas",
  "scipy",
  "sklearn",
  "statsmodels",
  "matplotlib",
  "seaborn",
  "plotly",
  "sympy",
  "networkx",
  "requests",
  "openpyxl",
];

function explainText(failure: Failure, bounds: Bounds): string | null {
  const last = boundedEnds(`${failure.ename}: ${failure.evalue}`);
  const others = otherTexts(failure);
  for (const rule of TEXT_RULES) {
    for (const text of rule.chained ? [last, ...others] : [last]) {
      if (!rule.phrases.some((phrase) => text.includes(phrase))) continue;
      const sentence = rule.say(text, failure, bounds);
      if (sentence !== null) return sentence;
    }
  }
  return null;
}

const EXCEPTION_LINE = /^[ |]*[A-Za-z_][\w.]*: /;
const LINE_CHARACTERS_MAX = 1000;
/** Whose exceptions only say that a child failed; the child said why. */
const CHILD_FAILURES: ReadonlySet<string> = new Set(["CalledProcessError"]);
const LAST_WORDS_CHARACTERS_MAX = 2048;

/** The exceptions that led to the last one, newest first, and the last words of a child that had none. */
function otherTexts({ status, ename, traceback, stderr }: Failure): string[] {
  const chain = endOf(traceback)
    .split("\n")
    .map((line) => line.slice(0, LINE_CHARACTERS_MAX))
    .filter((line) => EXCEPTION_LINE.test(line))
    .reverse();
  if (status !== "killed" && !CHILD_FAILURES.has(ename)) return chain;
  return [...chain, stderr.slice(-LAST_WORDS_CHARACTERS_MAX)];
}

// --- wording ---------------------------------------------------------------------------------

const END_CHARACTERS_MAX = 16_384;
const ENDS_CHARACTERS_MAX = 4096;

/** No more of it is joined than is looked at. */
function endOf(traceback: readonly string[]): string {
  let first = traceback.length;
  for (let characters = 0; first > 0 && characters < END_CHARACTERS_MAX; first--) {
    characters += traceback[first - 1]?.length ?? 0;
  }
  return traceback.slice(first).join("\n").slice(-END_CHARACTERS_MAX);
}

/** Names stand at the beginning of an exception's text, causes often at its end. */
function boundedEnds(text: string): string {
  if (text.length <= 2 * ENDS_CHARACTERS_MAX) return text;
  return `${text.slice(0, ENDS_CHARACTERS_MAX)}\n${text.slice(-ENDS_CHARACTERS_MAX)}`;
}

const WRITABLE_PLACES = ["/workspace", "/tmp", "/dev/shm"] as const;

function isWritablePlace(text: string): boolean {
  return WRITABLE_PLACES.some((place) => text.includes(`'${place}`));
}

/** Where the exception names no path, any of them can be meant. */
function fullPlace(text: string): string {
  const place = WRITABLE_PLACES.find((one) => text.includes(`'${one}`));
  return place ?? "The place written to (/workspace, /tmp or /dev/shm)";
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
