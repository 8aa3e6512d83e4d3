/** `glovebox gateway`: the supervisor's child that serves HTTP. Not for people to call. */

import { EXIT_GATEWAY_HOPELESS } from "../config/agreement.js";
import type { Config } from "../config.js";
import { startGateway } from "../main.js";
import { GUEST_SOCKET_DESCRIPTOR } from "./gateway-process.js";
import {
  hasSupervisor,
  listenToSupervisor,
  startHeartbeat,
  tellAddress,
} from "./supervisor-channel.js";

/** Serve until SIGTERM or until the supervisor is gone. Resolves with the exit code. */
export async function runGateway(config: Config): Promise<number> {
  if (!hasSupervisor()) {
    process.stderr.write("glovebox gateway is started by `glovebox serve`\n");
    return 1;
  }
  const { token, gone } = listenToSupervisor(process.stdin);
  const asked = new Promise<void>((resolve) => {
    process.on("SIGTERM", resolve);
    void gone.then(resolve);
    // The supervisor passes on in its own order what a person or a service manager sends to all.
    process.on("SIGINT", () => undefined);
    process.on("SIGHUP", () => undefined);
  });
  startHeartbeat();
  let serving = false;
  // While it starts it serves no one, so there is nothing to drain.
  void asked.then(() => serving || process.exit(0));
  try {
    const gateway = await startGateway({
      config,
      adminToken: await token,
      guestSocket: GUEST_SOCKET_DESCRIPTOR,
    });
    serving = true;
    tellAddress(gateway.address);
    await asked;
    await gateway.stop();
    // Nothing is left to wait for, whatever timer or socket would still keep the process alive.
    process.exit(0);
  } catch (error) {
    const { code, message, cause } = error as NodeJS.ErrnoException;
    const reason = (cause as Error | undefined)?.message ?? message;
    const hints: Record<string, string> = {
      EADDRINUSE: `: port ${config.port} is taken; set PORT, or stop who has it`,
      EACCES: `: port ${config.port} is reserved for root; set PORT to 1024 or above`,
      EADDRNOTAVAIL: `: HOST ${config.host} is not an address of this machine`,
    };
    process.stderr.write(
      `glovebox: the server could not start${hints[code ?? ""] ?? `: ${reason}`}\n`,
    );
    // What was opened before the failure would keep the process alive.
    process.exit(EXIT_GATEWAY_HOPELESS);
  }
}
