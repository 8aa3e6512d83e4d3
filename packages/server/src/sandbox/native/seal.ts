/**
 * The cheap look at a warm sandbox when it is handed out: the facts that /proc shows to everyone
 * must equal what they were when the sandbox was made, which was checked then.
 * Five small reads, some tens of microseconds.
 */

import { closeSync, openSync, readSync } from "node:fs";
import { PRIVILEGE_FIELDS, privilegeProblem } from "./judgement.js";

export interface SandboxPids {
  readonly kernel: number;
  readonly warden: number;
}

export interface SealOptions {
  readonly pids: SandboxPids;
  readonly hostUids: { readonly user: number; readonly warden: number };
  /** Control group files whose content is a limit. */
  readonly limitFiles: readonly string[];
}

/** Pids inside the sandbox, as NSpid shows them last. */
const KERNEL_PID = "2";
const WARDEN_PID = "1";
const LOOKED_AT = ["State", "NSpid", ...PRIVILEGE_FIELDS];
const ALIVE = /^[RSDI]/;

export class Seal {
  readonly #options: SealOptions;
  readonly #groups: string;
  /** Undefined while they are being changed. */
  #limits: string | undefined;

  /** @throws Error when the facts cannot be read. */
  constructor(options: SealOptions) {
    this.#options = options;
    this.#groups = this.#readGroups();
    this.#limits = this.#readLimits();
  }

  /** The limits are about to change, by the keeper. */
  openLimits(): void {
    this.#limits = undefined;
  }

  /** They are again what they shall stay. */
  closeLimits(): void {
    try {
      this.#limits = this.#readLimits();
    } catch {
      // The sandbox has just ended, and its groups are gone. Looking at it tells so.
    }
  }

  /**
   * What is wrong now, or null. User code may stop its own kernel, so of a sandbox that is in use
   * only the confinement is looked at.
   */
  problem(inUse: boolean): string | null {
    try {
      const { pids, hostUids } = this.#options;
      return (
        processProblem("kernel", pids.kernel, hostUids.user, KERNEL_PID, inUse) ??
        processProblem("warden", pids.warden, hostUids.warden, WARDEN_PID, inUse) ??
        (this.#isSetAsBefore() ? null : "its control groups or limits have changed")
      );
    } catch (error) {
      return `it cannot be looked at: ${(error as Error).message}`;
    }
  }

  #isSetAsBefore(): boolean {
    if (this.#readGroups() !== this.#groups) return false;
    return this.#limits === undefined || this.#readLimits() === this.#limits;
  }

  #readGroups(): string {
    return readSmall(`/proc/${this.#options.pids.kernel}/cgroup`);
  }

  #readLimits(): string {
    return this.#options.limitFiles.map(readSmall).join("");
  }
}

function processProblem(
  who: string,
  pid: number,
  hostUid: number,
  pidInside: string,
  inUse: boolean,
): string | null {
  const status = parseStatus(readSmall(`/proc/${pid}/status`));
  if (!inUse && !ALIVE.test(status["State"] ?? ""))
    return `the ${who} is in state ${status["State"]}`;
  // Another process may have got the number of one that has ended.
  if (status["NSpid"]?.split(" ").at(-1) !== pidInside) return `the ${who} has been replaced`;
  const problem = privilegeProblem({ status }, hostUid);
  return problem === undefined ? null : `the ${who}: ${problem}`;
}

const buffer = Buffer.allocUnsafe(8192);

/** A file of /proc or the control groups. Half the calls of readFileSync, which a hand-out waits for. */
function readSmall(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    return buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** The lines of /proc/PID/status that are looked at, by their names. */
export function parseStatus(text: string): Record<string, string> {
  const status: Record<string, string> = {};
  for (const name of LOOKED_AT) {
    const start = text.indexOf(`\n${name}:`);
    if (start < 0) continue;
    const from = start + name.length + 2;
    const end = text.indexOf("\n", from);
    const value = text.slice(from, end < 0 ? undefined : end);
    status[name] = value.trim().replaceAll("\t", " ");
  }
  return status;
}
