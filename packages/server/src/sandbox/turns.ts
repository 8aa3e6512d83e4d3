/**
 * Work that takes milliseconds is done one piece in each turn of the event loop. Attackers can
 * arrange that fifty large answers come due in the same instant; done in one turn, they would hold
 * up everybody's small requests for a second.
 */

import { setImmediate as nextTurn } from "node:timers/promises";

let last: Promise<void> = Promise.resolve();

/** Resolves in a turn that no other caller gets. In the order of asking. */
export function turnOfOnesOwn(): Promise<void> {
  last = last.then(() => nextTurn());
  return last;
}
