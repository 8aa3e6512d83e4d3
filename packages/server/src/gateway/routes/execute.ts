/** POST /execute: run code, and tell at the end or as it happens. */

import type { Audit } from "../../audit/audit.js";
import type { Config } from "../../config.js";
import { ServiceError } from "../../errors.js";
import type { Execution } from "../../sessions/execution.js";
import type { ExecutionRequest } from "../../sessions/execution-request.js";
import type { ExecutionOutcome } from "../../sessions/outcome.js";
import type { Session } from "../../sessions/session.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app-type.js";
import { auditExecution, auditFiles, auditNotRun } from "../audit-records.js";
import { onClientGone } from "../client-gone.js";
import type { CodeValidator } from "../code-validation.js";
import { streamExecution } from "../execution-stream.js";
import { toRemarks } from "../generation-wire.js";
import { codeBody } from "../http/body-limits.js";
import { checkInputFiles } from "../input-files.js";
import { checkLimits, checkTimeout } from "../limits.js";
import { answers, orEvents } from "../schemas/answers.js";
import { ExecuteAnswer, ExecuteBody } from "../schemas/execute.js";
import { wantsEvents } from "../sse.js";
import { toExecuteResponse } from "../wire.js";

const EXECUTE = {
  tags: ["execute"],
  summary: "Run code, in a session or in a sandbox of its own",
  description: "A timeout is answered 504 to whoever names a user_uuid, with the same body.",
  body: ExecuteBody,
  response: answers({ 200: orEvents(ExecuteAnswer), 504: ExecuteAnswer }),
};

export interface ExecuteOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly admission: Admission;
  readonly audit: Audit;
  readonly validator: CodeValidator;
}

export function registerExecute(app: App, options: ExecuteOptions): void {
  const { sessions, config, admission, audit, validator } = options;
  app.post("/execute", { schema: EXECUTE, ...codeBody(config) }, async (request, reply) => {
    const { body, principal } = request;
    const sessionId = sessionOf(body);
    if (Buffer.byteLength(body.code) > config.codeBytesMax) {
      throw new ServiceError(
        "CODE_TOO_LARGE",
        `code has more than ${config.codeBytesMax} bytes (MAX_CODE_SIZE)`,
      );
    }
    const streams = wantsEvents(request, body.stream);
    const goesOn = body.on_disconnect === "continue";
    if (goesOn && sessionId === undefined) {
      throw new ServiceError(
        "INVALID_REQUEST",
        'on_disconnect "continue" needs a session_id: nobody could ask for the result of a stateless run',
      );
    }
    if (body.allow_input && sessionId === undefined) {
      throw new ServiceError(
        "INVALID_REQUEST",
        "allow_input needs a session_id: the answer is sent to POST /sessions/{id}/input",
      );
    }
    let execution: ExecutionRequest = {
      code: body.code,
      timeoutMs: checkTimeout(body.timeout, config),
      outputBytesMax: config.outputBytesMax,
      allowInput: body.allow_input ?? (streams && sessionId !== undefined),
    };
    if (body.files || body.include_files) {
      const told = auditFiles(audit, request, sessionId ?? null);
      const inputs = body.files && checkInputFiles(body.files, told);
      execution = { ...execution, inputs, includeFiles: body.include_files };
    }
    const limits = checkLimits(body, config);
    admission.admitExecution(principal, sessionId);
    let where: string | Session | undefined = sessionId;
    if (body.validate_code) {
      const { code, timeoutMs } = execution;
      const asked = { code, sessionId, limits, timeoutMs, goesOn };
      const { validation, session } = await validator.validate(request, reply, asked);
      if (validation.verdict === "rejected") {
        return validator.answerRejected(request, reply, asked, validation, streams);
      }
      where = session;
      const remarks = toRemarks(validation, body.code);
      execution = { ...execution, code: validation.code, remarks };
    }
    const run = { sessionId, code: execution.code };
    let outcome: ExecutionOutcome;
    let started: Execution;
    try {
      started = sessions.start(principal, where, execution, limits, streams);
      if (!goesOn) onClientGone(reply, () => started.abandon());
      if (streams) void streamExecution(request, reply, started, 0);
      outcome = await started.outcome;
    } catch (error) {
      auditNotRun(audit, request, run, error);
      // A stream that has begun tells it by itself.
      if (reply.sent) return reply;
      throw error;
    }
    auditExecution(audit, request, run, outcome);
    if (streams) return reply;
    // Clients that send user_uuid expect a timeout as an HTTP status; others read the field.
    if (body.user_uuid !== undefined && outcome.status === "timeout") reply.status(504);
    // The session may have no room to keep this code, so it is not asked for it.
    return toExecuteResponse(outcome, {
      id: started.id,
      sessionId: started.sessionId,
      request: execution,
    });
  });
}

function sessionOf(body: ExecuteBody): string | undefined {
  if (body.session_id !== undefined && body.user_uuid !== undefined) {
    if (body.session_id !== body.user_uuid) {
      throw new ServiceError(
        "INVALID_REQUEST",
        "session_id and user_uuid name the same thing: send one of them",
      );
    }
  }
  return body.session_id ?? body.user_uuid;
}
