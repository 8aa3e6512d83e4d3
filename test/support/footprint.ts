/** What a server has on the host: its processes while it runs, and whatever of it is left afterwards. */
import { firstHostId, IDS_PER_INSTANCE } from "../../packages/server/src/config/agreement.ts";
import {
  describeProcess,
  type HostProcess,
  listCgroups,
  listMounts,
  listProcesses,
  listProcessTree,
  listRuntimeFiles,
  processKey,
} from "./host.ts";

export interface Footprint {
  processes(): HostProcess[];
  findProcess(name: RegExp): HostProcess;
  /** What of this server still exists on the host, one line each. */
  leftovers(): string[];
}

interface Watched {
  readonly pid: number;
  readonly stateDir: string;
  readonly instance: string;
  /** Keys of the processes that were there before the server was. */
  readonly processesBefore: ReadonlySet<string>;
}

export function watchFootprint({ pid, stateDir, instance, processesBefore }: Watched): Footprint {
  const seen = new Set<string>();
  const processes = (): HostProcess[] => {
    const tree = listProcessTree(pid).filter((member) => member.state !== "Z");
    for (const member of tree) seen.add(processKey(member));
    return tree;
  };

  const leftovers = (): string[] => {
    const isOurs = (process: HostProcess): boolean =>
      seen.has(processKey(process)) ||
      process.cgroup.includes(instance) ||
      // A sandbox that lost its group on the way is known by its host id.
      (ownsUid(instance, process.uid) && !processesBefore.has(processKey(process)));
    const names = [stateDir, instance];
    const includesName = (text: string): boolean => names.some((name) => text.includes(name));
    return [
      ...listProcesses()
        .filter((process) => process.state !== "Z" && isOurs(process))
        .map(describeProcess),
      ...listMounts(names).map((mount) => `mount ${mount}`),
      ...listCgroups()
        .filter(includesName)
        .map((path) => `cgroup ${path}`),
      ...listRuntimeFiles()
        .filter(includesName)
        .map((path) => `file ${path}`),
    ];
  };

  const findProcess = (name: RegExp): HostProcess => {
    const tree = processes();
    const matching = tree.filter((member) => name.test(member.commandLine));
    const pids = new Set(matching.map((member) => member.pid));
    const top = matching.find((member) => !pids.has(member.parentPid));
    if (top === undefined) {
      throw new Error(
        `no process matches ${name}; there are:\n${tree.map(describeProcess).join("\n")}`,
      );
    }
    return top;
  };

  return { processes, findProcess, leftovers };
}

/** Each instance has a range of host ids of its own, which its name chooses. */
function ownsUid(instance: string, uid: number): boolean {
  const base = firstHostId(instance);
  return uid >= base && uid < base + IDS_PER_INSTANCE;
}
