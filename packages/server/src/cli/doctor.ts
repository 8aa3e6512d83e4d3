/**
 * `glovebox doctor`: does this host offer what sandboxes are made of? Whatever can be tried is
 * tried, in namespaces and groups that vanish with the trial, because a kernel that lists a feature
 * may still refuse it. This file stands alone, so that it works when the rest cannot start.
 */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { freemem, release, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";

export interface DoctorCheck {
  name: string;
  /** `missing` keeps Glovebox from working; `warning` makes it slower, smaller or less certain. */
  status: "ok" | "missing" | "warning";
  found: string;
  /** What to do; present unless the status is `ok`. */
  remedy?: string;
}

interface CgroupMount {
  path: string;
  version: 1 | 2;
  options: string[];
}

const SERVICE_USER = "glovebox";
const KERNEL_MIN = [5, 11] as const;
const KERNEL_WITH_BURST = [5, 14] as const;
const NODE_MAJOR_MIN = 20;
const MEMORY_BYTES_ADVISED = 2 * 2 ** 30;
const MEMORY_BYTES_MIN = 512 * 2 ** 20;
const DISK_BYTES_ADVISED = 3 * 2 ** 30;
const TRIAL_TIMEOUT_MS = 10_000;
const NAMESPACES = ["user", "mount", "pid", "net", "ipc", "uts", "cgroup"];
const SECCOMP_ACTIONS = ["errno", "kill_process", "allow"];
const CONTROLLERS_V1 = ["memory", "cpu", "cpuacct", "pids"];
const CONTROLLERS_V2 = ["memory", "cpu", "pids"];
const TOOL_FOLDERS = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const TOOLS: Record<string, string> = {
  unshare: "util-linux",
  setpriv: "util-linux",
  flock: "util-linux",
  mount: "mount",
  mmdebstrap: "mmdebstrap",
  "apt-get": "apt",
};
const IN_A_CONTAINER =
  process.geteuid?.() === 0
    ? "inside a container, start it with full privileges (docker run --privileged --cgroupns=host)"
    : "run it as root";

export async function runDoctorChecks(options: { rootfsDir: string }): Promise<DoctorCheck[]> {
  return [
    checkPlatform(),
    checkNode(),
    checkRoot(),
    checkKernel(),
    ...NAMESPACES.map(checkNamespace),
    checkUserNamespaceLimit(),
    checkUserNamespaceRestriction(),
    checkPivotRoot(),
    checkOverlay(),
    checkCgroupControllers(),
    checkCgroupCreation(),
    checkCpuBurst(),
    checkSeccomp(),
    checkProcessesVisible(),
    ...Object.entries(TOOLS).map(([tool, packageName]) => checkTool(tool, packageName)),
    checkServiceUser(),
    checkRootfs(options.rootfsDir),
    checkMemory(),
    checkDisk(options.rootfsDir),
  ];
}

export function formatDoctor(checks: DoctorCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, found, remedy }) => [
    `${status.padEnd(7)}  ${name.padEnd(width)}  ${found}`,
    ...(remedy === undefined ? [] : [`${" ".repeat(9)}-> ${remedy}`]),
  ]);
  return [...lines, "", summarise(checks)].join("\n");
}

function summarise(checks: DoctorCheck[]): string {
  const missing = checks.filter(({ status }) => status === "missing");
  const warnings = checks.filter(({ status }) => status === "warning");
  if (missing.length > 0) {
    return `Glovebox cannot work here yet: ${missing.map(({ name }) => name).join(", ")}.`;
  }
  if (warnings.length > 0) return `Glovebox can work here, with ${warnings.length} warning(s).`;
  return "Glovebox can work here.";
}

function checkPlatform(): DoctorCheck {
  const found = `${process.platform} on ${process.arch}`;
  const fits = process.platform === "linux" && process.arch === "x64";
  return need(fits, "platform", found, "use a machine with Linux on x86_64; a virtual one will do");
}

function checkNode(): DoctorCheck {
  const fits = Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN;
  const remedy = `install Node.js ${NODE_MAJOR_MIN} or newer`;
  return need(fits, "node", process.version, remedy);
}

function checkRoot(): DoctorCheck {
  const uid = process.geteuid?.();
  return need(uid === 0, "root", `uid ${uid}`, "run it as root, for example with sudo");
}

function checkKernel(): DoctorCheck {
  const remedy = `use a kernel of version ${KERNEL_MIN.join(".")} or newer`;
  return need(kernelIsAtLeast(KERNEL_MIN), "kernel", release(), remedy);
}

