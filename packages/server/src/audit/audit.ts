/** What the rest of the server knows of the audit log. The audit area may import errors and config. */

export type AuditEvent =
  | "server_started"
  | "server_stopped"
  | "execution"
  | "model_used"
  | "session_created"
  | "session_ended"
  | "files_changed"
  | "key_created"
  | "key_revoked"
  | "auth_failed"
  | "panic"
  | "resume"
  | "container_killed"
  | "session_killed"
  /** Written by the log about itself. */
  | "recovered"
  | "records_lost"
  | "rotated";

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** As they are written. Never code, output or secrets. */
export type AuditFields = Readonly<Record<string, Json>>;

export interface Audit {
  /** False for AUDIT=off, so that no record is prepared in vain. */
  readonly enabled: boolean;
  /** False while AUDIT_REQUIRED is set and records cannot be written: new work is to be refused. */
  readonly available: boolean;
  /**
   * Neither waits nor throws; the record is written within moments. Of `code` it gets the SHA-256 and
   * the length, which are taken when the batch is sealed.
   */
  record(event: AuditEvent, fields: AuditFields, code?: string): void;
  /** Write what is left, and close. */
  stop(): Promise<void>;
}

/** AUDIT=off. */
export const NO_AUDIT: Audit = Object.freeze({
  enabled: false,
  available: true,
  record: () => undefined,
  stop: () => Promise.resolve(),
});
