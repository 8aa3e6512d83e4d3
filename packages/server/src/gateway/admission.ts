/** What a request must pass before it gets work done: the quotas of its key. */

import type { Principal } from "../access/principal.js";
import type { SessionManager } from "../sessions/session-manager.js";

/**
 * An execution, in a session of this name or in none.
 * @throws ServiceError QUOTA_EXCEEDED, UNAUTHENTICATED (revoked since the request began)
 */
export function admitExecution(
  { id: owner, account }: Principal,
  sessions: SessionManager,
  sessionId: string | undefined,
): void {
  if (!account) return;
  account.admitRequest();
  account.admitCpu();
  const needsSandbox = sessionId === undefined || !sessions.has(owner, sessionId);
  if (needsSandbox) account.admitSession(sessions.count(owner));
}

/** A new session. @throws as admitExecution */
export function admitSession({ id: owner, account }: Principal, sessions: SessionManager): void {
  if (!account) return;
  account.admitRequest();
  account.admitSession(sessions.count(owner));
}
