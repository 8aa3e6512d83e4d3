/** Starts the keeper, the privileged Python process, in a root file system of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { firstHostId } from "../config/agreement.js";
import { type Config, ConfigError } from "../config.js";
import type { SharedFolder } from "./shared-folders.js";

const GUEST_PACKAGE = fileURLToPath(new URL("../../guest/_glovebox", import.meta.url));

/** The name of the tree that `current` points to. @throws ConfigError when there is none */
function currentTree(rootfsDir: string): string {
  const link = `${rootfsDir}/current`;
  if (!existsSync(link)) {
    throw new ConfigError(
      `there is no root file system in ${rootfsDir}; run \`npm start\`, which builds it, or set ROOTFS_DIR`,
    );
  }
  return readlinkSync(link);
}

/**
 * `existing` says what becomes of sandboxes that are there already: `reclaim` ends them, `adopt`
 * lets them live. Closing the child's standard input ends it and every sandbox. It waits until a
 * keeper that was started before it has ended.
 */
export function startKeeper(
  config: Config,
  gatewayUid: number,
  existing: "reclaim" | "adopt",
  folders: readonly SharedFolder[],
): ChildProcess {
  const lock = openSync(`${config.stateDir}/keeper.lock`, "a", 0o600);
  const keeper = spawn(
    "unshare",
    [
      ...["--mount", "--net", "--ipc", "--uts", "--"],
      ...["/bin/sh", `${GUEST_PACKAGE}/keeper/enter-rootfs.sh`],
      ...[config.rootfsDir, currentTree(config.rootfsDir), GUEST_PACKAGE, config.runDir],
      ...folders.flatMap(({ description, path }) => [description, path]),
      "--",
      ...[config.instance, String(gatewayUid), String(firstHostId(config.instance))],
      ...[String(config.zygoteForksMax), String(config.zygoteAgeSecondsMax), existing],
    ],
    {
      stdio: ["pipe", "inherit", "pipe", lock],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" },
    },
  );
  closeSync(lock);
  return keeper;
}
