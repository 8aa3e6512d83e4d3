/**
 * Refuses descriptors that a guest passes over its connection. The gateway's runtime would drop
 * them, and the last close, which can take long, would then happen in the gateway. Linux 6.16 lets a
 * socket refuse them, and the sender fails with EPERM; connections have it from their listener, and
 * nothing that a guest can reach takes it back.
 */

import { spawnSync } from "node:child_process";

const EXIT_UNKNOWN_OPTION = 3;
const TIMEOUT_MS = 10_000;
/** Node cannot set socket options, so the Python of the sandboxes' tree does. 83 is SO_PASSRIGHTS. */
const SCRIPT = `
import errno, socket, sys
try:
    socket.socket(fileno=0).setsockopt(socket.SOL_SOCKET, 83, 0)
except OSError as failure:
    sys.exit(${EXIT_UNKNOWN_OPTION} if failure.errno == errno.ENOPROTOOPT else str(failure))
`;

/**
 * Called as root. Returns whether this kernel can.
 * @throws when it should be able to, and fails
 */
export function refusePassedDescriptors(listeningSocket: number, tree: string): boolean {
  const { status, stderr, error } = spawnSync(
    "chroot",
    [tree, "/usr/bin/python3", "-I", "-S", "-c", SCRIPT],
    {
      stdio: [listeningSocket, "ignore", "pipe"],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      encoding: "utf8",
      timeout: TIMEOUT_MS,
    },
  );
  if (status === 0) return true;
  if (status === EXIT_UNKNOWN_OPTION) return false;
  throw new Error(`descriptors cannot be refused: ${error?.message ?? stderr.trim()}`);
}
