/**
 * The supervisor: starts the keeper and the gateway, starts either again when it dies, and leaves
 * nothing behind when it stops. Runs as root, so it listens only to its own children and
 * signals.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { type Config, ConfigError, unknownVariables } from "../config.js";
import { gatewayChild, keeperChild } from "./children.js";
import { makeGatewayDirectory } from "./gateway-directory.js";
import type { GatewayUser } from "./gateway-process.js";
import { lockInstance } from "./instance-lock.js";
import { warnOfOpenFiles } from "./open-files.js";
import { removeServerRecord, writeServerRecord } from "./server-record.js";
import { findSharedFolders, type SharedFolder, warnOfWritable } from "./shared-folders.js";
import { Supervisor } from "./supervise.js";
import { ensureToken } from "./token.js";

function userIds(user: string): GatewayUser {
  try {
    const ask = (flag: string) =>
      Number(execFileSync("id", [flag, user], { encoding: "utf8", stdio: "pipe" }).trim());
    const ids = { uid: ask("-u"), gid: ask("-g") };
    if (ids.uid === 0) throw new ConfigError(`SERVICE_USER must not be root, and is "${user}"`);
    return ids;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(
      `SERVICE_USER "${user}" does not exist; run \`npm start\`, which makes it, or useradd --system ${user}`,
    );
  }
}

function makeDirectories({ gatewayDir, runDir }: Config, user: GatewayUser): void {
  makeGatewayDirectory(gatewayDir, user);
  rmSync(runDir, { recursive: true, force: true });
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
}

function removeRunDirectory({ runDir }: Config): void {
  rmSync(runDir, { recursive: true, force: true });
  try {
    rmdirSync(dirname(runDir));
  } catch {
    // Another server on this host still has its directory there.
  }
}

/** For the commands on this machine. A full disk is no reason not to serve. */
function record(config: Config, address: string): void {
  try {
    writeServerRecord(config, address);
  } catch (error) {
    process.stderr.write(
      `glovebox: commands will not find this server: ${(error as Error).message}\n`,
    );
  }
}

function announce({ auth, token, tokenFile }: Config, address: string, tokenPlace: string): void {
  const secret = token === undefined ? `$(cat ${tokenFile})` : "$AUTH_TOKEN";
  const header = auth === "none" ? "" : ` -H "X-Auth-Token: ${secret}"`;
  process.stdout.write(
    [
      "",
      "Glovebox is ready.",
      `  Address  ${address}`,
      `  Token    ${tokenPlace}`,
      "  Try      " +
        `curl -s ${address}/execute${header} -H "Content-Type: application/json" -d '{"code": "print(6 * 7)"}'`,
      "",
      "",
    ].join("\n"),
  );
}

/** The gateway comes after the keeper, and goes before it. */
function makeSupervisor(
  config: Config,
  user: GatewayUser,
  folders: readonly SharedFolder[],
): Supervisor {
  const tokenPlace = ensureToken(config);
  const onAddress = (address: string) => {
    record(config, address);
    if (supervisor.served()) announce(config, address, tokenPlace);
  };
  const children = [keeperChild(config, user.uid, folders), gatewayChild(config, user, onAddress)];
  const supervisor = new Supervisor(children, () => removeRunDirectory(config));
  return supervisor;
}

/** A second signal says nothing more and changes nothing. */
function stopFor(signal: NodeJS.Signals, supervisor: Supervisor, drainTimeoutMs: number): void {
  if (!supervisor.isStopping) {
    process.stderr.write(
      `glovebox: ${signal}: stopping, what runs may end within ${drainTimeoutMs / 1000} s\n`,
    );
  }
  void supervisor.stop(0);
}

/** `glovebox serve`. Resolves with the exit code when everything has ended. */
export async function serve(config: Config): Promise<number> {
  if (process.getuid?.() !== 0) {
    throw new ConfigError(
      "glovebox serve must be started as root: it makes namespaces and control groups, and then serves HTTP as an ordinary user",
    );
  }
  for (const sentence of unknownVariables()) process.stderr.write(`glovebox: ${sentence}\n`);
  const folders = findSharedFolders(config);
  process.stderr.write(warnOfWritable(folders) + warnOfOpenFiles(config));
  const unlock = lockInstance(config.stateDir);
  try {
    removeServerRecord(config);
    const user = userIds(config.serviceUser);
    const supervisor = makeSupervisor(config, user, folders);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => stopFor(signal, supervisor, config.drainTimeoutMs));
    }
    // A terminal that has hung up cannot be told, and must not keep the rest from ending in order.
    process.stderr.on("error", () => {});
    makeDirectories(config, user);
    supervisor.start();
    return await supervisor.finished;
  } finally {
    removeServerRecord(config);
    unlock();
  }
}
