/** Keys for admins: made, listed, revoked, and recorded. */

import type { KeyCreation, KeyInfo, KeyStore } from "../access/key-store.js";
import type { Audit } from "../audit/audit.js";
import type { Sessions } from "../sessions/interface.js";
import { Admission } from "./admission.js";
import { auditOrigin } from "./audit-records.js";
import type { Visit } from "./visit.js";

export interface KeyDeskParts {
  readonly keys: KeyStore;
  readonly sessions: Sessions;
  readonly audit: Audit;
  /** Ends whatever a door has open for the key of this id. */
  readonly cutOff: (keyId: string) => void;
}

export class KeyDesk {
  readonly #parts: KeyDeskParts;
  readonly #admission: Admission;

  constructor(parts: KeyDeskParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts.sessions, parts.audit);
  }

  /** Nothing but the answer ever has the secret. @throws ServiceError AUDIT_UNAVAILABLE and as KeyStore.create */
  async create(visit: Visit, asked: KeyCreation): Promise<{ info: KeyInfo; secret: string }> {
    const { keys, audit } = this.#parts;
    this.#admission.admitChange();
    const created = await keys.create(visit.principal, asked);
    const { id, name, role, quotas, created_by } = created.info;
    audit.record("key_created", {
      ...auditOrigin(visit),
      ...{ key: id, key_name: name, role, quotas: { ...quotas }, created_by },
    });
    return created;
  }

  /** All keys and what they have used. */
  list() {
    const { keys, sessions } = this.#parts;
    return keys.list().map(({ info, account }) => ({
      ...info,
      usage: { sessions: sessions.count(info.id), ...account.use() },
    }));
  }

  /**
   * Resolves when its sessions have ended and the disk knows.
   * @throws ServiceError as KeyStore.revoke, and what the disk says
   */
  async revoke(visit: Visit, id: string): Promise<void> {
    const { keys, sessions, audit, cutOff } = this.#parts;
    const { info, written } = keys.revoke(visit.principal, id);
    // Code that runs ends at once, also where the disk is slow to learn of it.
    const ended = sessions.endOwner(id, "its key was revoked");
    cutOff(id);
    const [onDisk] = await Promise.allSettled([written, ended]);
    audit.record("key_revoked", {
      ...auditOrigin(visit),
      ...{ key: id, key_name: info.name, created_by: info.created_by },
      // It is refused all the same, until a restart.
      ...(onDisk.status === "rejected" ? { error: "INTERNAL" } : {}),
    });
    await Promise.all([written, ended]);
  }
}
