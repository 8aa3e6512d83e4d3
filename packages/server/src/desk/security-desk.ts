/** What an operator orders when it matters, carried out and recorded. */

import type { Audit } from "../audit/audit.js";
import type { PanicNote } from "../security/panic-latch.js";
import type { PanicReport, SandboxInfo, Security, Verification } from "../security/security.js";
import { auditOrigin } from "./audit-records.js";
import type { Visit } from "./visit.js";

export class SecurityDesk {
  readonly #security: Security;
  readonly #audit: Audit;

  constructor(security: Security, audit: Audit) {
    this.#security = security;
    this.#audit = audit;
  }

  /** @throws ServiceError as all of these: UNAUTHENTICATED (revoked meanwhile), FORBIDDEN */
  async panic(visit: Visit, why: string): Promise<PanicReport> {
    const report = await this.#security.panic(visit.principal, why);
    const { reason, count, sessionsEnded: sessions, verified } = report;
    this.#audit.record("panic", {
      ...auditOrigin(visit),
      ...{ reason, sandboxes: count?.sandboxes ?? null, sessions, verified },
    });
    return report;
  }

  /** The panic that it ended; null where none was. */
  async resume(visit: Visit): Promise<PanicNote | null> {
    const note = await this.#security.resume(visit.principal);
    if (note) {
      this.#audit.record("resume", { ...auditOrigin(visit), panicked_since: note.since });
    }
    return note;
  }

  verify({ principal }: Visit): Promise<Verification> {
    return this.#security.verify(principal);
  }

  sandboxes({ principal }: Visit): SandboxInfo[] {
    return this.#security.sandboxes(principal);
  }

  /** `gone` resolves when its processes are. */
  killSandbox(visit: Visit, id: string): { sessionId: string | null; gone: Promise<void> } {
    const killed = this.#security.killSandbox(visit.principal, id);
    this.#audit.record("container_killed", {
      ...auditOrigin(visit),
      ...{ container: id, session: killed.sessionId },
    });
    return killed;
  }

  /** The sessions of this id, whoever owns them. `gone` as above. */
  endSessions(visit: Visit, id: string): { owners: string[]; gone: Promise<void> } {
    const ended = this.#security.endSessions(visit.principal, id);
    const { owners } = ended;
    this.#audit.record("session_killed", { ...auditOrigin(visit), session: id, owners });
    return ended;
  }
}
