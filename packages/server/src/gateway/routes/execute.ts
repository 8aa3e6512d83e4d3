/** POST /execute: run code, and tell at the end or as it happens. */

import type { FastifyReply } from "fastify";
import type { Config } from "../../config.js";
import type { AskedExecution, BegunExecution } from "../../desk/code-execution.js";
import type { Desk } from "../../desk/desk.js";
import { ServiceError } from "../../errors.js";
import type { CodeReview } from "../../generate/code-review.js";
import type { ExecutionOutcome } from "../../sessions/outcome.js";
import type { App } from "../app-type.js";
import { codeBody } from "../http/body-limits.js";
import { EventStream, wantsEvents } from "../http/sse.js";
import { visitOf } from "../http/visit.js";
import { answers, orEvents, tellsEvents } from "../schemas/answers.js";
import { ExecutionEvent } from "../schemas/events.js";
import { ExecuteAnswer, ExecuteBody } from "../schemas/execute.js";
import { toExecuteResponse } from "../wire/execution.js";
import { streamExecution } from "../wire/execution-stream.js";
import { toRejectedAnswer, toRemarks } from "../wire/generation.js";
import { readLimits } from "../wire/limits.js";

const EXECUTE = {
  tags: ["execute"],
  operationId: "execute",
  summary: "Run code, in a session or in a sandbox of its own",
  description: "A timeout is answered 504 to whoever names a user_uuid, with the same body.",
  ...tellsEvents(ExecutionEvent),
  body: ExecuteBody,
  response: answers({ 200: orEvents(ExecuteAnswer), 504: ExecuteAnswer }),
};

export interface ExecuteOptions {
  readonly desk: Desk;
  readonly config: Config;
}

export function registerExecute(app: App, { desk, config }: ExecuteOptions): void {
  app.post("/execute", { schema: EXECUTE, ...codeBody(config) }, async (request, reply) => {
    const { body } = request;
    const streams = wantsEvents(request, body.stream);
    const begun = await desk.execute(visitOf(reply), toAsked(body, streams));
    if ("rejected" in begun) return answerRejected(reply, body, begun.rejected, streams);
    const { execution } = begun;
    if (streams) void streamExecution(request, reply, execution, 0, body.include);
    let outcome: ExecutionOutcome;
    try {
      outcome = await begun.outcome;
    } catch (error) {
      // A stream that has begun tells it by itself.
      if (reply.sent) return reply;
      throw error;
    }
    if (streams) return reply;
    // Clients that send user_uuid expect a timeout as an HTTP status; others read the field.
    if (body.user_uuid !== undefined && outcome.status === "timeout") reply.status(504);
    return toAnswer(begun, outcome, body.include);
  });
}

function toAsked(body: ExecuteBody, streams: boolean): AskedExecution {
  const { code } = body;
  return {
    sessionId: sessionOf(body),
    code,
    timeout: body.timeout,
    limits: readLimits(body),
    recyclesAtTimeout: body.user_uuid !== undefined,
    followed: streams,
    allowInput: body.allow_input,
    stdin: body.stdin,
    argv: body.argv,
    env: body.env,
    goesOn: body.on_disconnect === "continue",
    files: body.files,
    includeFiles: body.include_files,
    remarksOn: body.validate_code ? (review) => toRemarks(review, code) : undefined,
  };
}

function toAnswer(
  { execution, request }: BegunExecution,
  outcome: ExecutionOutcome,
  include: ExecuteBody["include"],
) {
  const { id, sessionId } = execution;
  return toExecuteResponse(outcome, { id, sessionId, request }, include);
}

/** What is sent instead of a run, in the form that the client waits for. */
function answerRejected(
  reply: FastifyReply,
  body: ExecuteBody,
  review: CodeReview,
  streams: boolean,
) {
  const answer = toRejectedAnswer(body.code, sessionOf(body), review);
  if (!streams) return answer;
  const stream = new EventStream(reply);
  void stream.send("result", answer, 1);
  stream.end();
  return reply;
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
