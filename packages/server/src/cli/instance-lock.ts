/**
 * One server for each state directory. The kernel holds the lock, by flock on STATE_DIR/server.lock,
 * and frees it with the process, so there is never a stale one that two could find. Beside it
 * STATE_DIR/server.pid tells others who has it.
 */

import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { distrustOfFolder, readTrustedFile, writeTrustedFile } from "../config/trusted-place.js";
import { ConfigError } from "../config.js";

/** The exit code of flock when another process has the lock. */
const EXIT_TAKEN = 1;

/** A process, told apart from a later one with the same pid. */
export interface ProcessName {
  readonly pid: number;
  /** Clock ticks from the start of the machine. */
  readonly started: string;
}

/**
 * Field 22 of /proc/PID/stat: pids are reused, a pid together with its start time is not.
 * Undefined for a process that has ended, a zombie included.
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

/**
 * The server that lives with this state directory.
 * @throws ConfigError when others than root and the caller could have written it
 */
export function runningServer(stateDir: string): ProcessName | undefined {
  const text = readTrustedFile(`${stateDir}/server.pid`, { secret: false });
  const [, pid, started] = /^([1-9]\d{0,9}) (\d+)$/.exec(text?.trim() ?? "") ?? [];
  if (pid === undefined || started === undefined) return undefined;
  return startTime(Number(pid)) === started ? { pid: Number(pid), started } : undefined;
}

/** As server.pid names this one. */
export function ownProcess(): ProcessName {
  return { pid: process.pid, started: startTime(process.pid) ?? "" };
}

/**
 * Take the lock, and make the state directory where it is missing.
 * @returns a function that gives the lock back
 * @throws ConfigError when another server has it, or others could change what lies there
 */
export function lockInstance(stateDir: string): () => void {
  mkdirSync(stateDir, { recursive: true, mode: 0o755 });
  const problem = distrustOfFolder(stateDir);
  if (problem !== undefined) {
    throw new ConfigError(
      `STATE_DIR ${stateDir} must be root's alone to write, and ${problem}; chown and chmod it, or set another`,
    );
  }
  const directory = realpathSync(stateDir);
  const path = `${directory}/server.pid`;
  const lock = takeLock(directory);
  try {
    // A server of an earlier version has no lock but this file.
    const other = runningServer(directory);
    if (other !== undefined) throw taken(other);
    const { pid, started } = ownProcess();
    writeTrustedFile(path, `${pid} ${started}\n`);
    return () => {
      rmSync(path, { force: true });
      closeSync(lock);
    };
  } catch (error) {
    closeSync(lock);
    throw error;
  }
}

/**
 * A lock belongs to what was opened and not to the process that asks for it, so a helper can take it
 * for the descriptor that it is lent. The file stays for good: who waited for one that is removed
 * would hold a lock on nothing. No one else can open it, and so lock it.
 */
function takeLock(directory: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const descriptor = openSync(`${directory}/server.lock`, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  const { status, error } = spawnSync("flock", ["--exclusive", "--nonblock", "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (status === 0) return descriptor;
  closeSync(descriptor);
  if (status === EXIT_TAKEN) throw taken(runningServer(directory));
  throw new ConfigError(
    `${directory}/server.lock cannot be locked: ${error?.message ?? `flock ended with ${status}`}`,
  );
}

/** The holder of the lock may not have written its name yet. */
function taken(owner: ProcessName | undefined): ConfigError {
  const who = owner === undefined ? "starting just now" : `pid ${owner.pid}`;
  return new ConfigError(
    `a server with this STATE_DIR runs already (${who}); stop it, or set another STATE_DIR`,
  );
}
