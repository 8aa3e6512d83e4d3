/** What the supervisor runs. Another process is another function here, and an entry in the list of serve.ts. */

import type { Config } from "../config.js";
import { EXIT_GATEWAY_HOPELESS, type GatewayUser, startGatewayProcess } from "./gateway-process.js";
import { isHeartbeat } from "./heartbeat.js";
import { startKeeper } from "./keeper-process.js";
import { removeServerRecord } from "./server-record.js";
import type { SharedFolder } from "./shared-folders.js";
import type { Child } from "./supervise.js";
import { readTokenFile } from "./token.js";
import { watchGateway, watchKeeper } from "./watch-children.js";

/** The keeper's way of saying that the host lacks something. */
const EXIT_ISOLATION_UNAVAILABLE = 70;
/** The keeper's way of saying that a folder cannot be shared as configured, and why. */
const EXIT_FOLDERS_REFUSED = 72;
const KEEPER_STOP_MS = 10_000;
const NO_ISOLATION = {
  reason: "sandboxes cannot be isolated on this host, see above; `glovebox doctor` says more",
};

export function keeperChild(
  config: Config,
  gatewayUid: number,
  folders: readonly SharedFolder[],
): Child {
  return {
    name: "the keeper",
    stopMs: KEEPER_STOP_MS,
    start(isAgain) {
      const keeper = startKeeper(config, gatewayUid, isAgain ? "adopt" : "reclaim", folders);
      keeper.stderr?.on("data", (chunk: Buffer) => process.stderr.write(chunk));
      const watchdog = watchKeeper(keeper, config);
      keeper.on("exit", () => watchdog?.stop());
      return keeper;
    },
    stop: (keeper) => keeper.stdin?.end(),
    afterExit(code, hasServed) {
      if (code === EXIT_FOLDERS_REFUSED) return "end";
      return code === EXIT_ISOLATION_UNAVAILABLE || !hasServed ? NO_ISOLATION : "start again";
    },
  };
}

/** `onAddress` is told where each gateway listens, once. */
export function gatewayChild(
  config: Config,
  user: GatewayUser,
  onAddress: (address: string) => void,
): Child {
  return {
    name: "the gateway",
    stopMs: config.drainTimeoutMs + 10_000,
    async start() {
      const gateway = await startGatewayProcess(config, user, readToken(config));
      const watchdog = watchGateway(gateway, config);
      let serves = false;
      gateway.on("message", (message) => {
        if (isHeartbeat(message)) watchdog?.heard();
        const address = addressIn(message);
        if (address === undefined || serves) return;
        serves = true;
        onAddress(address);
      });
      gateway.on("exit", () => {
        watchdog?.stop();
        removeServerRecord(config);
      });
      return gateway;
    },
    stop: (gateway) => gateway.kill("SIGTERM"),
    // What has served before fails to start for a passing reason, like a keeper that dies meanwhile.
    afterExit: (code, hasServed) =>
      code === EXIT_GATEWAY_HOPELESS && !hasServed ? "end" : "start again",
  };
}

/** Read anew for each gateway, so that a changed file counts from the next start on. */
function readToken(config: Config): string | undefined {
  if (config.auth === "none") return undefined;
  return config.token ?? readTokenFile(config.tokenFile);
}

/** What the gateway says when it serves. It reads what strangers send, so root does not rely on it, nor
 * prints what a terminal might obey. */
export function addressIn(message: unknown): string | undefined {
  const { address } = (message ?? {}) as { address?: unknown };
  if (typeof address !== "string") return undefined;
  return /^http:\/\/[\w.:[\]%-]{1,300}$/.test(address) ? address : undefined;
}
