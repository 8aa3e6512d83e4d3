/**
 * Judges what the kernel says about a sandbox, as the keeper has read it from outside, and what the
 * probe has found inside.
 */

import { readlinkSync } from "node:fs";
import { USER_ID, WARDEN_ID } from "../../config/agreement.js";
import type { ConfinementPlan } from "../plan.js";
import type { Protection } from "../verification.js";
import type { ProcessFacts, SandboxFacts } from "./keeper-client.js";
import type { ProbeAnswer } from "./probe.js";

/** What is shown for a check that the probe has passed. */
const INSIDE: Readonly<Record<string, string>> = {
  user_identity: `runs as uid ${USER_ID} without further groups`,
  root_out_of_reach: "cannot become root inside",
  capabilities: "every capability set is empty",
  no_new_privileges: "no program gains anything by being executed",
  system_call_filter: "calls that no workload needs are refused",
  foreign_abis: "x32 and the 32-bit table are refused",
  sockets: "rare, raw and packet sockets are refused",
  network: "only a loopback of its own; nothing else can be reached",
  read_only_root: "the root file system cannot be written",
  writable_places: "writable places are capped, and take neither set-uid files nor devices",
  mounts: "only the expected mounts show",
  shared_folders:
    "shared folders are mounted as configured, without set-uid files, devices and programs",
  devices: "only five harmless devices",
  switches_of_the_host: "the host's switches in /proc cannot be written",
  other_processes: "neither the warden nor any other process is in reach",
  descriptors: "no descriptor but its own pipes, channel and lock",
  resource_limits: "limits of open files, core dumps and queues are in force",
};

const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] as const;
/** Namespaces that the keeper has of its own, so that differing from the host's is not enough. */
const KEEPERS = ["ipc", "mnt", "net", "uts"] as const;
const CAPABILITIES = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] as const;
/** Lines of /proc/PID/status that privilegeProblem() looks at. */
export const PRIVILEGE_FIELDS = ["Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", ...CAPABILITIES];
const SECCOMP_FILTERING = "2";
const CPU_TOLERANCE = 0.01;
const PAGE_BYTES = 4096;
/** Warden and porter are more processes than user code may have. */
const OWN_PROCESSES = 2;

type Check = readonly [name: string, good: string, problem: string | undefined];

/** Identities of this process's namespaces, which are the host's. */
export function ownNamespaces(): Record<string, string> {
  return Object.fromEntries(
    NAMESPACES.map((kind) => [kind, readlinkSync(`/proc/self/ns/${kind}`)]),
  );
}

/** Every protection of one sandbox, verified or not. `host` are the namespaces of the host. */
export function judgeSandbox(
  host: Readonly<Record<string, string>>,
  facts: SandboxFacts,
  answer: ProbeAnswer,
  plan: ConfinementPlan,
): Protection[] {
  const inside = Object.entries(INSIDE).map(
    ([name, good]): Check => [
      `inside.${name}`,
      good,
      name in answer ? (answer[name] ?? undefined) : "the probe did not try it",
    ],
  );
  return [...inside, ...judgeOutside(host, facts, plan)].map(([name, good, problem]) => ({
    name,
    verified: problem === undefined,
    detail: problem ?? good,
  }));
}

function judgeOutside(
  host: Readonly<Record<string, string>>,
  facts: SandboxFacts,
  plan: ConfinementPlan,
): Check[] {
  const { kernel, warden, host_uids: uids } = facts;
  const both = [
    ["kernel", kernel, uids.user],
    ["warden", warden, uids.warden],
  ] as const;
  return [
    ["outside.namespaces", "all namespaces differ from the host's", sharedNamespaces(host, facts)],
    ...both.map(
      ([who, process, uid]): Check => [
        `outside.${who}_privileges`,
        `the ${who} is an ordinary host user of this sandbox alone, filtered, without capabilities`,
        privilegeProblem(process, uid),
      ],
    ),
    [
      "outside.porter_privileges",
      "the porter has the user's rights over files alone, and is filtered, without capabilities",
      porterProblem(facts),
    ],
    ["outside.id_map", "root of the host has no name inside", idMapProblem(facts)],
    ["outside.memory_limit", "the kernel limits memory, swap included", memoryProblem(facts, plan)],
    [
      "outside.process_limit",
      "the kernel limits processes and threads",
      facts.limits.processes === plan.processes + OWN_PROCESSES
        ? undefined
        : `the limit is ${facts.limits.processes}`,
    ],
    [
      "outside.cpu_limit",
      "the kernel limits the share of the processors",
      Math.abs(facts.limits.cpu_cores - plan.cpu_cores) <= CPU_TOLERANCE
        ? undefined
        : `the limit is ${facts.limits.cpu_cores} cores`,
    ],
    [
      "outside.memory_pressure",
      "the kernel picks user code first when the host runs out of memory",
      kernel.oom_score_adj > warden.oom_score_adj
        ? undefined
        : `the scores are ${kernel.oom_score_adj} and ${warden.oom_score_adj}`,
    ],
    ["outside.control_groups", "all processes are in the sandbox's groups", groupProblem(facts)],
  ];
}

