/** Control groups: which controllers there are, and whether groups can be made. */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DoctorCheck, IN_A_CONTAINER } from "./check.js";
import { kernelIsAtLeast, readText } from "./trial.js";

interface CgroupMount {
  path: string;
  version: 1 | 2;
  options: string[];
}

const KERNEL_WITH_BURST = [5, 14] as const;
const CONTROLLERS_V1 = ["memory", "cpu", "cpuacct", "pids"];
const CONTROLLERS_V2 = ["memory", "cpu", "pids"];

export function checkCgroupControllers(): DoctorCheck {
  const name = "cgroup controllers";
  const { wanted, places, version } = cgroupPlaces();
  const absent = wanted.filter((controller) => !places.has(controller));
  if (absent.length === 0) {
    return { name, status: "ok", found: `cgroup v${version}: ${wanted.join(", ")}` };
  }
  return {
    name,
    status: "missing",
    found:
      version === undefined
        ? "no cgroups mounted"
        : `cgroup v${version} without ${absent.join(", ")}`,
    remedy:
      "mount the cgroup file system at /sys/fs/cgroup; where the memory controller is absent, boot with cgroup_enable=memory",
  };
}

export function checkCgroupCreation(): DoctorCheck {
  const name = "cgroup creation";
  const { wanted, places, version } = cgroupPlaces();
  const folders = [...new Set(wanted.flatMap((controller) => places.get(controller) ?? []))];
  if (version === undefined || folders.length === 0) {
    return {
      name,
      status: "missing",
      found: "no cgroups mounted",
      remedy: "see cgroup controllers",
    };
  }
  try {
    for (const folder of folders) tryCgroup(folder, version);
    return { name, status: "ok", found: "a group can be made and removed" };
  } catch (error) {
    return {
      name,
      status: "missing",
      found: error instanceof Error ? error.message : String(error),
      remedy: `${IN_A_CONTAINER}; /sys/fs/cgroup has to be writable`,
    };
  }
}

/** With version 2 a group only has the controllers that its parent hands down. */
function tryCgroup(folder: string, version: 1 | 2): void {
  const group = join(folder, `glovebox-doctor-${process.pid}`);
  const handedDown = version === 2 ? handDown(folder) : [];
  try {
    mkdirSync(group);
    rmdirSync(group);
  } finally {
    for (const controller of handedDown) {
      writeFileSync(join(folder, "cgroup.subtree_control"), `-${controller}`);
    }
  }
}

/** @returns what was not handed down before, for the caller to take back */
function handDown(folder: string): string[] {
  const control = join(folder, "cgroup.subtree_control");
  const before = readFileSync(control, "utf8").trim().split(" ");
  const added = CONTROLLERS_V2.filter((controller) => !before.includes(controller));
  // A container's processes are in this group and keep it from handing down until the keeper moves them.
  const isContainers = existsSync(join(folder, "cgroup.type"));
  if (added.length === 0 || isContainers) return [];
  writeFileSync(control, added.map((controller) => `+${controller}`).join(" "));
  return added;
}

export function checkCpuBurst(): DoctorCheck {
  const { places, version } = cgroupPlaces();
  const folder = places.get("cpu");
  // The root group of version 2 has no cpu files, so there the kernel's version has to tell.
  const file = folder === undefined ? undefined : join(folder, "cpu.cfs_burst_us");
  const offered =
    version === 1 ? file !== undefined && existsSync(file) : kernelIsAtLeast(KERNEL_WITH_BURST);
  if (offered) return { name: "cpu burst", status: "ok", found: "offered" };
  return {
    name: "cpu burst",
    status: "warning",
    found: "not offered",
    remedy: `use a kernel of version ${KERNEL_WITH_BURST.join(".")} or newer, or short executions are throttled as soon as a plot takes more than its share`,
  };
}

/** Version 2 is used where it holds every controller that is needed, version 1 elsewhere. */
function cgroupPlaces(): {
  version: 1 | 2 | undefined;
  wanted: string[];
  places: Map<string, string>;
} {
  const mounts = cgroupMounts();
  const unified = mounts.find(({ version }) => version === 2);
  const offered = readText(join(unified?.path ?? "", "cgroup.controllers"))?.split(" ") ?? [];
  const hasVersion1 = mounts.some(
    ({ version, options }) => version === 1 && options.includes("memory"),
  );
  if (unified !== undefined && !hasVersion1) {
    const usable = CONTROLLERS_V2.filter((controller) => offered.includes(controller));
    const places = new Map(usable.map((controller) => [controller, unified.path]));
    return { version: 2, wanted: CONTROLLERS_V2, places };
  }
  const places = new Map<string, string>();
  for (const { path, options } of mounts.filter(({ version }) => version === 1)) {
    for (const option of options) places.set(option, path);
  }
  return { version: mounts.length > 0 ? 1 : undefined, wanted: CONTROLLERS_V1, places };
}

function cgroupMounts(): CgroupMount[] {
  const lines = (readText("/proc/self/mounts") ?? "").split("\n");
  return lines.flatMap((line) => {
    const [, path = "", type = "", options = ""] = line.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    return [{ path, version: type === "cgroup" ? 1 : 2, options: options.split(",") } as const];
  });
}
