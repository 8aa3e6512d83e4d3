/**
 * What an exception, or the last words of a child process, say of the sandbox: its missing network, what is full, what it
 * refuses, what is not there. The text is the run's own and can be forged, which misleads its author only; it is
 * bounded before it is searched.
 */

import type { Bounds, Failure } from "./failure.js";

export const NO_NETWORK =
  "This sandbox has no network access: no name is resolved, and no address but its own loopback can be reached. Nothing can be downloaded or installed; put the data into the code, and use the packages that are there.";

export const NOT_AMONG_WHEELS =
  'Packages come from the server\'s folder of wheels, as there is no network: "!ls /opt/wheels" shows what it holds.';

/** What an interrupted library has met before, and tries again. */
const NETWORK_PHRASES = [
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
];

export function triesNetwork(failure: Failure): boolean {
  const texts = [...otherTexts(failure), failure.stderr.slice(-LAST_WORDS_CHARACTERS_MAX)];
  return texts.some((text) => NETWORK_PHRASES.some((phrase) => text.includes(phrase)));
}

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
    phrases: NETWORK_PHRASES,
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
    say: (text, _, { diskBytes, diskInodes, homeBytes, homeInodes }) => {
      const [bytes, inodes] = text.includes("'/tmp/home")
        ? [homeBytes, homeInodes]
        : [diskBytes, diskInodes];
      return `${fullPlace(text)} is full: it holds at most ${megabytes(bytes)} in ${inodes} files and directories. Write less, or delete files that are not needed.`;
    },
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
    phrases: ["Unable to find a usable engine; tried using: 'pyarrow'"],
    chained: false,
    say: () =>
      'Parquet, Feather and ORC need pyarrow, which the sandbox does not have. Write CSV, Excel, HDF5 ("to_hdf") or pickle, or let the operator offer pyarrow in a folder of wheels (WHEEL_DIR).',
  },
  {
    phrases: [
      "no display name and no $DISPLAY",
      "connect to display",
      "could not find a copy/paste mechanism",
      "could not locate runnable browser",
    ],
    chained: true,
    say: () =>
      "The sandbox has no screen, no browser and no clipboard. Show figures and tables as results of the cell, or write them to a file.",
  },
  {
    phrases: [
      "asyncio.run() cannot be called from a running event loop",
      "event loop is already running",
    ],
    chained: true,
    say: () =>
      'The code runs in an event loop already, as in a notebook: write "await main()" instead.',
  },
  {
    phrases: ["kaleido"],
    chained: false,
    say: () =>
      'plotly makes pictures by a browser, which the sandbox does not have. Show the figure itself, write it by "write_html", or draw it by matplotlib.',
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

export function explainText(failure: Failure, bounds: Bounds): string | null {
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
export const LAST_WORDS_CHARACTERS_MAX = 2048;

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

export const NO_COMMAND = ": command not found";

export function missingProgram(name: string): string {
  return `There is no program ${name.slice(0, 80)} in the sandbox, and no network to install it from. "!ls /usr/bin" shows what there is; much of it Python can do itself.`;
}

/** A file that is not there, or the program of a child process. */
export function explainMissing(failure: Failure): string | null {
  const { status, ename, evalue, traceback, nearby = [] } = failure;
  if (status !== "error" || ename !== "FileNotFoundError") return null;
  const path = /'([^'\n]{1,300})'/.exec(boundedEnds(evalue))?.[1];
  if (path === undefined) return null;
  const isProgram = !path.includes("/") && endOf(traceback).includes("_execute_child");
  if (isProgram) return missingProgram(path);
  const names = nearby.map((name) => name.replaceAll(/[\n\r]/g, "?")).join(", ");
  const there = names === "" ? "/workspace is empty" : `/workspace has ${names}`;
  return `${path} is not there; ${there}. Files come in with the run ("files"), or before it by PUT /sessions/{id}/files/NAME.`;
}

// --- wording ---------------------------------------------------------------------------------

export function adviseOnMemory({ memoryBytes }: Failure, { memoryBytesMax }: Bounds): string {
  const more =
    memoryBytes < memoryBytesMax
      ? `, or ask for more by "memory_limit", up to ${megabytes(memoryBytesMax)}`
      : "";
  return `The limit is ${megabytes(memoryBytes)} for everything together, child processes and files in /workspace and /tmp included. Work in smaller pieces, use smaller types, delete what is not needed${more}.`;
}

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

const WRITABLE_PLACES = ["/workspace", "/tmp/home", "/tmp", "/dev/shm"] as const;

function isWritablePlace(text: string): boolean {
  return WRITABLE_PLACES.some((place) => text.includes(`'${place}`));
}

/** Where the exception names no path, any of them can be meant. */
function fullPlace(text: string): string {
  const place = WRITABLE_PLACES.find((one) => text.includes(`'${one}`));
  return place ?? "The place written to (/workspace, /tmp or /dev/shm)";
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
