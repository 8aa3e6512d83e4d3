/** What a server holds of its host's resources at one moment, read from /proc and /sys. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type HostProcess, listFilesBelow, listProcesses } from "../support/host.ts";
import { findRoles, findSandboxes } from "../support/roles.ts";
import type { TestServer } from "../support/server.ts";

const MIB = 2 ** 20;

/** In the order of the table. `growthMax` is what may come on top under load, with its reason. */
export const figures = {
  "gateway MiB": { growthMax: 48, reason: "V8 gives memory back when it likes" },
  "gateway descriptors": {
    growthMax: 40,
    reason: "each sandbox has five; the number of sandboxes varies",
  },
  "keeper MiB": { growthMax: 8, reason: "an allocator's fragments" },
  "keeper descriptors": { growthMax: 30, reason: "each sandbox has two or three" },
  "zygote MiB": {
    growthMax: 40,
    reason: "its own pages, copied by forks; a new one differs a little",
  },
  "zygote descriptors": { growthMax: 8, reason: "those of a fork under way" },
  "supervisor MiB": { growthMax: 16, reason: "V8" },
  "supervisor descriptors": { growthMax: 2, reason: "nothing happens there" },
  zombies: { growthMax: 5, reason: "each is one for a moment" },
  processes: { growthMax: 60, reason: "bombs have up to fifty" },
  porters: { growthMax: 10, reason: "one for each session with files" },
  "sandbox groups": { growthMax: 60, reason: "about ten for each sandbox" },
  "mounts of the host": { growthMax: 0, reason: "sandboxes mount in namespaces of their own" },
  "mounts of the keeper": { growthMax: 0, reason: "the same" },
  "files in the run directory": { growthMax: 0, reason: "two sockets and a mount point" },
  "files of the state": {
    growthMax: 3,
    reason: "the audit log is kept in parts; bodies are never",
  },
} as const satisfies Record<string, { growthMax: number; reason: string }>;

export type Figure = keyof typeof figures;
export type Sample = Readonly<Record<Figure, number>>;

export function takeSample(server: TestServer): Sample {
  const { supervisor, gateway, keeper, zygotes, others } = findRoles(server);
  const tree = [supervisor, gateway, keeper, ...zygotes, ...others].filter(
    (one) => one !== undefined,
  );
  const left = server.leftovers();
  const count = (kind: string): number => left.filter((line) => line.startsWith(kind)).length;
  const newest = zygotes.at(-1);
  return {
    "gateway MiB": residentMib(gateway),
    "gateway descriptors": descriptors(gateway) - clientConnections(server, gateway),
    "keeper MiB": residentMib(keeper),
    "keeper descriptors": descriptors(keeper),
    "zygote MiB": residentMib(newest),
    "zygote descriptors": descriptors(newest),
    "supervisor MiB": residentMib(supervisor),
    "supervisor descriptors": descriptors(supervisor),
    zombies: countZombies(new Set(tree.map(({ pid }) => pid))),
    processes: tree.length,
    porters: findSandboxes(server).filter(({ porter }) => porter !== undefined).length,
    "sandbox groups": count("cgroup "),
    "mounts of the host": count("mount "),
    "mounts of the keeper": keeper ? lines(`/proc/${keeper.pid}/mountinfo`) : 0,
    "files in the run directory": count("file "),
    "files of the state": listFilesBelow(server.stateDir).length,
  };
}

/** Of the gateway's event loop since its start: how long it ran, and how long it could have and had no processor. */
export function processorSeconds(server: TestServer): { ran: number; waited: number } {
  const { gateway } = findRoles(server);
  const told = readOrEmpty(`/proc/${gateway?.pid}/schedstat`).split(" ");
  const [ran = 0, waited = 0] = told.map((ns) => Number(ns) / 1e9);
  return { ran, waited };
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // A process may end between being listed and being read.
    return "";
  }
}

function lines(path: string): number {
  return readOrEmpty(path).split("\n").length - 1;
}

function residentMib(process: HostProcess | undefined): number {
  const status = process ? readOrEmpty(`/proc/${process.pid}/status`) : "";
  return Math.round((Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024) / MIB);
}

function descriptors(process: HostProcess | undefined): number {
  return listDescriptors(process).length;
}

function listDescriptors(process: HostProcess | undefined): string[] {
  try {
    return process ? readdirSync(`/proc/${process.pid}/fd`) : [];
  } catch {
    return [];
  }
}

/** Clients keep connections as they like; only they say how many. */
function clientConnections(server: TestServer, gateway: HostProcess | undefined): number {
  const port = Number(new URL(server.baseUrl).port).toString(16).toUpperCase().padStart(4, "0");
  const inodes = new Set<string>();
  for (const line of readOrEmpty("/proc/net/tcp").split("\n")) {
    const fields = line.trim().split(/\s+/);
    const isListening = fields[3] === "0A";
    if (fields[1]?.endsWith(`:${port}`) && !isListening) inodes.add(`socket:[${fields[9]}]`);
  }
  const targets = listDescriptors(gateway).map((name) => {
    try {
      return readlinkSync(`/proc/${gateway?.pid}/fd/${name}`);
    } catch {
      return "";
    }
  });
  return targets.filter((target) => inodes.has(target)).length;
}

function countZombies(parents: ReadonlySet<number>): number {
  return listProcesses().filter(({ state, parentPid }) => state === "Z" && parents.has(parentPid))
    .length;
}
