/** One execution as server-sent events, for whoever started it and for whoever follows later. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { ServiceError, toWireError } from "../errors.js";
import { turnOfOnesOwn } from "../sandbox/turns.js";
import type { RunningExecution } from "../sessions/running-execution.js";
import { EventStream } from "./sse.js";
import { isLarge, toExecuteResponse } from "./wire.js";

/**
 * Send every event after `after`, then `result` or `failure`. Answers nothing where the execution
 * fails before its first event: that is the caller's to answer, as an ordinary error.
 */
export async function streamExecution(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: RunningExecution,
  after: number,
): Promise<void> {
  const log = execution.events;
  const last = lastEvent(request, execution);
  const follower = log.follow(after);
  let event = follower.take() ?? (await follower.next()).value;
  if (reply.sent || (!event && execution.state === "cancelled" && after === 0)) {
    follower.close();
    return;
  }
  const stream = new EventStream(reply);
  stream.onClosed(() => follower.close());
  while (event) {
    const drained = stream.send(event.name, event.json, event.id);
    if (drained) await drained;
    event = follower.take() ?? (await follower.next()).value;
  }
  follower.close();
  if (stream.closed) return;
  const { name, json } = await last();
  await stream.send(name, json, log.lastId + 1);
  stream.end();
}

/** Takes hold of the outcome at once: the session may have no room for it when it is sent. */
function lastEvent(request: FastifyRequest, execution: RunningExecution) {
  const { id, sessionId, outcome } = execution;
  const asked = { id, sessionId, request: execution.request };
  outcome.catch(() => undefined);
  return async () => {
    try {
      const known = await outcome;
      if (isLarge(known)) await turnOfOnesOwn();
      return { name: "result", json: JSON.stringify(toExecuteResponse(known, asked)) };
    } catch (cause) {
      const error =
        cause instanceof ServiceError ? cause : new ServiceError("INTERNAL", undefined, { cause });
      if (error !== cause) request.log.error({ err: error, request_id: request.id }, error.code);
      return { name: "failure", json: JSON.stringify(toWireError(error, request.id)) };
    }
  };
}
