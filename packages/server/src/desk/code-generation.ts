/** From a question to a result by a model's code, with the records of what the model and the code have used. */

import type { Generation, GenerationRequest } from "../generate/generation.js";
import type { ExecutionHandle } from "../sessions/interface.js";
import { auditFiles, auditModelFailed, auditModelUse } from "./audit-records.js";
import type { AdmittingParts } from "./desk-parts.js";
import { type AskedFile, checkInputFiles } from "./input-files.js";
import { type AskedBounds, checkBounds } from "./limits.js";
import { SessionRunner } from "./session-runner.js";
import { goneSignal, type Visit } from "./visit.js";

export interface AskedGeneration extends GenerationRequest, AskedBounds {
  readonly sessionId: string | undefined;
  readonly files: readonly AskedFile[] | undefined;
  readonly includeFiles: boolean | undefined;
}

export interface GeneratedAnswer {
  readonly generation: Generation;
  /** The last run; undefined where none was. */
  readonly last: ExecutionHandle | undefined;
}

/** @throws ServiceError LLM_NOT_CONFIGURED, INVALID_REQUEST, INVALID_PATH, those of Admission and of Generator.generate */
export async function generateCode(
  parts: AdmittingParts,
  visit: Visit,
  asked: AskedGeneration,
): Promise<GeneratedAnswer> {
  const { config, sessions, audit, admission, generator } = parts;
  const model = generator.requireModel();
  const { sessionId, files, includeFiles } = asked;
  const bounds = checkBounds(asked, config);
  const told = auditFiles(audit, visit, sessionId ?? null);
  const inputs = files && (() => checkInputFiles(files, told));
  inputs?.(); // What is wrong with them is told before anything is done.
  const admitted = admission.admitExecution(visit, sessionId);
  const signal = goneSignal(visit);
  const purpose = { sessionId, model, purpose: "generate" } as const;
  return sessions.withSession(visit.principal, sessionId, async (session) => {
    const { scripts } = generator;
    const runner = new SessionRunner({
      ...{ session, sessionId, ...bounds, config, scripts, inputs, includeFiles },
      ...{ audit, visit: admitted, signal },
    });
    try {
      const generation = await generator.generate(runner, asked, signal);
      auditModelUse(audit, visit, purpose, generation.use);
      return { generation, last: runner.last };
    } catch (error) {
      auditModelFailed(audit, visit, purpose, error);
      throw error;
    }
  });
}
