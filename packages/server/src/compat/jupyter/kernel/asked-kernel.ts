/** A kernel as those see it who ask something of its session. */

import type { Desk } from "../../../desk/desk.js";
import type { OpenComms } from "./comms.js";

export interface AskedKernel {
  readonly desk: Desk;
  readonly sessionId: string;
  readonly comms: OpenComms;
}
