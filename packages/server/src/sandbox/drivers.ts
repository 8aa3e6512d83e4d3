/** Chooses the driver. The one place that names any. */

import type { Config } from "../config.js";
import { Deadlines } from "./native/deadlines.js";
import { NativeDriver, type OnFault } from "./native/driver.js";
import { GuestListener } from "./native/guest-listener.js";
import { KeeperClient } from "./native/keeper-client.js";
import { foldersInside, planConfinement } from "./plan.js";
import type { SandboxDriver } from "./sandbox.js";

/** A driver that is not started yet. `guestSocket` is the descriptor on which sandboxes announce themselves. */
export async function openDriver(
  config: Config,
  guestSocket: number,
  onFault: OnFault,
): Promise<SandboxDriver> {
  const listener = new GuestListener();
  await listener.listen(guestSocket);
  return new NativeDriver({
    keeper: new KeeperClient(`${config.runDir}/keeper.sock`),
    listener,
    deadlines: new Deadlines(`${config.runDir}/deadlines`),
    plan: planConfinement(config),
    folders: foldersInside(config),
    onFault,
  });
}
