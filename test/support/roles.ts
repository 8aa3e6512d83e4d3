/** Which process of a server is which, seen from the host. */
import { readFileSync } from "node:fs";
import { type HostProcess, listProcesses } from "./host.ts";
import type { TestServer } from "./server.ts";

export interface Roles {
  readonly supervisor: HostProcess | undefined;
  readonly gateway: HostProcess | undefined;
  readonly keeper: HostProcess | undefined;
  /** More than one while a worn one lives on beside its successor. */
  readonly zygotes: readonly HostProcess[];
  /** Everything else below the supervisor: sandboxes, and what is being started. */
  readonly others: readonly HostProcess[];
}

export function findRoles(server: TestServer): Roles {
  const tree = server.processes();
  const supervisor = tree.find(({ pid }) => pid === server.pid);
  const children = tree.filter(({ parentPid }) => parentPid === server.pid);
  const gateway = children.find(({ commandLine }) => commandLine.includes("glovebox.mjs gateway"));
  const keeper = children.find(({ commandLine }) => commandLine.includes("keeper.main()"));
  const zygotes = tree.filter(
    ({ parentPid, commandLine }) =>
      parentPid === keeper?.pid && commandLine.includes("zygote.main()"),
  );
  const named = new Set([supervisor, gateway, keeper, ...zygotes]);
  return { supervisor, gateway, keeper, zygotes, others: tree.filter((one) => !named.has(one)) };
}

export interface SandboxProcesses {
  /** The random part of its name. */
  readonly id: string;
  readonly warden: number | undefined;
  readonly kernel: number | undefined;
  /** It carries files; made when they are first asked for. */
  readonly porter: number | undefined;
}

/**
 * Warden and kernel are the first two of their PID namespace, and the control group tells whose. They are not below
 * the server any more when keeper or zygote have died.
 */
export function findSandboxes(server: TestServer): SandboxProcesses[] {
  const found = new Map<
    string,
    { id: string; warden?: number; kernel?: number; porter?: number }
  >();
  for (const { pid, cgroup, state } of listProcesses()) {
    if (state === "Z" || !cgroup.includes(server.instance)) continue;
    const id = /\/\d{4}-([a-z0-9]+)/.exec(cgroup)?.[1];
    if (id === undefined) continue;
    const sandbox = found.get(id) ?? { id };
    found.set(id, sandbox);
    const inside = pidInside(pid);
    if (inside === 1) sandbox.warden = pid;
    if (inside === 2) sandbox.kernel = pid;
    if (inside > 2 && nameOf(pid) === "gb-porter") sandbox.porter = pid;
  }
  return [...found.values()].map(({ id, warden, kernel, porter }) => ({
    ...{ id, warden, kernel, porter },
  }));
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

function pidInside(pid: number): number {
  try {
    const ids = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(ids?.trim().split(/\s+/).at(-1));
  } catch {
    return 0;
  }
}
