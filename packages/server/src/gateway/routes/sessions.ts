/** Sessions as resources, and source 004's /release. */

import type { FastifyRequest } from "fastify";
import type { Desk } from "../../desk/desk.js";
import { ServiceError } from "../../errors.js";
import type { App } from "../app-type.js";
import { visitOf } from "../http/visit.js";
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
import { readLimits } from "../wire/limits.js";
import { toSessionAnswer } from "../wire/session.js";

const tags = ["sessions"];
const LIST = {
  schema: {
    tags,
    operationId: "listSessions",
    summary: "One's own sessions",
    response: answers({ 200: SessionsAnswer }),
  },
};
const SHOW = byId("getSession", "One session", { 200: SessionAnswer });
const END = byId("endSession", "End a session; its processes are gone when this answers", {
  204: Nothing,
});
const RESET = byId("resetSession", "A fresh interpreter and an empty workspace under the same id", {
  200: ResetAnswer,
});
const RELEASE = {
  schema: {
    tags,
    operationId: "releaseSession",
    summary: "End a session, by either of its names",
    body: ReleaseBody,
    response: answers({ 200: ReleaseAnswer }),
  },
};

function byId(operationId: string, summary: string, bySuccess: Parameters<typeof answers>[0]) {
  return {
    schema: { tags, operationId, summary, params: SessionParams, response: answers(bySuccess) },
  };
}

export function registerSessions(app: App, desk: Desk): void {
  const creation = {
    schema: {
      tags,
      operationId: "createSession",
      summary: "Make a session, with a sandbox that is ready",
      body: CreateSessionBody,
      response: answers({ 201: SessionAnswer }),
    },
    // Every field is optional, and so is the body.
    config: { bodyIsOptional: true },
    preValidation: async (request: FastifyRequest) => {
      request.body ??= {};
    },
  };
  app.post("/sessions", creation, async ({ body }, reply) => {
    const { session_id: id, ttl, mounts, packages } = body;
    const limits = readLimits(body.limits ?? {});
    const session = await desk.create(visitOf(reply), { id, limits, ttl, mounts, packages });
    return reply.status(201).send(toSessionAnswer(session));
  });

  app.get("/sessions", LIST, async (_request, reply) => ({
    sessions: desk.list(visitOf(reply)).map(toSessionAnswer),
  }));

  app.get("/sessions/:id", SHOW, async ({ params }, reply) =>
    toSessionAnswer(desk.session(visitOf(reply), params.id).describe()),
  );

  app.delete("/sessions/:id", END, async ({ params }, reply) => {
    await desk.session(visitOf(reply), params.id).end("it was deleted");
    return reply.status(204).send();
  });

  app.post("/sessions/:id/reset", RESET, async ({ params }, reply) => ({
    status: "ok",
    ...toSessionAnswer(await desk.session(visitOf(reply), params.id).reset()),
  }));

  app.post("/release", RELEASE, async ({ body }, reply) => {
    const id = body.session_id ?? body.user_uuid;
    if (id === undefined) {
      throw new ServiceError("INVALID_REQUEST", "user_uuid or session_id is required");
    }
    await desk.session(visitOf(reply), id).end("it was released");
    return { status: "ok", detail: `Session ${id} was released and its sandbox destroyed.` };
  });
}
