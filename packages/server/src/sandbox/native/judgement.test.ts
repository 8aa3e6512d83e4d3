import { describe, expect, test } from "vitest";
import { judgeSandbox } from "./judgement.js";
import type { SandboxFacts } from "./keeper-client.js";

const plan = {
  memory_bytes: 2 ** 29,
  cpu_cores: 0.5,
  processes: 50,
  open_files: 1024,
  workspace_bytes: 1e8,
  workspace_inodes: 12_800,
  tmp_bytes: 1e8,
  tmp_inodes: 12_800,
  home_bytes: 5e8,
  home_inodes: 64_000,
  mounts: [],
};
const kinds = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
const namespaces = (number: number) =>
  Object.fromEntries(kinds.map((kind) => [kind, `${kind}:[${number}]`]));
const status = (uid: number) => ({
  State: "S (sleeping)",
  Uid: `${uid} ${uid} ${uid} ${uid}`,
  Gid: `${uid} ${uid} ${uid} ${uid}`,
  Groups: "",
  NoNewPrivs: "1",
  Seccomp: "2",
  CapInh: "0000000000000000",
  CapPrm: "0000000000000000",
  CapEff: "0000000000000000",
  CapBnd: "0000000000000000",
  CapAmb: "0000000000000000",
});
const ids = (text: string) => ({ Uid: text, Gid: text });
const host = namespaces(1);
const process = (uid: number, oomScore: number) => ({
  status: status(uid),
  namespaces: namespaces(3),
  uid_map: "999 5000 1 1000 5001 1",
  gid_map: "999 5000 1 1000 5001 1",
  oom_score_adj: oomScore,
  cgroups: ["memory", "pids", "cpu", "cpuacct"].map((name) => `4:${name}:/glovebox/0a/0001-abc`),
});

function facts(): SandboxFacts {
  return {
    keeper: namespaces(2),
    kernel: process(5001, 700),
    warden: process(5000, 0),
    porter: { ...process(5000, 0), status: { ...status(5000), ...ids("5000 5000 5000 5001") } },
    limits: {
      memory_bytes: 2 ** 29,
      memory_and_swap_bytes: 2 ** 29,
      processes: 52,
      cpu_cores: 0.5,
    },
    host_uids: { user: 5001, warden: 5000 },
  };
}

const inside = Object.fromEntries(
  judgeSandbox(host, facts(), {}, plan)
    .filter(({ name }) => name.startsWith("inside."))
    .map(({ name }) => [name.slice("inside.".length), null]),
);
const failed = (changed: SandboxFacts, answer: Record<string, string | null> = inside) =>
  judgeSandbox(host, changed, answer, plan)
    .filter(({ verified }) => !verified)
    .map(({ name }) => name);

describe("judgeSandbox", () => {
  test("verifies a sandbox that is as it should be, by version 1 and 2 of control groups", () => {
    expect(failed(facts())).toEqual([]);
    const unified = facts();
    unified.kernel.cgroups = ["0::/glovebox/0a/0001-abc/kernel"];
    unified.warden.cgroups = ["0::/glovebox/0a/0001-abc/warden"];
    expect(failed(unified)).toEqual([]);
  });

  test("what the probe has found or has not tried is not verified", () => {
    expect(failed(facts(), { ...inside, network: "it reached the world" })).toEqual([
      "inside.network",
    ]);
    const { sockets: _, ...rest } = inside;
    expect(failed(facts(), rest)).toEqual(["inside.sockets"]);
  });

  const faults: [string, (changed: SandboxFacts) => void][] = [
    ...kinds.map((kind): [string, (changed: SandboxFacts) => void] => [
      "outside.namespaces",
      ({ kernel }) => {
        kernel.namespaces[kind] = host[kind] as string;
      },
    ]),
    ["outside.namespaces", ({ kernel }) => delete kernel.namespaces["net"]],
    ["outside.namespaces", ({ kernel, keeper }) => Object.assign(kernel.namespaces, keeper)],
    ["outside.namespaces", ({ warden }) => Object.assign(warden.namespaces, { net: "net:[9]" })],
    ...Object.entries({
      Uid: "0 0 0 0",
      Gid: "5001 5001 0 5001",
      Groups: "0",
      NoNewPrivs: "0",
      Seccomp: "0",
      CapEff: "0000000000000001",
      CapBnd: "000001ffffffffff",
      CapAmb: "",
    }).map(([field, value]): [string, (changed: SandboxFacts) => void] => [
      "outside.kernel_privileges",
      ({ kernel }) => Object.assign(kernel.status, { [field]: value }),
    ]),
    ["outside.warden_privileges", ({ warden }) => Object.assign(warden.status, { Seccomp: "0" })],
    ...Object.entries({
      Uid: "5001 5001 5001 5001",
      Gid: "5000 5000 5000 5000",
      Groups: "5001",
      NoNewPrivs: "0",
      Seccomp: "0",
      CapEff: "0000000000040000",
    }).map(([field, value]): [string, (changed: SandboxFacts) => void] => [
      "outside.porter_privileges",
      ({ porter }) => Object.assign(porter?.status ?? {}, { [field]: value }),
    ]),
    ["outside.porter_privileges", (changed) => Object.assign(changed, { porter: null })],
    [
      "outside.namespaces",
      ({ porter }) => Object.assign(porter?.namespaces ?? {}, { pid: "pid:[9]" }),
    ],
    ["outside.control_groups", ({ porter }) => Object.assign(porter ?? {}, { cgroups: [] })],
    ["outside.id_map", ({ kernel }) => Object.assign(kernel, { uid_map: "0 0 4294967295" })],
    ["outside.id_map", ({ kernel }) => Object.assign(kernel, { gid_map: "0 0 1" })],
    ["outside.memory_limit", ({ limits }) => Object.assign(limits, { memory_bytes: 2 ** 40 })],
    ["outside.memory_limit", ({ limits }) => Object.assign(limits, { memory_bytes: -1 })],
    ["outside.memory_limit", ({ limits }) => Object.assign(limits, { memory_and_swap_bytes: -1 })],
    ["outside.process_limit", ({ limits }) => Object.assign(limits, { processes: -1 })],
    ["outside.cpu_limit", ({ limits }) => Object.assign(limits, { cpu_cores: -0.000001 })],
    ["outside.memory_pressure", ({ kernel }) => Object.assign(kernel, { oom_score_adj: 0 })],
    ["outside.control_groups", ({ kernel }) => Object.assign(kernel, { cgroups: ["0::/"] })],
    ["outside.control_groups", ({ kernel }) => kernel.cgroups.pop()],
    ["outside.control_groups", ({ warden }) => Object.assign(warden, { cgroups: [] })],
    [
      "outside.control_groups",
      ({ kernel }) => kernel.cgroups.splice(0, 1, "4:memory:/glovebox/0a/0002-other"),
    ],
  ];
  test.each(faults)("%s fails on its fault (%#)", (name, spoil) => {
    const changed = facts();
    spoil(changed);
    expect(failed(changed)).toEqual([name]);
  });
});
