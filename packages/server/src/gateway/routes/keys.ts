/** Keys as resources, for admins. */

import type { KeyStore } from "../../access/key-store.js";
import type { Audit } from "../../audit/audit.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app.js";
import { auditOrigin } from "../audit-records.js";
import { requireAdmin } from "../auth.js";
import type { InFlight } from "../in-flight.js";
import { answers, Nothing } from "../schemas/answers.js";
import { CreatedKeyAnswer, CreateKeyBody, KeyParams, KeysAnswer } from "../schemas/keys.js";

export interface KeysOptions {
  readonly keys: KeyStore;
  readonly sessions: SessionManager;
  readonly admission: Admission;
  readonly audit: Audit;
  readonly inFlight: InFlight;
}

export function registerKeys(app: App, options: KeysOptions): void {
  const { keys, sessions, admission, audit, inFlight } = options;
  app.post(
    "/api/keys",
    {
      onRequest: requireAdmin,
      schema: {
        tags: ["keys"],
        summary: "Make a key; the answer is the only place that shows it",
        body: CreateKeyBody,
        response: answers({ 201: CreatedKeyAnswer }),
      },
    },
    async (request, reply) => {
      admission.admitChange();
      const { info, secret } = await keys.create(request.principal, request.body);
      const { id, name, role, quotas, created_by } = info;
      audit.record("key_created", {
        ...auditOrigin(request),
        ...{ key: id, key_name: name, role, quotas: { ...quotas }, created_by },
      });
      return reply
        .status(201)
        .header("cache-control", "no-store")
        .send({ ...info, key: secret });
    },
  );

  const listing = {
    onRequest: requireAdmin,
    schema: {
      tags: ["keys"],
      summary: "All keys and what they have used",
      response: answers({ 200: KeysAnswer }),
    },
  };
  app.get("/api/keys", listing, async () => ({
    keys: keys.list().map(({ info, account }) => ({
      ...info,
      usage: { sessions: sessions.count(info.id), ...account.use() },
    })),
  }));

  app.delete(
    "/api/keys/:id",
    {
      onRequest: requireAdmin,
      schema: {
        tags: ["keys"],
        summary: "Revoke a key and end its sessions",
        params: KeyParams,
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { info, written } = keys.revoke(request.principal, id);
      // Code that runs ends at once, also where the disk is slow to learn of it.
      const ended = sessions.endOwner(id, "its key was revoked");
      inFlight.cutOff(id);
      const [onDisk] = await Promise.allSettled([written, ended]);
      audit.record("key_revoked", {
        ...auditOrigin(request),
        ...{ key: id, key_name: info.name, created_by: info.created_by },
        // It is refused all the same, until a restart.
        ...(onDisk.status === "rejected" ? { error: "INTERNAL" } : {}),
      });
      await Promise.all([written, ended]);
      return reply.status(204).send();
    },
  );
}
