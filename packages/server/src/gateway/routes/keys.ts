/** Keys as resources, for admins. */

import type { KeyDesk } from "../../desk/key-desk.js";
import type { App } from "../app-type.js";
import { requireAdmin } from "../auth.js";
import { visitOf } from "../http/visit.js";
import { answers, Nothing } from "../schemas/answers.js";
import { CreatedKeyAnswer, CreateKeyBody, KeyParams, KeysAnswer } from "../schemas/keys.js";

export function registerKeys(app: App, desk: KeyDesk): void {
  app.post(
    "/api/keys",
    {
      onRequest: requireAdmin,
      schema: {
        tags: ["keys"],
        operationId: "createKey",
        summary: "Make a key; the answer is the only place that shows it",
        body: CreateKeyBody,
        response: answers({ 201: CreatedKeyAnswer }),
      },
    },
    async ({ body }, reply) => {
      const { info, secret } = await desk.create(visitOf(reply), body);
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
      operationId: "listKeys",
      summary: "All keys and what they have used",
      response: answers({ 200: KeysAnswer }),
    },
  };
  app.get("/api/keys", listing, async () => ({ keys: desk.list() }));

  app.delete(
    "/api/keys/:id",
    {
      onRequest: requireAdmin,
      schema: {
        tags: ["keys"],
        operationId: "revokeKey",
        summary: "Revoke a key and end its sessions",
        params: KeyParams,
        response: answers({ 204: Nothing }),
      },
    },
    async ({ params }, reply) => {
      await desk.revoke(visitOf(reply), params.id);
      return reply.status(204).send();
    },
  );
}
