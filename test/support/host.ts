/**
 * What the host looks like from outside a server: processes, mounts, cgroups and run-time files.
 * The suites use it to prove that a stopped server leaves nothing behind. Everything is read from
 * /proc and /sys directly, so the proof does not depend on the code under test.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export interface HostProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** Start time in clock ticks; with the pid it names a process even after the pid is reused. */
  readonly startedAt: string;
  readonly uid: number;
  readonly state: string;
  readonly commandLine: string;
  readonly cgroup: string;
}

/** Ordinary accounts end at 65535; sandboxes get their own ranges above that. */
const sandboxUidMinimum = 65_536;

const runtimeDirectory = "/run/glovebox";
const cgroupRoot = "/sys/fs/cgroup";

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Processes and cgroups vanish while they are listed; a vanished one counts as absent.
    return "";
  }
}

function readProcess(pid: number): HostProcess | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  const afterName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parentPid] = afterName;
  const startedAt = afterName[19];
  if (state === undefined || parentPid === undefined || startedAt === undefined) {
    return undefined;
  }
  const uid = /^Uid:\s+(\d+)/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1];
  return {
    pid,
    parentPid: Number(parentPid),
    startedAt,
    uid: Number(uid ?? -1),
    state,
    commandLine: readOrEmpty(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim(),
    cgroup: readOrEmpty(`/proc/${pid}/cgroup`),
  };
}

export function listProcesses(): HostProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((process) => process !== undefined);
}

/** The process itself and everything below it. */
export function listProcessTree(rootPid: number): HostProcess[] {
  const all = listProcesses();
  const members = new Set([rootPid]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const process of all) {
      if (members.has(process.parentPid) && !members.has(process.pid)) {
        members.add(process.pid);
        grown = true;
      }
    }
  }
  return all.filter((process) => members.has(process.pid));
}

export function isSandboxProcess(process: HostProcess): boolean {
  return process.uid >= sandboxUidMinimum || process.cgroup.includes("/glovebox/");
}

export function processKey(process: HostProcess): string {
  return `${process.pid}@${process.startedAt}`;
}

export function describeProcess(process: HostProcess): string {
  const { pid, uid, state, commandLine } = process;
  return `process ${pid} (uid ${uid}, ${state}): ${commandLine || "no command line"}`;
}

export function listMounts(needles: readonly string[]): string[] {
  return readOrEmpty("/proc/mounts")
    .split("\n")
    .filter((line) => needles.some((needle) => line.includes(needle)));
}

/** Directories that belong to the product in every hierarchy, of cgroup v1 and v2 alike. */
export function listCgroups(): string[] {
  const found: string[] = [];
  const visit = (directory: string, depth: number): void => {
    for (const name of listDirectories(directory)) {
      const path = join(directory, name);
      if (path.includes("glovebox")) {
        found.push(path);
      }
      if (depth < 6) {
        visit(path, depth + 1);
      }
    }
  };
  visit(cgroupRoot, 0);
  return found;
}

export function listRuntimeFiles(): string[] {
  return listFilesBelow(runtimeDirectory);
}

export function listFilesBelow(directory: string): string[] {
  if (!existsSync(directory)) {
    return [];
  }
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) =>
    join(directory, name),
  );
}

function listDirectories(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => {
      const entry = statSync(join(path, name), { throwIfNoEntry: false });
      return entry?.isDirectory() ?? false;
    });
  } catch {
    return [];
  }
}

/** Resolves when the check holds, and fails with the last reason when the time is over. */
export async function eventually(
  check: () => Promise<string | undefined> | string | undefined,
  timeoutMs: number,
  intervalMs = 100,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const reason = await check();
    if (reason === undefined) {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(`after ${timeoutMs} ms still: ${reason}`);
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
