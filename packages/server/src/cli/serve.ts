/**
 * The supervisor: starts the keeper and the gateway, starts either again when it dies, and leaves
 * nothing behind when it stops. Runs as root, so it listens only to its own children and
 * signals.
 */

import { type ChildProcess, execFileSync } from "node:child_process";
import { closeSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import {
  EXIT_FOLDERS_REFUSED,
  EXIT_GATEWAY_HOPELESS,
  EXIT_ISOLATION_UNAVAILABLE,
} from "../config/agreement.js";
import { type Config, ConfigError } from "../config.js";
import { makeGatewayDirectory } from "./gateway-directory.js";
import { type GatewayProcess, type GatewayUser, startGatewayProcess } from "./gateway-process.js";
import { GatewaySigns } from "./gateway-signs.js";
import { lockInstance } from "./instance-lock.js";
import { startKeeper } from "./keeper-process.js";
import { removeServerRecord, writeServerRecord } from "./server-record.js";
import { findSharedFolders, type SharedFolder, warnOfWritable } from "./shared-folders.js";
import { ensureToken, readTokenFile } from "./token.js";
import { watchGateway, watchKeeper } from "./watch-children.js";

const RESTART_DELAY_MS = 200;
/** A child that dies so often within a minute will not get better. */
const RESTARTS_PER_MINUTE_MAX = 20;
const KEEPER_STOP_MS = 10_000;

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

/** Read anew for each gateway, so that a changed file counts from the next start on. */
function readToken(config: Config): string | undefined {
  if (config.auth === "none") return undefined;
  return config.token ?? readTokenFile(config.tokenFile);
}

function exited(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
}

/** Resolves when the child has exited, by force after `patienceMs`. */
async function exitedWithin(child: ChildProcess, patienceMs: number): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  await exited(child);
  clearTimeout(timer);
}

class Supervisor {
  readonly #config: Config;
  readonly #ids: GatewayUser;
  readonly #folders: readonly SharedFolder[];
  readonly #tokenPlace: string;
  #keeper: ChildProcess | undefined;
  #gateway: ChildProcess | undefined;
  #restarts: number[] = [];
  #stopping: Promise<void> | undefined;
  #announced = false;
  #finish!: (exitCode: number) => void;
  readonly finished: Promise<number>;

