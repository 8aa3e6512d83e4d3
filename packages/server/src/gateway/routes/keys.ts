/** Keys as resources, for admins. */

import { Type } from "typebox";
import { KeyName, KeyQuotas, KeyRole } from "../../access/key-file.js";
import type { KeyStore } from "../../access/key-store.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { App } from "../app.js";
import { requireAdmin } from "../auth.js";

const closed = { additionalProperties: false } as const;
const CreateKeyBody = Type.Object(
  { name: KeyName, role: KeyRole, quotas: Type.Optional(KeyQuotas) },
  closed,
);
const KeyParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }, closed);

export function registerKeys(app: App, keys: KeyStore, sessions: SessionManager): void {
  app.post(
    "/api/keys",
    { onRequest: requireAdmin, schema: { body: CreateKeyBody } },
    async (request, reply) => {
      const { info, secret } = await keys.create(request.body);
      return reply
        .status(201)
        .header("cache-control", "no-store")
        .send({ ...info, key: secret });
    },
  );

  app.get("/api/keys", { onRequest: requireAdmin }, async () => ({
    keys: keys.list().map(({ info, account }) => ({
      ...info,
      usage: { sessions: sessions.count(info.id), ...account.use() },
    })),
  }));

  app.delete(
    "/api/keys/:id",
    { onRequest: requireAdmin, schema: { params: KeyParams } },
    async (request, reply) => {
      const { id } = request.params;
      // Code that runs ends at once, also where the disk is slow to learn of it.
      const revoked = keys.revoke(id);
      await Promise.all([revoked, sessions.endOwner(id, "its key was revoked")]);
      return reply.status(204).send();
    },
  );
}