function sharedNamespaces(
  host: Readonly<Record<string, string>>,
  { keeper, kernel, warden, porter }: SandboxFacts,
): string | undefined {
  const shared = NAMESPACES.filter(
    (kind) => !kernel.namespaces[kind] || kernel.namespaces[kind] === host[kind],
  );
  const withKeeper = KEEPERS.filter((kind) => kernel.namespaces[kind] === keeper[kind]);
  if (shared.length + withKeeper.length > 0) {
    return `shared with the host: ${shared.join(", ")}; with the keeper: ${withKeeper.join(", ")}`;
  }
  const others = porter ? [warden, porter] : [warden];
  const apart = NAMESPACES.filter(
    (kind) =>
      kind !== "cgroup" && others.some((one) => one.namespaces[kind] !== kernel.namespaces[kind]),
  );
  return apart.length > 0 ? `its processes do not share: ${apart.join(", ")}` : undefined;
}

/** What is wrong with one process's ids, capabilities and switches, if anything. */
export function privilegeProblem(
  { status }: Pick<ProcessFacts, "status">,
  hostUid: number,
  /** The one by which access to files is decided. */
  fileUid = hostUid,
): string | undefined {
  const ids = [hostUid, hostUid, hostUid, fileUid].join(" ");
  const expected: Record<string, string> = {
    Uid: ids,
    Gid: ids,
    Groups: "",
    NoNewPrivs: "1",
    Seccomp: SECCOMP_FILTERING,
  };
  for (const [name, value] of Object.entries(expected)) {
    if (status[name] !== value) return `${name} is "${status[name]}" instead of "${value}"`;
  }
  const held = CAPABILITIES.find((name) => !/^0+$/.test(status[name] ?? ""));
  return held && `${held} is ${status[held]}`;
}

/** User code can reach no process whose real, effective and saved ids are the warden's. */
function porterProblem(facts: SandboxFacts): string | undefined {
  const { porter, host_uids: uids } = facts;
  return porter ? privilegeProblem(porter, uids.warden, uids.user) : "there is none";
}

function idMapProblem({ kernel, host_uids: uids }: SandboxFacts): string | undefined {
  const expected = `${WARDEN_ID} ${uids.warden} 1 ${USER_ID} ${uids.user} 1`;
  const wrong = [kernel.uid_map, kernel.gid_map].find((map) => map !== expected);
  return wrong === undefined ? undefined : `the map is "${wrong}"`;
}

function memoryProblem(
  { limits }: SandboxFacts,
  { memory_bytes: planned }: ConfinementPlan,
): string | undefined {
  const exceeded = [limits.memory_bytes, limits.memory_and_swap_bytes].some(
    (bytes) => bytes <= 0 || bytes > planned + PAGE_BYTES,
  );
  return exceeded
    ? `the limit is ${limits.memory_bytes}, with swap ${limits.memory_and_swap_bytes}`
    : undefined;
}

const GROUP = /\/glovebox\/[0-9a-f]+\/([0-9]+-[a-z0-9]+)/;

function groupProblem({ kernel, warden, porter }: SandboxFacts): string | undefined {
  const controllers = (process: ProcessFacts) =>
    new Set(
      process.cgroups
        .filter((line) => GROUP.test(line))
        .flatMap((line) => (line.split(":")[1] ?? "").split(",")),
    );
  const missing = (found: ReadonlySet<string>, needed: readonly string[]) =>
    // The one line of version 2 names no controllers.
    found.has("") ? [] : needed.filter((name) => !found.has(name));
  const absent = [
    ...missing(controllers(kernel), ["memory", "pids", "cpu", "cpuacct"]),
    ...[warden, porter].flatMap((process) =>
      process ? missing(controllers(process), ["memory", "pids"]) : [],
    ),
  ];
  if (absent.length > 0) return `not in the groups of: ${absent.join(", ")}`;
  const lines = [...kernel.cgroups, ...warden.cgroups, ...(porter?.cgroups ?? [])];
  const sandboxes = new Set(lines.flatMap((line) => GROUP.exec(line)?.[1] ?? []));
  return sandboxes.size === 1 ? undefined : `in the groups of ${[...sandboxes].join(", ")}`;
}
