/** The one way to have code run for a visitor: however it ends, there is a record of it. */

import type { Audit } from "../audit/audit.js";
import type { ExecutionHandle, StartedRun } from "../sessions/interface.js";
import type { ExecutionOutcome } from "../sessions/outcome.js";
import { type AuditedCode, auditExecution, auditNotRun } from "./audit-records.js";
import type { AdmittedVisit, Visit } from "./visit.js";

/** @throws ServiceError what `begin` throws, and the outcome what the execution's does */
export function startAudited(
  audit: Audit,
  visit: AdmittedVisit,
  code: AuditedCode,
  begin: () => ExecutionHandle,
): StartedRun {
  const execution = recordingRefusal(audit, visit, code, begin);
  return { execution, outcome: recordingEnd(audit, visit, code, execution.outcome) };
}

/** The same for code that is in no history. */
export async function runAudited(
  audit: Audit,
  visit: AdmittedVisit,
  code: AuditedCode,
  begin: () => Promise<ExecutionOutcome>,
): Promise<ExecutionOutcome> {
  return recordingEnd(audit, visit, code, recordingRefusal(audit, visit, code, begin));
}

function recordingRefusal<T>(audit: Audit, visit: Visit, code: AuditedCode, begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    auditNotRun(audit, visit, code, error);
    throw error;
  }
}

/** Comes before whoever waits for the outcome, so the record is there before the answer. */
function recordingEnd(
  audit: Audit,
  visit: Visit,
  code: AuditedCode,
  outcome: Promise<ExecutionOutcome>,
): Promise<ExecutionOutcome> {
  outcome.then(
    (ended) => auditExecution(audit, visit, code, ended),
    (error: unknown) => auditNotRun(audit, visit, code, error),
  );
  return outcome;
}
