/** One request, by whatever door it came: HTTP today, and anything that can say who asks. */

import type { Principal } from "../access/principal.js";
import { ServiceError } from "../errors.js";

export interface Visit {
  readonly principal: Principal;
  /** The address that it came from. */
  readonly client: string;
  /** The server's log and the answer know it by this. */
  readonly requestId: string;
  /**
   * `listener` is called when nobody waits for an answer any more, and at once where that is so already. It may be
   * called after a whole answer as well: what is over by then must not mind.
   */
  onGone(listener: () => void): void;
}

declare const admitted: unique symbol;

/** A visit for which code may run. Only Admission makes one, and nothing here starts code without it. */
export type AdmittedVisit = Visit & { readonly [admitted]: true };

/** Aborted when the visitor goes. */
export function goneSignal(visit: Visit): AbortSignal {
  const abort = new AbortController();
  visit.onGone(() => abort.abort(new ServiceError("INTERNAL", "The client has gone.")));
  return abort.signal;
}