function checkNamespace(kind: string): DoctorCheck {
  // Mapping root is what makes a user namespace useful, and what hardened kernels refuse.
  const mapping = kind === "user" ? ["--map-root-user"] : [];
  const trial = attempt("unshare", ["--fork", `--${kind}`, ...mapping, "true"]);
  const remedy = `${IN_A_CONTAINER}; otherwise use a kernel with ${kind} namespaces and see that /proc/sys/user/max_*_namespaces is above 0`;
  return need(trial.ok, `${kind} namespace`, trial.ok ? "can be made" : trial.reason, remedy);
}

function checkUserNamespaceLimit(): DoctorCheck {
  const name = "user.max_user_namespaces";
  const limit = readText("/proc/sys/user/max_user_namespaces");
  if (limit === undefined) {
    return {
      name,
      status: "missing",
      found: "absent",
      remedy: "use a kernel with user namespaces",
    };
  }
  const remedy = "sysctl -w user.max_user_namespaces=15000 (and the same line in /etc/sysctl.d)";
  return need(Number(limit) > 0, name, limit, remedy);
}

/**
 * Ubuntu refuses user namespaces to unconfined programs without CAP_SYS_ADMIN, and Debian's older
 * switch does the same for all users. Root is exempt from both, so these are only worth a warning
 * if a user namespace cannot be made in spite of root.
 */
