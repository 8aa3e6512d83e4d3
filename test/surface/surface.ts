/** What the seccomp programs that bind a process leave of the kernel. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ARCH_I386,
  ARCH_X86_64,
  decodeProgram,
  type Program,
  reachOf,
  X32_BIT,
} from "./classic-bpf.ts";

export const surfaceDirectory = dirname(fileURLToPath(import.meta.url));
export const repositoryRoot = join(surfaceDirectory, "../..");

/** Beyond the highest number of either table, so that unnamed numbers are counted as well. */
const NUMBER_LIMIT = 1024;
const FAMILY_LIMIT = 46;
const SIGCHLD = 17;
const TIOCSTI = 0x5412;

export const namespaceFlags = {
  cgroup: 0x02000000,
  ipc: 0x08000000,
  mount: 0x00020000,
  network: 0x40000000,
  pid: 0x20000000,
  user: 0x10000000,
  uts: 0x04000000,
} as const;

/** 0xffffffff only asks which personality is set. */
export const personalities = {
  PER_LINUX: 0,
  PER_LINUX32: 8,
  UNAME26: 0x0020000,
  ADDR_NO_RANDOMIZE: 0x0040000,
  MMAP_PAGE_ZERO: 0x0100000,
  READ_IMPLIES_EXEC: 0x0400000,
  ADDR_COMPAT_LAYOUT: 0x0200000,
  query: 0xffffffff,
} as const;

/** Names and numbers of the x86_64 table. */
export type CallTable = Readonly<Record<string, number>>;

export interface Surface {
  /** Calls of the native table that pass with some arguments. */
  readonly native: readonly string[];
  /** Numbers that pass and have no name in the table. */
  readonly unnamed: readonly number[];
  /** Calls for which passing could be neither shown nor ruled out. */
  readonly unproven: readonly string[];
  /** How many numbers of the 32-bit table, behind int 0x80, pass. */
  readonly i386: number;
  readonly x32: number;
  readonly cloneNamespaces: readonly string[];
  readonly unshareNamespaces: readonly string[];
  readonly clone3: boolean;
  readonly tiocsti: boolean;
  readonly personalities: readonly string[];
  readonly families: readonly number[];
}

export function readCallTable(): CallTable {
  const path = join(repositoryRoot, "packages/server/guest/_glovebox/policy/syscalls_x86_64.json");
  return JSON.parse(readFileSync(path, "utf8")) as CallTable;
}

/**
 * The programs of a process, by ptrace from the Python of a tree, because a host need not have one.
 * Fails for a process of which a thread is bound by fewer programs than the first.
 */
export function readPrograms(pid: number, treeWithPython: string): Program[] {
  assertSameForAllThreads(pid);
  const script = readFileSync(join(surfaceDirectory, "read-filters.py"), "utf8");
  const command = [treeWithPython, "python3", "-I", "-B", "-", String(pid)];
  const { status, stdout, stderr } = spawnSync("chroot", command, {
    input: script,
    encoding: "utf8",
    maxBuffer: 64 * 2 ** 20,
  });
  if (status !== 0) {
    throw new Error(`the seccomp programs of process ${pid} cannot be read: ${stderr.trim()}`);
  }
  return (JSON.parse(stdout) as string[]).map(decodeProgram);
}

function assertSameForAllThreads(pid: number): void {
  const counts = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    return /^Seccomp_filters:\s+(\d+)/m.exec(text)?.[1];
  });
  if (new Set(counts).size !== 1) {
    throw new Error(`the threads of process ${pid} have different filters: ${counts.join(", ")}`);
  }
}

export function surfaceOf(programs: readonly Program[], table: CallTable): Surface {
  const passes = (number: number, args: Readonly<Record<number, number>> = {}): boolean =>
    reachOf(programs, { number, arch: ARCH_X86_64, args }) === "reachable";
  const passesByName = (name: string, args: Readonly<Record<number, number>> = {}): boolean =>
    passes(numberOf(table, name), args);
  const keysThatPass = (
    values: Readonly<Record<string, number>>,
    doesPass: (value: number) => boolean,
  ): string[] => Object.keys(values).filter((key) => doesPass(values[key] ?? 0));
  const countThatPass = (arch: number, bit: number): number =>
    allNumbers().filter(
      (number) => reachOf(programs, { number: number + bit, arch }) === "reachable",
    ).length;
  const named = new Set(Object.values(table));
  return {
    native: keysThatPass(table, (number) => passes(number)),
    unnamed: allNumbers().filter((number) => !named.has(number) && passes(number)),
    unproven: keysThatPass(
      table,
      (number) => reachOf(programs, { number, arch: ARCH_X86_64 }) === "unproven",
    ),
    i386: countThatPass(ARCH_I386, 0),
    x32: countThatPass(ARCH_X86_64, X32_BIT),
    cloneNamespaces: keysThatPass(namespaceFlags, (flag) =>
      passesByName("clone", { 0: flag | SIGCHLD }),
    ),
    unshareNamespaces: keysThatPass(namespaceFlags, (flag) => passesByName("unshare", { 0: flag })),
    clone3: passesByName("clone3"),
    tiocsti: passesByName("ioctl", { 1: TIOCSTI }),
    personalities: keysThatPass(personalities, (value) =>
      passesByName("personality", { 0: value }),
    ),
    families: Array.from({ length: FAMILY_LIMIT }, (_, family) => family).filter((family) =>
      passesByName("socket", { 0: family }),
    ),
  };
}

function allNumbers(): number[] {
  return Array.from({ length: NUMBER_LIMIT }, (_, number) => number);
}

function numberOf(table: CallTable, name: string): number {
  const number = table[name];
  if (number === undefined) throw new Error(`${name} is not in the table`);
  return number;
}

/** What `inside.py` prints: the answers that a guest got. */
export interface LiveAnswers {
  readonly calls: Readonly<Record<string, readonly string[]>>;
  readonly families: Readonly<Record<string, string>>;
  readonly namespaces: Readonly<Record<string, string>>;
  readonly foreign_abis: { readonly int80: string; readonly x32: string };
  readonly tiocsti: string;
  readonly clone3: string;
}

/** The Python that tries everything from inside, with the table in front of it. */
export function liveProbe(table: CallTable): string {
  const script = readFileSync(join(surfaceDirectory, "inside.py"), "utf8");
  return `NUMBERS = ${JSON.stringify(table)}\n${script}`;
}

export function parseLiveAnswers(text: string): LiveAnswers {
  const line = text.split("\n").find((each) => each.startsWith('{"calls"'));
  if (line === undefined) throw new Error(`the probe gave no answers: ${text.slice(-2_000)}`);
  return JSON.parse(line) as LiveAnswers;
}

/** What filters answer. A kernel that answers the same by itself is told apart by the filter's programs. */
const REFUSALS: readonly string[] = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"];

/** Calls that some set of arguments got past every such answer. */
export function answeredCalls(live: LiveAnswers): string[] {
  return Object.keys(live.calls).filter((name) =>
    live.calls[name]?.some((answer) => !REFUSALS.includes(answer)),
  );
}

export function madeFamilies(live: LiveAnswers): number[] {
  return Object.keys(live.families)
    .filter((family) => live.families[family] === "ok")
    .map(Number);
}
