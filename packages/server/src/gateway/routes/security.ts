/** What an operator does when it matters. Admin only. */

import type { FastifyRequest } from "fastify";
import type { SecurityDesk } from "../../desk/security-desk.js";
import type { App } from "../app-type.js";
import { requireAdmin } from "../auth.js";
import { visitOf } from "../http/visit.js";
import { answers } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import {
  ContainerParams,
  ContainersAnswer,
  EndedAnswer,
  KilledAnswer,
  PanicAnswer,
  PanicBody,
  ResumeAnswer,
  SecurityHealthAnswer,
} from "../schemas/security.js";
import { toContainer, toPanicAnswer } from "../wire/security.js";

const DEFAULT_REASON = "asked for over the API";
const REASON_CHARACTERS_MAX = 500;

function described(operationId: string, summary: string, bySuccess: Parameters<typeof answers>[0]) {
  const schema = { tags: ["security"], operationId, summary, response: answers(bySuccess) };
  return { onRequest: requireAdmin, schema };
}

const PANIC = described("panic", "Kill every sandbox and refuse new work", {
  200: PanicAnswer,
  500: PanicAnswer,
});
const RESUME = described("resume", "Verify the isolation and let work in again", {
  200: ResumeAnswer,
});
const HEALTH = described("verifyProtections", "Every protection, tried on a live sandbox", {
  200: SecurityHealthAnswer,
  503: SecurityHealthAnswer,
});
const CONTAINERS = described("listContainers", "Every sandbox and what it uses", {
  200: ContainersAnswer,
});
const KILL = described("killContainer", "Kill one sandbox", { 200: KilledAnswer });
const END = described("endSessionsOfAnybody", "End the sessions of this id, whoever owns them", {
  200: EndedAnswer,
});

export function registerSecurity(app: App, desk: SecurityDesk): void {
  const panic = {
    ...PANIC,
    schema: { ...PANIC.schema, body: PanicBody },
    // A panic needs no body.
    config: { bodyIsOptional: true },
    preValidation: async (request: FastifyRequest) => {
      request.body ??= {};
    },
  };
  app.post("/api/security/panic", panic, async (request, reply) => {
    const { reason: given = DEFAULT_REASON } = request.body;
    const report = await desk.panic(visitOf(reply), given.slice(0, REASON_CHARACTERS_MAX));
    request.log.warn({ request_id: request.id, report }, "panic");
    if (!report.verified) reply.status(500);
    return toPanicAnswer(report);
  });

  app.post("/api/security/resume", RESUME, async (request, reply) => {
    const note = await desk.resume(visitOf(reply));
    if (note) {
      request.log.warn({ request_id: request.id, note }, "resumed after a panic");
    }
    return {
      status: "running",
      was_panicked: note !== null,
      ...(note ? { panicked_since: note.since, reason: note.reason } : {}),
    };
  });

  app.get("/api/security/health", HEALTH, async (_request, reply) => {
    const report = await desk.verify(visitOf(reply));
    if (!report.verified) reply.status(503);
    return {
      status: report.verified ? "verified" : "failed",
      failed: report.failed,
      protections: report.protections,
      sandboxes: report.sandboxes,
      total_ms: Math.round(report.totalMs),
    };
  });

  app.get("/api/security/containers", CONTAINERS, async (_request, reply) => ({
    containers: desk.sandboxes(visitOf(reply)).map(toContainer),
  }));

  const byId = { ...KILL, schema: { ...KILL.schema, params: ContainerParams } };
  app.delete("/api/security/containers/:id", byId, async (request, reply) => {
    const startedAt = performance.now();
    const { id } = request.params;
    const { sessionId, gone } = desk.killSandbox(visitOf(reply), id);
    await gone;
    return {
      status: "killed",
      id,
      session_id: sessionId,
      total_ms: Math.round(performance.now() - startedAt),
    };
  });

  const bySession = { ...END, schema: { ...END.schema, params: SessionParams } };
  app.delete("/api/security/sessions/:id", bySession, async (request, reply) => {
    const startedAt = performance.now();
    const { id } = request.params;
    const { owners, gone } = desk.endSessions(visitOf(reply), id);
    await gone;
    return {
      status: "ended",
      owners,
      session_id: id,
      total_ms: Math.round(performance.now() - startedAt),
    };
  });
}
