/** How the guest's Python tests run: with the sandbox's own Python, in the sandbox's own tree. */
import { join } from "node:path";
import { repositoryDir } from "./settings.mjs";

/**
 * The tree is shared with running servers, so everything is mounted in a private mount namespace
 * and the tree itself read-only; only /tmp is writable, and it is gone afterwards. unittest ends
 * with a failure when it finds no test.
 */
const SCRIPT = `
set -eu
tree=$1
guest=$2
mount --bind "$tree" "$tree"
mount --bind "$guest" "$tree/opt/glovebox/guest"
mount -o remount,bind,ro "$tree/opt/glovebox/guest"
mount -o remount,bind,ro "$tree"
mount -t proc proc "$tree/proc"
mount -t tmpfs -o mode=1777,size=256m tmpfs "$tree/tmp"
mount -t tmpfs -o mode=755,size=64k tmpfs "$tree/dev"
for node in null zero full random urandom; do
  : > "$tree/dev/$node"
  mount --bind "/dev/$node" "$tree/dev/$node"
done
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/tmp MPLCONFIGDIR=/tmp chroot "$tree" \\
  python3 -B -W error::ResourceWarning -m unittest discover -s /opt/glovebox/guest/tests -t /opt/glovebox/guest -p "test_*.py"
`;

/** @returns {string[]} the command and its arguments */
export function guestTestCommand(rootfsDir) {
  const tree = join(rootfsDir, "current");
  const guest = join(repositoryDir, "packages/server/guest");
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  return ["unshare", ...namespaces, "sh", "-c", SCRIPT, "guest-tests", tree, guest];
}
