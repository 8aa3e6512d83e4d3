/** The directory in which the unprivileged gateway keeps what must outlive it. */

import { closeSync, constants, fchmodSync, fchownSync, mkdirSync, openSync } from "node:fs";
import { ConfigError } from "../config.js";

/**
 * Make it, and make it the service user's. Owner and mode are set through a descriptor that follows
 * no link, and root touches nothing inside: whatever the gateway puts there, it cannot turn root's
 * hand to another place.
 */
export function makeGatewayDirectory(path: string, owner: { uid: number; gid: number }): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const descriptor = openDirectory(path);
  try {
    fchownSync(descriptor, owner.uid, owner.gid);
    fchmodSync(descriptor, 0o700);
  } finally {
    closeSync(descriptor);
  }
}

function openDirectory(path: string): number {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${path} must be a directory and not a link (${code})`);
  }
}
