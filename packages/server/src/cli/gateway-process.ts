/**
 * Starts the gateway, the process that reads HTTP, as an ordinary user. Everything that only root
 * may do happens before: the guests' socket is bound and handed over as a descriptor, the token is
 * written to its standard input. No line of the HTTP side, nor of any package, ever runs as root.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { sep } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";
import type { Config } from "../config.js";
import { refusePassedDescriptors } from "../sandbox/native/passed-descriptors.js";
import { modelKeyVariables } from "./model-key.js";
import { makePipe } from "./one-way-pipe.js";

const ENTER = fileURLToPath(new URL("../../bin/enter-gateway.sh", import.meta.url));
/** The packages stand in node_modules up here. */
const PROGRAM_DIRECTORY = fileURLToPath(new URL("../../../..", import.meta.url));
const ENTRY = fileURLToPath(new URL("../../bin/glovebox.mjs", import.meta.url));

/**
 * New objects are looked through whenever there is this much of them, and meanwhile nobody is served: Node's 16 MiB
 * take tens of milliseconds, and three times that in memory. Plain requests cost the same with less.
 */
const NEW_OBJECTS = "--max-semi-space-size=4";

/**
 * What is large goes back to the system as soon as it is free. Without this the C library raises the bound with each large piece
 * that is freed, up to 32 MiB, and keeps all below it: one small piece behind hundreds of MB of bodies or answers holds them.
 */
export const FREED_MEMORY = { MALLOC_MMAP_THRESHOLD_: String(128 * 1024) } as const;

/** Where the gateway finds the guests' socket. What it says to the supervisor goes to 3. */
export const GUEST_SOCKET_DESCRIPTOR = 4;
export interface GatewayUser {
  readonly uid: number;
  readonly gid: number;
}

export interface GatewayProcess {
  readonly child: ChildProcess;
  /** What it says is read here. Whoever is given it closes it. */
  readonly signs: number;
  /** Held open for the child's life, as its end is the supervisor's. Whoever is given it closes it. */
  readonly orders: number;
}

/** `token` is undefined for AUTH=none. @throws when its pipes or the guests' socket cannot be made */
export async function startGatewayProcess(
  config: Config,
  user: GatewayUser,
  token: string | undefined,
): Promise<GatewayProcess> {
  const listener = await bindGuestSocket(config.runDir);
  const open: number[] = [];
  try {
    const orders = makePipe(config.runDir);
    const signs = makePipe(config.runDir);
    open.push(orders.readEnd, signs.writeEnd);
    // A token is shorter than a pipe has room, so this does not wait.
    writeSync(orders.writeEnd, `${token ?? ""}\n`);
    const output = [1, 2].map(writeOnly);
    open.push(...output.filter((one) => one > 2));
    const child = spawnGateway(config, user, [
      orders.readEnd,
      ...output,
      signs.writeEnd,
      guestDescriptor(listener, config),
    ]);
    return { child, signs: signs.readEnd, orders: orders.writeEnd };
  } finally {
    for (const descriptor of open) closeSync(descriptor);
    listener.close();
  }
}

function guestDescriptor(listener: Server, config: Config): number {
  // The handle is not declared, and is where every version of Node keeps the descriptor.
  const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
  if (!refusePassedDescriptors(fd, `${config.rootfsDir}/current`)) {
    process.stderr.write(
      "glovebox: this kernel cannot refuse descriptors that guests pass, Linux 6.16 can\n",
    );
  }
  return fd;
}

function spawnGateway(config: Config, user: GatewayUser, stdio: number[]): ChildProcess {
  const program = `${config.runDir}/program`;
  const entry = `${program}/${ENTRY.slice(PROGRAM_DIRECTORY.length).split(sep).join("/")}`;
  return spawn(
    "unshare",
    [
      ...["--mount", "--", "/bin/sh", ENTER],
      ...[config.runDir, PROGRAM_DIRECTORY, process.execPath, config.gatewayDir],
      ...[String(user.uid), String(user.gid)],
      ...[NEW_OBJECTS, ...process.execArgv, entry, "gateway"],
    ],
    {
      stdio,
      cwd: "/",
      // A session of its own: whoever shares one with root's terminal can type there (TIOCSTI).
      detached: true,
      // The configuration as it was checked, whatever has become of the .env file meanwhile.
      env: {
        ...config.environment,
        ...modelKeyVariables(config),
        ...FREED_MEMORY,
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        LANG: "C.UTF-8",
      },
    },
  );
}

/** A terminal is opened for reading, too, by whoever starts a server in it; what root types there is not the gateway's. */
function writeOnly(descriptor: number): number {
  if (!isatty(descriptor)) return descriptor;
  return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NOCTTY);
}

/**
 * Bind in a directory that only root can write, by a name without the directory, because
 * getpeername shows it to guests. It is bound under a passing name, since closing a listener removes
 * the name under which it was bound. There are no connections yet: the keeper does it when the gateway asks.
 */
async function bindGuestSocket(runDir: string): Promise<Server> {
  const name = "guest.sock";
  const passing = "guest";
  const before = process.cwd();
  const server = createServer((socket) => socket.destroy());
  process.chdir(runDir);
  try {
    for (const left of [name, passing]) rmSync(left, { force: true });
    // Bound before listen() returns; what follows is only the event.
    server.listen(passing);
    renameSync(passing, name);
  } finally {
    process.chdir(before);
  }
  await once(server, "listening");
  return server;
}
