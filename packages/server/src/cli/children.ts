/** What the supervisor runs. Another process is another function here, and an entry in the list of serve.ts. */

import { closeSync } from "node:fs";
import {
  EXIT_FOLDERS_REFUSED,
  EXIT_GATEWAY_HOPELESS,
  EXIT_ISOLATION_UNAVAILABLE,
} from "../config/agreement.js";
import type { Config } from "../config.js";
import { type GatewayUser, startGatewayProcess } from "./gateway-process.js";
import { GatewaySigns } from "./gateway-signs.js";
import { startKeeper } from "./keeper-process.js";
import { removeServerRecord } from "./server-record.js";
import type { SharedFolder } from "./shared-folders.js";
import type { Child } from "./supervise.js";
import { readTokenFile } from "./token.js";
import { watchGateway, watchKeeper } from "./watch-children.js";

const KEEPER_STOP_MS = 10_000;
/** On top for each sandbox that there may be: a busy machine takes a thousand apart in some 16 s. */
const SANDBOX_STOP_MS = 20;
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
    stopMs: KEEPER_STOP_MS + config.sessionsMax * SANDBOX_STOP_MS,
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
      const started = await startGatewayProcess(config, user, readToken(config));
      const gateway = started.child;
      const watchdog = watchGateway(gateway, config);
      const signs = new GatewaySigns(started.signs, {
        onSign: () => watchdog?.heard(),
        onAddress,
      });
      gateway.on("exit", () => {
        watchdog?.stop();
        signs.stop();
        closeSync(started.orders);
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
