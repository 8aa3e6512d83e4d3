/** `validate_code` of POST /execute: what is said about the code before it runs. */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Audit } from "../audit/audit.js";
import type { Config } from "../config.js";
import type { Generator } from "../generate/generator.js";
import { ModelUse } from "../generate/model-use.js";
import type { Validation } from "../generate/validation.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import type { Session } from "../sessions/session.js";
import type { SessionManager } from "../sessions/session-manager.js";
import { auditModelUse, auditNotRun, auditRejected } from "./audit-records.js";
import { clientSignal } from "./client-gone.js";
import { toRejectedResponse, toRemarks } from "./generation-wire.js";
import { SessionBench } from "./session-bench.js";
import { EventStream } from "./sse.js";

export interface CodeValidatorOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly audit: Audit;
  readonly generator: Generator;
}

export interface CodeToValidate {
  readonly code: string;
  readonly sessionId: string | undefined;
  readonly limits: Partial<SandboxLimits>;
  readonly timeoutMs: number;
  /** Whether it is validated and run even if the client goes. */
  readonly goesOn: boolean;
}

export interface ValidatedCode {
  readonly validation: Validation;
  /** The session that was looked at; undefined where none is named. */
  readonly session: Session | undefined;
}

export class CodeValidator {
  readonly #options: CodeValidatorOptions;

  constructor(options: CodeValidatorOptions) {
    this.#options = options;
  }

  /**
   * In the session that is to run it, or in a sandbox that is thrown away. What has looked at a session holds for
   * that session, and not for another of its name.
   * @throws ServiceError SESSION_NOT_FOUND (ended meanwhile) and others
   */
  async validate(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: CodeToValidate,
  ): Promise<ValidatedCode> {
    const { sessions, generator, audit } = this.#options;
    const { code, sessionId } = asked;
    const { scripts, modelName: model } = generator;
    const signal = asked.goesOn ? new AbortController().signal : clientSignal(reply);
    const use = new ModelUse();
    try {
      return await sessions.withSession(request.principal, sessionId, async (session) => {
        const bench = new SessionBench({
          ...this.#options,
          ...asked,
          ...{ session, scripts, request, signal },
        });
        await bench.prepare();
        const validation = await generator.validate(bench, code, signal, use);
        signal.throwIfAborted();
        session.refuseWhenClosed();
        return { validation, session: sessionId === undefined ? undefined : session };
      });
    } catch (error) {
      auditNotRun(audit, request, asked, error);
      throw error;
    } finally {
      if (model !== undefined && use.calls > 0) {
        auditModelUse(audit, request, { sessionId, model, purpose: "review" }, use);
      }
    }
  }

  /** What is sent instead of a run, in the form that the client waits for. */
  answerRejected(
    request: FastifyRequest,
    reply: FastifyReply,
    { code, sessionId }: CodeToValidate,
    validation: Validation,
    streams: boolean,
  ): unknown {
    auditRejected(this.#options.audit, request, { sessionId, code });
    const { originalCode, validationResult, ...said } = toRemarks(validation, code);
    const answer = {
      ...toRejectedResponse(code, sessionId, validation.findings, validationResult),
      ...said,
      ...{ original_code: originalCode, validation_result: validationResult },
    };
    if (!streams) return answer;
    const stream = new EventStream(reply);
    void stream.send("result", answer, 1);
    stream.end();
    return reply;
  }
}