function checkUserNamespaceRestriction(): DoctorCheck {
  const name = "user namespace restriction";
  const apparmor = readText("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  const debian = readText("/proc/sys/kernel/unprivileged_userns_clone");
  const restricted = [
    ...(apparmor === "1" ? ["kernel.apparmor_restrict_unprivileged_userns=0"] : []),
    ...(debian === "0" ? ["kernel.unprivileged_userns_clone=1"] : []),
  ];
  if (restricted.length === 0) return { name, status: "ok", found: "none" };
  if (attempt("unshare", ["--fork", "--user", "--map-root-user", "true"]).ok) {
    return { name, status: "ok", found: "for unprivileged users only, root is exempt" };
  }
  const remedy = restricted.map((setting) => `sysctl -w ${setting}`).join(" && ");
  return { name, status: "missing", found: "by AppArmor or sysctl", remedy };
}

function checkPivotRoot(): DoctorCheck {
  const script = 'mount -t tmpfs tmpfs "$1" && mkdir "$1/old" && cd "$1" && exec pivot_root . old';
  const trial = tryInPrivateMounts(script);
  const found = trial.ok ? "works" : trial.reason;
  return need(trial.ok, "pivot_root", found, `${IN_A_CONTAINER}; the tool is in util-linux`);
}

/** Two lower layers and no upper one: a read-only overlay, as sandboxes see their root. */
function checkOverlay(): DoctorCheck {
  const script =
    'mount -t tmpfs tmpfs "$1" && mkdir "$1/a" "$1/b" "$1/merged" && ' +
    'mount -t overlay overlay -o "lowerdir=$1/a:$1/b" "$1/merged"';
  const trial = tryInPrivateMounts(script);
  const remedy = `modprobe overlay; ${IN_A_CONTAINER}`;
  return need(trial.ok, "overlayfs", trial.ok ? "can be mounted" : trial.reason, remedy);
}

function checkCgroupControllers(): DoctorCheck {
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

function checkCgroupCreation(): DoctorCheck {
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

function checkCpuBurst(): DoctorCheck {
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

function checkSeccomp(): DoctorCheck {
  const actions = readText("/proc/sys/kernel/seccomp/actions_avail")?.split(" ") ?? [];
  const absent = SECCOMP_ACTIONS.filter((action) => !actions.includes(action));
  const found = absent.length === 0 ? actions.join(", ") : `no ${absent.join(", ")}`;
  const remedy = "use a kernel built with CONFIG_SECCOMP_FILTER";
  return need(absent.length === 0, "seccomp filter", found, remedy);
}

function checkTool(tool: string, packageName: string): DoctorCheck {
  const path = findTool(tool);
  const remedy = `apt-get install ${packageName} (or npm start, which does it)`;
  return need(path !== undefined, tool, path ?? "not found", remedy);
}

function checkServiceUser(): DoctorCheck {
  const line = readText("/etc/passwd")
    ?.split("\n")
    .find((each) => each.startsWith(`${SERVICE_USER}:`));
  const remedy = `npm start makes it; by hand: useradd --system --user-group --no-create-home --shell /usr/sbin/nologin ${SERVICE_USER}`;
  const found = line === undefined ? "no such user" : `uid ${line.split(":")[2]}`;
  return need(line !== undefined, `user ${SERVICE_USER}`, found, remedy);
}

function checkRootfs(rootfsDir: string): DoctorCheck {
  const remedy = "npm start builds it; an unfinished one is built anew";
  const hash = linkTarget(join(rootfsDir, "current"));
  const complete =
    hash !== undefined &&
    existsSync(join(rootfsDir, `${hash}.complete`)) &&
    existsSync(join(rootfsDir, hash, "usr/bin/python3"));
  const found = complete ? join(rootfsDir, hash) : `${rootfsDir} holds no complete tree`;
  return need(complete, "sandbox root filesystem", found, remedy);
}

function checkMemory(): DoctorCheck {
  const bytes = availableMemory();
  const found = `${gibibytes(bytes)} of ${gibibytes(totalmem())} available`;
  const remedy = `free some memory: about ${gibibytes(MEMORY_BYTES_ADVISED)} serves a few sandboxes at their default limit`;
  return grade("memory", bytes, MEMORY_BYTES_MIN, MEMORY_BYTES_ADVISED, found, remedy);
}

/** A finished tree needs no more space, so the disk only keeps a new machine from working. */
function checkDisk(rootfsDir: string): DoctorCheck {
  const { bavail, bsize } = statfsSync(nearestExisting(rootfsDir));
  const bytes = bavail * bsize;
  const bytesMin = checkRootfs(rootfsDir).status === "ok" ? 0 : DISK_BYTES_ADVISED;
  const found = `${gibibytes(bytes)} free for ${rootfsDir}`;
  const remedy = `free some space, or set STATE_DIR to a larger disk: building the root filesystem takes ${gibibytes(DISK_BYTES_ADVISED)}`;
  return grade("disk", bytes, bytesMin, DISK_BYTES_ADVISED, found, remedy);
}

function grade(
  name: string,
  bytes: number,
  bytesMin: number,
  bytesAdvised: number,
  found: string,
  remedy: string,
): DoctorCheck {
  if (bytes >= bytesAdvised) return { name, status: "ok", found };
  return { name, status: bytes < bytesMin ? "missing" : "warning", found, remedy };
}

function need(fits: boolean, name: string, found: string, remedy: string): DoctorCheck {
  return fits ? { name, status: "ok", found } : { name, status: "missing", found, remedy };
}

function tryInPrivateMounts(script: string): { ok: boolean; reason: string } {
  const folder = mkdtempSync(join(tmpdir(), "glovebox-doctor-"));
  try {
    return attempt("unshare", ["--mount", "--fork", "sh", "-c", script, "doctor", folder]);
  } finally {
    // It is still empty: only the private mount namespace has ever had anything in it.
    rmdirSync(folder);
  }
}

function attempt(command: string, args: string[]): { ok: boolean; reason: string } {
  const path = findTool(command);
  if (path === undefined) return { ok: false, reason: `${command} is not installed` };
  const { status, stderr, error } = spawnSync(path, args, {
    encoding: "utf8",
    timeout: TRIAL_TIMEOUT_MS,
  });
  if (error !== undefined) return { ok: false, reason: error.message };
  const reason = stderr.trim().split("\n").at(-1) ?? "";
  return { ok: status === 0, reason: reason === "" ? `exit status ${status}` : reason };
}

/** The gateway looks at a warm sandbox's processes before it hands it out. */
function checkProcessesVisible(): DoctorCheck {
  const options = /^\S+ \/proc proc (\S+)/m.exec(readText("/proc/self/mounts") ?? "")?.[1] ?? "";
  const hidden = /(?:^|,)hidepid=(?!0\b|off\b)\w+/.exec(options)?.[0];
  return need(
    hidden === undefined,
    "processes in /proc",
    hidden === undefined ? "visible to the service user" : `hidden by ${hidden.replace(",", "")}`,
    "mount -o remount,hidepid=0 /proc, and change it where it is set",
  );
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

function kernelIsAtLeast([major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = release()
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function findTool(tool: string): string | undefined {
  return TOOL_FOLDERS.map((folder) => join(folder, tool)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

/** Caches that the kernel gives back on demand count as available; os.freemem leaves them out. */
function availableMemory(): number {
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(readText("/proc/meminfo") ?? "");
  return match === null ? freemem() : Number(match[1]) * 1024;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
