/**
 * `npm run test:vm [-- COMMAND ARGUMENT...]`: tests in a virtual machine with Debian's own kernel,
 * whose control groups are version 2, mounted by systemd. Without a command, the guest's Python
 * tests and the integration tests of limits, lifecycle, pool and security run in there; a command is run in
 * the repository's root with the programs of `node_modules/.bin`. Ends with the command's status.
 *
 * Nothing of this machine changes but for the packages that are installed on it and the images
 * below STATE_DIR/vm. The machine writes to throw-away copies and ends with this process.
 */
import { installHostPackages, runMain, setUp } from "../../scripts/setup.mjs";
import { ensureImages } from "./images.mjs";
import { runInMachine } from "./machine.mjs";

const HOST_PACKAGES = ["qemu-system-x86", "e2fsprogs"];
const DEFAULT_COMMAND = ["sh", "test/vm/system/default-tests.sh"];

await runMain(async () => {
  const { stateDir, rootfsDir, mirror } = await setUp();
  await installHostPackages(HOST_PACKAGES);
  const images = await ensureImages({ stateDir, rootfsDir, mirror });
  const command = process.argv.slice(2);
  return runInMachine(images, command.length === 0 ? DEFAULT_COMMAND : command);
});
