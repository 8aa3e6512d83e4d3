/** What the gateway puts into the audit log. Hashes and numbers, never code or output. */

import type { FastifyRequest } from "fastify";
import type { Audit, AuditFields } from "../audit/audit.js";
import { ServiceError } from "../errors.js";
import type { ToldOfChange } from "../sessions/changing-files.js";
import type { ExecutionOutcome } from "../sessions/outcome.js";

/** Who asked, from where, and under which id the server's log and the answer know it. */
export function auditOrigin({ principal, ip, id }: FastifyRequest): AuditFields {
  return { principal: principal.id, name: principal.name, client: ip, request_id: id };
}

interface Run {
  readonly sessionId: string | undefined;
  readonly code: string;
}

export function auditExecution(
  audit: Audit,
  request: FastifyRequest,
  run: Run,
  outcome: ExecutionOutcome,
): void {
  record(audit, request, run, {
    status: outcome.status,
    exit_code: outcome.exitCode,
    cpu_time: outcome.cpuSeconds,
    memory_peak_bytes: outcome.memoryPeakBytes,
    wall_time: outcome.wallSeconds,
  });
}

/** It was let in, and then there was no sandbox, or no room in the session's queue. */
export function auditNotRun(audit: Audit, request: FastifyRequest, run: Run, error: unknown): void {
  const code = error instanceof ServiceError ? error.code : "INTERNAL";
  record(audit, request, run, { status: "not_run", error: code });
}

/** For everything that changes files of a session, which it is told of; null for a stateless run. */
export function auditFiles(
  audit: Audit,
  request: FastifyRequest,
  session: string | null,
): ToldOfChange {
  return (changed) => {
    if (!audit.enabled) return;
    audit.record("files_changed", { ...auditOrigin(request), session, ...changed });
  };
}

/** Validation found what the policy or the model's review does not let run. */
export function auditRejected(audit: Audit, request: FastifyRequest, run: Run): void {
  record(audit, request, run, { status: "rejected" });
}

interface ModelPurpose {
  readonly sessionId: string | undefined;
  readonly model: string;
  readonly purpose: "generate" | "review" | "chat";
}

interface ModelUsed {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly seconds: number;
}

/** Counts only: prompts and answers of models are not recorded. */
export function auditModelUse(
  audit: Audit,
  request: FastifyRequest,
  { sessionId, model, purpose }: ModelPurpose,
  use: ModelUsed,
): void {
  audit.record("model_used", {
    ...auditOrigin(request),
    ...{ session: sessionId ?? null, model, purpose, status: "ok" },
    ...{ calls: use.calls, input_tokens: use.inputTokens, output_tokens: use.outputTokens },
    seconds: use.seconds,
  });
}

export function auditModelFailed(
  audit: Audit,
  request: FastifyRequest,
  { sessionId, model, purpose }: ModelPurpose,
  error: unknown,
): void {
  const code = error instanceof ServiceError ? error.code : "INTERNAL";
  audit.record("model_used", {
    ...auditOrigin(request),
    ...{ session: sessionId ?? null, model, purpose, status: "failed", error: code },
  });
}

function record(audit: Audit, request: FastifyRequest, run: Run, end: AuditFields): void {
  if (!audit.enabled) return;
  const { code, sessionId } = run;
  audit.record("execution", { ...auditOrigin(request), session: sessionId ?? null, ...end }, code);
}
