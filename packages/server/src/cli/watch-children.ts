/**
 * Kills a gateway or a keeper that no longer turns its loop. The supervisor starts another, as after any other
 * death. Until then sandboxes still end: without a keeper, the warden ends its own when the gateway closes the
 * connection; without a gateway, the keeper ends what is overdue.
 */

import type { ChildProcess } from "node:child_process";
import { statSync } from "node:fs";
import type { Config } from "../config.js";
import { Watchdog } from "./watchdog.js";

/** Loading its program is done in one go, and takes long on a machine that has much to do. */
const GATEWAY_START_MS_MAX = 60_000;
/** It holds no requests up, and killing hundreds of processes takes it seconds. */
const KEEPER_PATIENCE = 3;

/** While it is drained as well, so that a stop does not wait for what hangs. Undefined where it is switched off. */
export function watchGateway(gateway: ChildProcess, { watchdogMs }: Config): Watchdog | undefined {
  if (watchdogMs === 0) return undefined;
  return new Watchdog({
    silenceMsMax: watchdogMs,
    startMsMax: Math.max(watchdogMs, GATEWAY_START_MS_MAX),
    onSilent: (silentMs) => kill(gateway, "the gateway", silentMs),
  });
}

/** It shows life by the time of its socket's file. Sandboxes live on without it, and with the next one. */
export function watchKeeper(
  keeper: ChildProcess,
  { watchdogMs, runDir }: Config,
): Watchdog | undefined {
  if (watchdogMs === 0) return undefined;
  const socket = `${runDir}/keeper.sock`;
  let seen = changedAt(socket);
  return new Watchdog({
    silenceMsMax: watchdogMs * KEEPER_PATIENCE,
    look: () => {
      const before = seen;
      seen = changedAt(socket);
      return seen !== undefined && seen !== before;
    },
    onSilent: (silentMs) => kill(keeper, "the keeper", silentMs),
  });
}

function changedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function kill(child: ChildProcess, what: string, silentMs: number): void {
  const seconds = Math.round(silentMs / 1000);
  process.stderr.write(`glovebox: ${what} has been silent for ${seconds} s and is killed\n`);
  child.kill("SIGKILL");
}
