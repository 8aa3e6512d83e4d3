/** Sessions as resources, and source 004's /release. */

import type { FastifyRequest } from "fastify";
import type { Config } from "../../config.js";
import { ServiceError } from "../../errors.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app.js";
import { checkLimits, checkTtl } from "../limits.js";
import { answers, Nothing } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import {
  CreateSessionBody,
  ReleaseAnswer,
  ReleaseBody,
  ResetAnswer,
  SessionAnswer,
  SessionsAnswer,
} from "../schemas/sessions.js";

const tags = ["sessions"];
const LIST = {
  schema: { tags, summary: "One's own sessions", response: answers({ 200: SessionsAnswer }) },
};
const SHOW = byId("One session", { 200: SessionAnswer });
const END = byId("End a session; its processes are gone when this answers", { 204: Nothing });
const RESET = byId("A fresh interpreter and an empty workspace under the same id", {
  200: ResetAnswer,
});
const RELEASE = {
  schema: {
    tags,
    summary: "End a session, by either of its names",
    body: ReleaseBody,
    response: answers({ 200: ReleaseAnswer }),
  },
};

function byId(summary: string, bySuccess: Parameters<typeof answers>[0]) {
  return { schema: { tags, summary, params: SessionParams, response: answers(bySuccess) } };
}

export interface SessionsOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly admission: Admission;
}

export function registerSessions(app: App, options: SessionsOptions): void {
  const { sessions, config, admission } = options;
  const creation = {
    schema: {
      tags,
      summary: "Make a session, with a sandbox that is ready",
      body: CreateSessionBody,
      response: answers({ 201: SessionAnswer }),
    },
    // Every field is optional, and so is the body.
    preValidation: async (request: FastifyRequest) => {
      request.body ??= {};
    },
  };
  app.post("/sessions", creation, async (request, reply) => {
    const { session_id, limits, ttl, mounts, packages } = request.body;
    const ttlMs = checkTtl(ttl);
    const checked = checkLimits(limits ?? {}, config);
    const { principal } = request;
    admission.admitChange();
    const session = await sessions.create({
      owner: principal,
      id: session_id,
      limits: checked,
      ttlMs,
      mounts,
      packages,
    });
    return reply.status(201).send(session);
  });

  app.get("/sessions", LIST, async ({ principal }) => ({ sessions: sessions.list(principal) }));

  app.get("/sessions/:id", SHOW, async ({ principal, params }) =>
    sessions.describe(principal, params.id),
  );

  app.delete("/sessions/:id", END, async (request, reply) => {
    await sessions.delete(request.principal, request.params.id, "it was deleted");
    return reply.status(204).send();
  });

  app.post("/sessions/:id/reset", RESET, async (request) => ({
    status: "ok",
    ...(await sessions.reset(request.principal, request.params.id)),
  }));

  app.post("/release", RELEASE, async (request) => {
    const id = request.body.session_id ?? request.body.user_uuid;
    if (id === undefined) {
      throw new ServiceError("INVALID_REQUEST", "user_uuid or session_id is required");
    }
    await sessions.delete(request.principal, id, "it was released");
    return { status: "ok", detail: `Session ${id} was released and its sandbox destroyed.` };
  });
}
