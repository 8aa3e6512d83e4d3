/**
 * Starts the gateway, the process that reads HTTP, as an ordinary user. Everything that only root
 * may do happens before: the guests' socket is bound and handed over as a descriptor, the token is
 * written to its standard input. No line of the HTTP side, nor of any package, ever runs as root.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { renameSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../config.js";
import { refusePassedDescriptors } from "../sandbox/native/passed-descriptors.js";
import { modelKeyVariables } from "./model-key.js";

const ENTER = fileURLToPath(new URL("../../bin/enter-gateway.sh", import.meta.url));
/** The packages stand in node_modules up here. */
const PROGRAM_DIRECTORY = fileURLToPath(new URL("../../../..", import.meta.url));
const ENTRY = fileURLToPath(new URL("../../bin/glovebox.mjs", import.meta.url));

/** Where the gateway finds the guests' socket. The channel to the supervisor is 3. */
export const GUEST_SOCKET_DESCRIPTOR = 4;

export interface GatewayUser {
  readonly uid: number;
  readonly gid: number;
}

/** `token` is undefined for AUTH=none. @throws when the guests' socket cannot be made */
export async function startGatewayProcess(
  config: Config,
  user: GatewayUser,
  token: string | undefined,
): Promise<ChildProcess> {
  const listener = await bindGuestSocket(config.runDir);
  try {
    // The handle is not declared, and is where every version of Node keeps the descriptor.
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    if (!refusePassedDescriptors(fd, `${config.rootfsDir}/current`)) {
      process.stderr.write(
        "glovebox: this kernel cannot refuse descriptors that guests pass, Linux 6.16 can\n",
      );
    }
    const program = `${config.runDir}/program`;
    const entry = `${program}/${ENTRY.slice(PROGRAM_DIRECTORY.length).split(sep).join("/")}`;
    const gateway = spawn(
      "unshare",
      [
        ...["--mount", "--", "/bin/sh", ENTER],
        ...[config.runDir, PROGRAM_DIRECTORY, process.execPath, config.gatewayDir],
        ...[String(user.uid), String(user.gid)],
        ...[...process.execArgv, entry, "gateway"],
      ],
      {
        stdio: ["pipe", "inherit", "inherit", "ipc", fd],
        cwd: "/",
        // The configuration as it was checked, whatever has become of the .env file meanwhile.
        env: {
          ...config.environment,
          ...modelKeyVariables(config),
          PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
          LANG: "C.UTF-8",
        },
      },
    );
    // If it died before it read the token, its exit says more.
    gateway.stdin?.on("error", () => undefined).end(token ?? "");
    return gateway;
  } finally {
    listener.close();
  }
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
