/**
 * Who asks for something, as the sessions see them. They keep it for as long as the session lives and ask it
 * in the turn in which they act, so what was decided before a wait is never relied on after it.
 */

export interface Caller {
  /** The name space of the sessions. */
  readonly id: string;
  /** Sessions and stateless runs at a time; undefined without a bound. */
  readonly sessionsMax: number | undefined;
  /** @throws ServiceError UNAUTHENTICATED (revoked meanwhile) */
  assertAlive(): void;
  /** Code may run. @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED */
  admitRun(): void;
  /** One more session may live beside `live`. @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED */
  admitSession(live: number): void;
}

/** What a session asks before it acts for its owner. */
export interface Admit {
  /** Code, ours included. @throws ServiceError UNAUTHENTICATED, QUOTA_EXCEEDED, AUDIT_UNAVAILABLE */
  run(): void;
  /** A change of files. @throws ServiceError UNAUTHENTICATED, AUDIT_UNAVAILABLE */
  change(): void;
}

/** One key for a session of an owner. Neither owners nor ids have a slash, so no two pairs share one. */
export function sessionKey(owner: string, id: string): string {
  return `${owner}/${id}`;
}
