/** Sessions as resources, and source 004's /release. */

import type { FastifyRequest } from "fastify";
import type { Config } from "../../config.js";
import { ServiceError } from "../../errors.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app.js";
import { checkLimits } from "../limits.js";
import { SessionParams } from "../schemas/common.js";
import { CreateSessionBody, ReleaseBody } from "../schemas/sessions.js";

const BY_ID = { schema: { params: SessionParams } };

export interface SessionsOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly admission: Admission;
}

export function registerSessions(app: App, options: SessionsOptions): void {
  const { sessions, config, admission } = options;
  const creation = {
    schema: { body: CreateSessionBody },
    // Every field is optional, and so is the body.
    preValidation: async (request: FastifyRequest) => {
      request.body ??= {};
    },
  };
  app.post("/sessions", creation, async (request, reply) => {
    const { session_id, limits, ttl } = request.body;
    const ttlMs = ttl === undefined ? undefined : ttl * 1000;
    if (ttlMs !== undefined && ttlMs > 7 * 86_400_000) {
      throw new ServiceError("INVALID_REQUEST", "ttl must be at most 604800 seconds, a week");
    }
    const checked = checkLimits(limits ?? {}, config);
    const { principal } = request;
    admission.admitSession(principal);
    const session = await sessions.create({
      owner: principal.id,
      id: session_id,
      limits: checked,
      ttlMs,
    });
    return reply.status(201).send(session);
  });

  app.get("/sessions", async ({ principal }) => ({ sessions: sessions.list(principal.id) }));

  app.get("/sessions/:id", BY_ID, async ({ principal, params }) =>
    sessions.describe(principal.id, params.id),
  );

  app.delete("/sessions/:id", BY_ID, async (request, reply) => {
    await sessions.delete(request.principal.id, request.params.id, "it was deleted");
    return reply.status(204).send();
  });

  app.post("/sessions/:id/reset", BY_ID, async (request) => ({
    status: "ok",
    ...(await sessions.reset(request.principal.id, request.params.id)),
  }));

  app.post("/release", { schema: { body: ReleaseBody } }, async (request) => {
    const id = request.body.session_id ?? request.body.user_uuid;
    if (id === undefined) {
      throw new ServiceError("INVALID_REQUEST", "user_uuid or session_id is required");
    }
    await sessions.delete(request.principal.id, id, "it was released");
    return { status: "ok", detail: `Session ${id} was released and its sandbox destroyed.` };
  });
}
