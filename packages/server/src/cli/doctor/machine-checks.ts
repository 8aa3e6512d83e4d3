/** The machine and what is installed on it. */

import { existsSync, readlinkSync, statfsSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { type DoctorCheck, grade, need } from "./check.js";
import { findTool, readText } from "./trial.js";

const SERVICE_USER = "glovebox";
const NODE_MAJOR_MIN = 20;
const MEMORY_BYTES_ADVISED = 2 * 2 ** 30;
const MEMORY_BYTES_MIN = 512 * 2 ** 20;
const DISK_BYTES_ADVISED = 3 * 2 ** 30;

export const TOOLS: Record<string, string> = {
  unshare: "util-linux",
  setpriv: "util-linux",
  flock: "util-linux",
  mount: "mount",
  mmdebstrap: "mmdebstrap",
  "apt-get": "apt",
};

export function checkPlatform(): DoctorCheck {
  const found = `${process.platform} on ${process.arch}`;
  const fits = process.platform === "linux" && process.arch === "x64";
  return need(fits, "platform", found, "use a machine with Linux on x86_64; a virtual one will do");
}

export function checkNode(): DoctorCheck {
  const fits = Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN;
  const remedy = `install Node.js ${NODE_MAJOR_MIN} or newer`;
  return need(fits, "node", process.version, remedy);
}

export function checkRoot(): DoctorCheck {
  const uid = process.geteuid?.();
  return need(uid === 0, "root", `uid ${uid}`, "run it as root, for example with sudo");
}

export function checkTool(tool: string, packageName: string): DoctorCheck {
  const path = findTool(tool);
  const remedy = `apt-get install ${packageName} (or npm start, which does it)`;
  return need(path !== undefined, tool, path ?? "not found", remedy);
}

export function checkServiceUser(): DoctorCheck {
  const line = readText("/etc/passwd")
    ?.split("\n")
    .find((each) => each.startsWith(`${SERVICE_USER}:`));
  const remedy = `npm start makes it; by hand: useradd --system --user-group --no-create-home --shell /usr/sbin/nologin ${SERVICE_USER}`;
  const found = line === undefined ? "no such user" : `uid ${line.split(":")[2]}`;
  return need(line !== undefined, `user ${SERVICE_USER}`, found, remedy);
}

export function checkRootfs(rootfsDir: string): DoctorCheck {
  const remedy = "npm start builds it; an unfinished one is built anew";
  const hash = linkTarget(join(rootfsDir, "current"));
  const complete =
    hash !== undefined &&
    existsSync(join(rootfsDir, `${hash}.complete`)) &&
    existsSync(join(rootfsDir, hash, "usr/bin/python3"));
  const found = complete ? join(rootfsDir, hash) : `${rootfsDir} holds no complete tree`;
  return need(complete, "sandbox root filesystem", found, remedy);
}

export function checkMemory(): DoctorCheck {
  const bytes = availableMemory();
  const found = `${gibibytes(bytes)} of ${gibibytes(totalmem())} available`;
  const remedy = `free some memory: about ${gibibytes(MEMORY_BYTES_ADVISED)} serves a few sandboxes at their default limit`;
  return grade("memory", bytes, MEMORY_BYTES_MIN, MEMORY_BYTES_ADVISED, found, remedy);
}

/** A finished tree needs no more space, so the disk only keeps a new machine from working. */
export function checkDisk(rootfsDir: string): DoctorCheck {
  const { bavail, bsize } = statfsSync(nearestExisting(rootfsDir));
  const bytes = bavail * bsize;
  const bytesMin = checkRootfs(rootfsDir).status === "ok" ? 0 : DISK_BYTES_ADVISED;
  const found = `${gibibytes(bytes)} free for ${rootfsDir}`;
  const remedy = `free some space, or set STATE_DIR to a larger disk: building the root filesystem takes ${gibibytes(DISK_BYTES_ADVISED)}`;
  return grade("disk", bytes, bytesMin, DISK_BYTES_ADVISED, found, remedy);
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

/** Caches that the kernel gives back on demand count as available; os.freemem leaves them out. */
function availableMemory(): number {
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(readText("/proc/meminfo") ?? "");
  return match === null ? freemem() : Number(match[1]) * 1024;
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
