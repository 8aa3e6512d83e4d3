/**
 * Pipes between root and a process that it does not believe. What Node makes of "pipe" and "ipc" are sockets, and
 * over a socket the other end can pass descriptors: each would be a place of ours until it is closed, and closing
 * one can take as long as who passed it likes. A pipe carries bytes in one direction, and the kernel holds 64 KiB of
 * them at most.
 */

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, rmSync } from "node:fs";

export interface OneWayPipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

const NEITHER_WAITS = constants.O_NONBLOCK;

/**
 * Node has no pipe(2), so it is a named one, which loses its name at once. It is root's: whoever is given an end cannot
 * open the other one by /proc.
 * @param directory one that only root can write
 */
export function makePipe(directory: string): OneWayPipe {
  const path = `${directory}/pipe`;
  rmSync(path, { force: true });
  execFileSync("mkfifo", ["--mode=600", path], { stdio: "pipe" });
  try {
    const readEnd = openSync(path, constants.O_RDONLY | NEITHER_WAITS);
    try {
      return { readEnd, writeEnd: openSync(path, constants.O_WRONLY | NEITHER_WAITS) };
    } catch (error) {
      closeSync(readEnd);
      throw error;
    }
  } finally {
    rmSync(path, { force: true });
  }
}
