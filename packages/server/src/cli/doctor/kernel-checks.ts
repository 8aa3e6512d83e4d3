/** What else of the kernel a sandbox is made of: namespaces, mounts, filters of system calls. */

import { mkdtempSync, rmdirSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { type DoctorCheck, IN_A_CONTAINER, need } from "./check.js";
import { attempt, kernelIsAtLeast, readText } from "./trial.js";

const KERNEL_MIN = [5, 11] as const;

export const NAMESPACES = ["user", "mount", "pid", "net", "ipc", "uts", "cgroup"];

const SECCOMP_ACTIONS = ["errno", "kill_process", "allow"];

export function checkKernel(): DoctorCheck {
  const remedy = `use a kernel of version ${KERNEL_MIN.join(".")} or newer`;
  return need(kernelIsAtLeast(KERNEL_MIN), "kernel", release(), remedy);
}

export function checkNamespace(kind: string): DoctorCheck {
  // Mapping root is what makes a user namespace useful, and what hardened kernels refuse.
  const mapping = kind === "user" ? ["--map-root-user"] : [];
  const trial = attempt("unshare", ["--fork", `--${kind}`, ...mapping, "true"]);
  const remedy = `${IN_A_CONTAINER}; otherwise use a kernel with ${kind} namespaces and see that /proc/sys/user/max_*_namespaces is above 0`;
  return need(trial.ok, `${kind} namespace`, trial.ok ? "can be made" : trial.reason, remedy);
}

export function checkUserNamespaceLimit(): DoctorCheck {
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
export function checkUserNamespaceRestriction(): DoctorCheck {
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

export function checkPivotRoot(): DoctorCheck {
  const script = 'mount -t tmpfs tmpfs "$1" && mkdir "$1/old" && cd "$1" && exec pivot_root . old';
  const trial = tryInPrivateMounts(script);
  const found = trial.ok ? "works" : trial.reason;
  return need(trial.ok, "pivot_root", found, `${IN_A_CONTAINER}; the tool is in util-linux`);
}

/** Two lower layers and no upper one: a read-only overlay, as sandboxes see their root. */
export function checkOverlay(): DoctorCheck {
  const script =
    'mount -t tmpfs tmpfs "$1" && mkdir "$1/a" "$1/b" "$1/merged" && ' +
    'mount -t overlay overlay -o "lowerdir=$1/a:$1/b" "$1/merged"';
  const trial = tryInPrivateMounts(script);
  const remedy = `modprobe overlay; ${IN_A_CONTAINER}`;
  return need(trial.ok, "overlayfs", trial.ok ? "can be mounted" : trial.reason, remedy);
}

export function checkSeccomp(): DoctorCheck {
  const actions = readText("/proc/sys/kernel/seccomp/actions_avail")?.split(" ") ?? [];
  const absent = SECCOMP_ACTIONS.filter((action) => !actions.includes(action));
  const found = absent.length === 0 ? actions.join(", ") : `no ${absent.join(", ")}`;
  const remedy = "use a kernel built with CONFIG_SECCOMP_FILTER";
  return need(absent.length === 0, "seccomp filter", found, remedy);
}

/** The gateway looks at a warm sandbox's processes before it hands it out. */
export function checkProcessesVisible(): DoctorCheck {
  const options = /^\S+ \/proc proc (\S+)/m.exec(readText("/proc/self/mounts") ?? "")?.[1] ?? "";
  const hidden = /(?:^|,)hidepid=(?!0\b|off\b)\w+/.exec(options)?.[0];
  return need(
    hidden === undefined,
    "processes in /proc",
    hidden === undefined ? "visible to the service user" : `hidden by ${hidden.replace(",", "")}`,
    "mount -o remount,hidepid=0 /proc, and change it where it is set",
  );
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
