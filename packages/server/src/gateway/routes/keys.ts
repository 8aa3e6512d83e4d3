/** Keys as resources, for admins. */

import type { KeyStore } from "../../access/key-store.js";
import type { Audit } from "../../audit/audit.js";
import { ServiceError } from "../../errors.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app.js";
import { auditOrigin } from "../audit-records.js";
import { requireAdmin } from "../auth.js";
import { answers, Nothing } from "../schemas/answers.js";
import { CreatedKeyAnswer, CreateKeyBody, KeyParams, KeysAnswer } from "../schemas/keys.js";

export interface KeysOptions {
  readonly keys: KeyStore;
  readonly sessions: SessionManager;
  readonly admission: Admission;
  readonly audit: Audit;
}

export function registerKeys(app: App, options: KeysOptions): void {
  const { keys, sessions, admission, audit } = options;
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
      const { info, secret } = await keys.create(request.body);
      const { id, name, role, quotas } = info;
      audit.record("key_created", {
        ...auditOrigin(request),
        ...{ key: id, key_name: name, role, quotas: { ...quotas } },
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
      // The built-in admin owns sessions too, and is no key.
      if (keys.nameOf(id) === undefined) throw new ServiceError("KEY_NOT_FOUND");
      // Code that runs ends at once, also where the disk is slow to learn of it.
      const revoked = keys.revoke(id);
      const [{ name }] = await Promise.all([revoked, sessions.endOwner(id, "its key was revoked")]);
      audit.record("key_revoked", { ...auditOrigin(request), key: id, key_name: name });
      return reply.status(204).send();
    },
  );
}
