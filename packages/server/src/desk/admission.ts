/**
 * What a request is told at once, before its body's work, a model or a queue costs anything. Advice in time, and no
 * more: the sessions and the keys ask the principal again in the turn in which they act.
 */

import type { Principal } from "../access/principal.js";
import type { Audit } from "../audit/audit.js";
import { ServiceError } from "../errors.js";
import type { Sessions } from "../sessions/interface.js";
import type { AdmittedVisit, Visit } from "./visit.js";

export class Admission {
  readonly #sessions: Pick<Sessions, "has" | "count">;
  readonly #audit: Audit;

  constructor(sessions: Pick<Sessions, "has" | "count">, audit: Audit) {
    this.#sessions = sessions;
    this.#audit = audit;
  }

  /**
   * An execution, in a session of this name or in none.
   * @throws ServiceError AUDIT_UNAVAILABLE, QUOTA_EXCEEDED, UNAUTHENTICATED (revoked meanwhile)
   */
  admitExecution(visit: Visit, sessionId: string | undefined): AdmittedVisit {
    const { principal } = visit;
    this.admitChange();
    principal.admitRun();
    this.#admitSession(principal, sessionId);
    return visit as AdmittedVisit;
  }

  /** New files in a session, which may be a new one. @throws as admitExecution */
  admitUpload({ principal }: Visit, sessionId: string): void {
    this.admitChange();
    this.#admitSession(principal, sessionId);
  }

  /** Whatever must not happen without a record. @throws ServiceError AUDIT_UNAVAILABLE */
  admitChange(): void {
    if (!this.#audit.available) {
      throw new ServiceError("AUDIT_UNAVAILABLE", undefined, { retryAfterMs: 1000 });
    }
  }

  #admitSession(principal: Principal, sessionId: string | undefined): void {
    const { id, sessionsMax } = principal;
    if (sessionsMax === undefined) return;
    if (sessionId !== undefined && this.#sessions.has(id, sessionId)) return;
    principal.admitSession(this.#sessions.count(id));
  }
}