  constructor(config: Config, tokenPlace: string, folders: readonly SharedFolder[]) {
    this.#config = config;
    this.#folders = folders;
    this.#ids = userIds(config.serviceUser);
    this.#tokenPlace = tokenPlace;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  start(): void {
    makeGatewayDirectory(this.#config.gatewayDir, this.#ids);
    rmSync(this.#config.runDir, { recursive: true, force: true });
    mkdirSync(this.#config.runDir, { recursive: true, mode: 0o755 });
    this.#startKeeper("reclaim");
    void this.#startGateway();
  }

  /** A second signal says nothing more and changes nothing. */
  stopFor(signal: NodeJS.Signals): void {
    if (!this.#stopping) {
      const seconds = this.#config.drainTimeoutMs / 1000;
      process.stderr.write(
        `glovebox: ${signal}: stopping, what runs may end within ${seconds} s\n`,
      );
    }
    void this.stop(0);
  }

  /** Drain, then end every child, then remove the run directory. Idempotent. */
  stop(exitCode: number): Promise<void> {
    this.#stopping ??= this.#stop().then(() => this.#finish(exitCode));
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#gateway) {
      this.#gateway.kill("SIGTERM");
      await exitedWithin(this.#gateway, this.#config.drainTimeoutMs + 10_000);
    }
    if (this.#keeper) {
      this.#keeper.stdin?.end();
      await exitedWithin(this.#keeper, KEEPER_STOP_MS);
    }
    rmSync(this.#config.runDir, { recursive: true, force: true });
    try {
      rmdirSync(dirname(this.#config.runDir));
    } catch {
      // Another server on this host still has its directory there.
    }
  }

  #startKeeper(existing: "reclaim" | "adopt"): void {
    const keeper = startKeeper(this.#config, this.#ids.uid, existing, this.#folders);
    this.#keeper = keeper;
    keeper.stderr?.on("data", (chunk: Buffer) => process.stderr.write(chunk));
    keeper.on("error", (error) => this.#fail(`the keeper cannot be started: ${error.message}`));
    const watchdog = watchKeeper(keeper, this.#config);
    keeper.on("exit", (code) => {
      watchdog?.stop();
      if (this.#stopping) return;
      if (code === EXIT_FOLDERS_REFUSED) void this.stop(1);
      else if (code === EXIT_ISOLATION_UNAVAILABLE || !this.#announced) {
        this.#fail(
          "sandboxes cannot be isolated on this host, see above; `glovebox doctor` says more",
        );
      } else if (this.#mayRestart("the keeper")) {
        setTimeout(() => this.#stopping || this.#startKeeper("adopt"), RESTART_DELAY_MS);
      }
    });
  }

  async #startGateway(): Promise<void> {
    let started: GatewayProcess;
    try {
      started = await startGatewayProcess(this.#config, this.#ids, readToken(this.#config));
    } catch (error) {
      this.#fail(`the gateway cannot be started: ${(error as Error).message}`);
      return;
    }
    const gateway = started.child;
    this.#gateway = gateway;
    if (this.#stopping) gateway.kill("SIGKILL"); // Whoever stops has not seen it.
    gateway.on("error", (error) => this.#fail(`the gateway cannot be started: ${error.message}`));
    const watchdog = watchGateway(gateway, this.#config);
    const signs = new GatewaySigns(started.signs, {
      onSign: () => watchdog?.heard(),
      onAddress: (address) => {
        this.#record(address);
        this.#announce(address);
      },
    });
    gateway.on("exit", (code) => {
      watchdog?.stop();
      signs.stop();
      closeSync(started.orders);
      removeServerRecord(this.#config);
      if (this.#stopping) return;
      // What has served before fails to start for a passing reason, like a keeper that dies meanwhile.
      if (code === EXIT_GATEWAY_HOPELESS && !this.#announced) void this.stop(1);
      else if (this.#mayRestart("the gateway")) {
        setTimeout(() => this.#stopping || void this.#startGateway(), RESTART_DELAY_MS);
      }
    });
  }

  #mayRestart(what: string): boolean {
    const now = performance.now();
    this.#restarts = this.#restarts.filter((time) => now - time < 60_000);
    this.#restarts.push(now);
    if (this.#restarts.length > RESTARTS_PER_MINUTE_MAX) {
      this.#fail(`${what} dies again and again`);
      return false;
    }
    process.stderr.write(`glovebox: ${what} died and is started again\n`);
    return true;
  }

  #fail(message: string): void {
    process.stderr.write(`glovebox: ${message}\n`);
    void this.stop(1);
  }

  /** For the commands on this machine. A full disk is no reason not to serve. */
  #record(address: string): void {
    try {
      writeServerRecord(this.#config, address);
    } catch (error) {
      process.stderr.write(
        `glovebox: commands will not find this server: ${(error as Error).message}\n`,
      );
    }
  }

  #announce(address: string): void {
    if (this.#announced) return;
    this.#announced = true;
    const { auth, token, tokenFile } = this.#config;
    const secret = token === undefined ? `$(cat ${tokenFile})` : "$AUTH_TOKEN";
    const header = auth === "none" ? "" : ` -H "X-Auth-Token: ${secret}"`;
    process.stdout.write(
      [
        "",
        "Glovebox is ready.",
        `  Address  ${address}`,
        `  Token    ${this.#tokenPlace}`,
        "  Try      " +
          `curl -s ${address}/execute${header} -H "Content-Type: application/json" -d '{"code": "print(6 * 7)"}'`,
        "",
        "",
      ].join("\n"),
    );
  }
}

/** `glovebox serve`. Resolves with the exit code when everything has ended. */
export async function serve(config: Config): Promise<number> {
  if (process.getuid?.() !== 0) {
    throw new ConfigError(
      "glovebox serve must be started as root: it makes namespaces and control groups, and then serves HTTP as an ordinary user",
    );
  }
  const folders = findSharedFolders(config);
  process.stderr.write(warnOfWritable(folders));
  const unlock = lockInstance(config.stateDir);
  try {
    removeServerRecord(config);
    const supervisor = new Supervisor(config, ensureToken(config), folders);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => supervisor.stopFor(signal));
    }
    // A terminal that has hung up cannot be told, and must not keep the rest from ending in order.
    process.stderr.on("error", () => {});
    supervisor.start();
    return await supervisor.finished;
  } finally {
    removeServerRecord(config);
    unlock();
  }
}
