/** What is said about code before it runs, for who asks for that. */

import type { CodeReview } from "../generate/code-review.js";
import { ModelUse } from "../generate/model-use.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import type { SessionHandle } from "../sessions/interface.js";
import { auditModelUse, auditNotRun } from "./audit-records.js";
import type { DeskParts } from "./desk-parts.js";
import { SessionRunner } from "./session-runner.js";
import { type AdmittedVisit, goneSignal } from "./visit.js";

export interface CodeToReview {
  readonly code: string;
  readonly sessionId: string | undefined;
  readonly limits: Partial<SandboxLimits>;
  readonly timeoutMs: number;
  /** Whether it is reviewed and run even if the client goes. */
  readonly goesOn: boolean;
}

export interface ReviewedCode {
  readonly review: CodeReview;
  /** The session that was looked at; undefined where none is named. */
  readonly session: SessionHandle | undefined;
}

/**
 * In the session that is to run it, or in a sandbox that is thrown away. What has looked at a session holds for
 * that session, and not for another of its name.
 * @throws ServiceError SESSION_NOT_FOUND (ended meanwhile) and others
 */
export async function reviewCode(
  parts: DeskParts,
  visit: AdmittedVisit,
  asked: CodeToReview,
): Promise<ReviewedCode> {
  const { audit, generator } = parts;
  const { modelName: model } = generator;
  const use = new ModelUse();
  try {
    return await reviewIn(parts, visit, asked, use);
  } catch (error) {
    auditNotRun(audit, visit, asked, error);
    throw error;
  } finally {
    if (model !== undefined && use.calls > 0) {
      const { sessionId } = asked;
      auditModelUse(audit, visit, { sessionId, model, purpose: "review" }, use);
    }
  }
}

function reviewIn(
  { config, sessions, audit, generator }: DeskParts,
  visit: AdmittedVisit,
  asked: CodeToReview,
  use: ModelUse,
): Promise<ReviewedCode> {
  const { code, sessionId, limits, timeoutMs } = asked;
  const { scripts } = generator;
  const signal = asked.goesOn ? new AbortController().signal : goneSignal(visit);
  return sessions.withSession(visit.principal, sessionId, async (session) => {
    const runner = new SessionRunner({
      ...{ session, sessionId, limits, timeoutMs, config, scripts },
      ...{ audit, visit, signal },
    });
    await runner.prepare();
    const review = await generator.review(runner, code, signal, use);
    signal.throwIfAborted();
    session.refuseWhenClosed();
    return { review, session: sessionId === undefined ? undefined : session };
  });
}
