/** What a visit leaves in the audit log. Hashes and numbers, never code or output. */

import type { Audit, AuditFields } from "../audit/audit.js";
import { ServiceError } from "../errors.js";
import type { ToldOfChange } from "../sessions/changing-files.js";
import type { ExecutionOutcome } from "../sessions/outcome.js";
import type { Visit } from "./visit.js";

/** Who asked, from where, and under which id the server's log and the answer know it. */
export function auditOrigin({ principal, client, requestId }: Visit): AuditFields {
  return { principal: principal.id, name: principal.name, client, request_id: requestId };
}

/** What was asked to run, and where; undefined for a sandbox of its own. */
export interface AuditedCode {
  readonly sessionId: string | undefined;
  readonly code: string;
}

export function auditExecution(
  audit: Audit,
  visit: Visit,
  asked: AuditedCode,
  outcome: ExecutionOutcome,
): void {
  record(audit, visit, asked, {
    status: outcome.status,
    exit_code: outcome.exitCode,
    cpu_time: outcome.cpuSeconds,
    memory_peak_bytes: outcome.memoryPeakBytes,
    wall_time: outcome.wallSeconds,
  });
}

/** It was let in, and then there was no sandbox, or no room in the session's queue. */
export function auditNotRun(audit: Audit, visit: Visit, asked: AuditedCode, error: unknown): void {
  const code = error instanceof ServiceError ? error.code : "INTERNAL";
  record(audit, visit, asked, { status: "not_run", error: code });
}

/** For everything that changes files of a session, which it is told of; null for a stateless run. */
export function auditFiles(audit: Audit, visit: Visit, session: string | null): ToldOfChange {
  return (changed) => {
    if (!audit.enabled) return;
    audit.record("files_changed", { ...auditOrigin(visit), session, ...changed });
  };
}

/** A review found what the policy or the model's opinion does not let run. */
export function auditRejected(audit: Audit, visit: Visit, asked: AuditedCode): void {
  record(audit, visit, asked, { status: "rejected" });
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
  visit: Visit,
  { sessionId, model, purpose }: ModelPurpose,
  use: ModelUsed,
): void {
  audit.record("model_used", {
    ...auditOrigin(visit),
    ...{ session: sessionId ?? null, model, purpose, status: "ok" },
    ...{ calls: use.calls, input_tokens: use.inputTokens, output_tokens: use.outputTokens },
    seconds: use.seconds,
  });
}

export function auditModelFailed(
  audit: Audit,
  visit: Visit,
  { sessionId, model, purpose }: ModelPurpose,
  error: unknown,
): void {
  const code = error instanceof ServiceError ? error.code : "INTERNAL";
  audit.record("model_used", {
    ...auditOrigin(visit),
    ...{ session: sessionId ?? null, model, purpose, status: "failed", error: code },
  });
}

function record(audit: Audit, visit: Visit, asked: AuditedCode, end: AuditFields): void {
  if (!audit.enabled) return;
  const { code, sessionId } = asked;
  audit.record("execution", { ...auditOrigin(visit), session: sessionId ?? null, ...end }, code);
}
