/** One line of what doctor has found. */

export interface DoctorCheck {
  name: string;
  /** `missing` keeps Glovebox from working; `warning` makes it slower, smaller or less certain. */
  status: "ok" | "missing" | "warning";
  found: string;
  /** What to do; present unless the status is `ok`. */
  remedy?: string;
}

export const IN_A_CONTAINER =
  process.geteuid?.() === 0
    ? "inside a container, start it with full privileges (docker run --privileged --cgroupns=host)"
    : "run it as root";

export function need(fits: boolean, name: string, found: string, remedy: string): DoctorCheck {
  return fits ? { name, status: "ok", found } : { name, status: "missing", found, remedy };
}

export function grade(
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
