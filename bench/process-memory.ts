import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface MemoryTotals {
  processes: number;
  private_bytes: number;
  pss_bytes: number;
}

/** Sums over the processes; one that ends in between is left out. */
export function memoryOf(pids: Iterable<number>): MemoryTotals {
  const totals: MemoryTotals = { processes: 0, private_bytes: 0, pss_bytes: 0 };
  for (const pid of pids) {
    const rollup = readOrEmpty(`/proc/${pid}/smaps_rollup`);
    if (rollup === "") continue;
    const bytes = (field: string) =>
      Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0) * 1024;
    totals.processes += 1;
    totals.private_bytes += bytes("Private_Clean") + bytes("Private_Dirty");
    totals.pss_bytes += bytes("Pss");
  }
  return totals;
}

/**
 * What the machine could still hand out. It also sees page tables, kernel stacks and tmpfs, but on
 * a machine that does other work as well it means nothing, so it stays out of the table.
 */
export function memoryAvailableBytes(): number {
  const match = /^MemAvailable: +(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"));
  return Number(match?.[1] ?? 0) * 1024;
}

/** Every process in a cgroup whose path below the cgroup root contains `word`, on v1 and v2. */
export function pidsInCgroups(word: string): Set<number> {
  const root = "/sys/fs/cgroup";
  const pids = new Set<number>();
  const visit = (directory: string, isInside: boolean) => {
    if (isInside) {
      for (const line of readOrEmpty(join(directory, "cgroup.procs")).split("\n")) {
        if (line !== "") pids.add(Number(line));
      }
    }
    for (const entry of directoriesIn(directory)) {
      visit(join(directory, entry), isInside || entry.includes(word));
    }
  };
  visit(root, false);
  return pids;
}

export function descendantsOf(ancestor: number): Set<number> {
  const childrenOf = new Map<number, number[]>();
  for (const entry of directoriesIn("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    // The second field is the command in parentheses and may itself contain anything.
    const stat = readOrEmpty(`/proc/${entry}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(entry)]);
  }
  const found = new Set<number>();
  const visit = (pid: number) => {
    for (const child of childrenOf.get(pid) ?? []) {
      found.add(child);
      visit(child);
    }
  };
  visit(ancestor);
  return found;
}

function directoriesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    // A cgroup or a process can vanish between being listed and being read.
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
