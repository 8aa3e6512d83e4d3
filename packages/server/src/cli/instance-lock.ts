/** One server for each state directory: a file with the owner's pid and start time. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { ConfigError } from "../config.js";

/**
 * Field 22 of /proc/PID/stat: pids are reused, a pid together with its start time is not.
 * Undefined for a process that has ended, also while nobody has asked for its exit code.
 */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

/** The pid of the server that lives with this state directory. */
export function runningServer(stateDir: string): number | undefined {
  try {
    const [pid = "", started] = readFileSync(`${stateDir}/server.pid`, "utf8").trim().split(" ");
    return started !== undefined && startTime(Number(pid)) === started ? Number(pid) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/**
 * Take the lock. A file that a killed server left is recognised and replaced.
 * @returns a function that gives the lock back
 * @throws ConfigError when another server lives
 */
export function lockInstance(stateDir: string): () => void {
  mkdirSync(stateDir, { recursive: true, mode: 0o755 });
  const path = `${stateDir}/server.pid`;
  const own = `${process.pid} ${startTime(process.pid)}\n`;
  try {
    writeFileSync(path, own, { flag: "wx", mode: 0o644 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const pid = runningServer(stateDir);
    if (pid !== undefined) {
      throw new ConfigError(
        `a server with this STATE_DIR runs already (pid ${pid}); stop it, or set another STATE_DIR`,
      );
    }
    writeFileSync(path, own, { mode: 0o644 });
  }
  return () => rmSync(path, { force: true });
}
