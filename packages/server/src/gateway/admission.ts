/** What a request must pass before it gets work done: the quotas of its key, and the audit log. */

import type { Principal } from "../access/principal.js";
import type { Audit } from "../audit/audit.js";
import { ServiceError } from "../errors.js";
import type { SessionManager } from "../sessions/session-manager.js";

export class Admission {
  readonly #sessions: SessionManager;
  readonly #audit: Audit;

  constructor(sessions: SessionManager, audit: Audit) {
    this.#sessions = sessions;
    this.#audit = audit;
  }

  /**
   * An execution, in a session of this name or in none.
   * @throws ServiceError AUDIT_UNAVAILABLE, QUOTA_EXCEEDED, UNAUTHENTICATED (revoked meanwhile)
   */
  admitExecution({ id: owner, account }: Principal, sessionId: string | undefined): void {
    this.admitChange();
    if (!account) return;
    account.admitRequest();
    account.admitCpu();
    const needsSandbox = sessionId === undefined || !this.#sessions.has(owner, sessionId);
    if (needsSandbox) account.admitSession(this.#sessions.count(owner));
  }

  /** Any other request. @throws ServiceError QUOTA_EXCEEDED, UNAUTHENTICATED (revoked meanwhile) */
  admitRequest({ account }: Principal): void {
    account?.admitRequest();
  }

  /** A change of files that are there. @throws as admitExecution */
  admitFileChange(principal: Principal): void {
    this.admitChange();
    this.admitRequest(principal);
  }

  /** New files in a session, which may be a new one. @throws as admitExecution */
  admitUpload(principal: Principal, sessionId: string): void {
    this.admitFileChange(principal);
    const { id: owner, account } = principal;
    if (account && !this.#sessions.has(owner, sessionId)) {
      account.admitSession(this.#sessions.count(owner));
    }
  }

  /** A question about a session's state. @throws ServiceError QUOTA_EXCEEDED */
  admitQuestion({ account }: Principal): void {
    account?.admitCpu();
  }

  /** Another execution of a request that was admitted. @throws ServiceError as admitExecution */
  admitMore(principal: Principal): void {
    this.admitChange();
    this.admitQuestion(principal);
  }

  /** A new session. @throws as admitExecution */
  admitSession({ id: owner, account }: Principal): void {
    this.admitChange();
    if (!account) return;
    account.admitRequest();
    account.admitSession(this.#sessions.count(owner));
  }

  /** Whatever must not happen without a record. @throws ServiceError AUDIT_UNAVAILABLE */
  admitChange(): void {
    if (!this.#audit.available) {
      throw new ServiceError("AUDIT_UNAVAILABLE", undefined, { retryAfterMs: 1000 });
    }
  }
}
