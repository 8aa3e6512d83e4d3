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
  const last = await lastEvent(request, execution);
  await stream.send(last.name, last.json, log.lastId + 1);
  stream.end();
}

async function lastEvent(request: FastifyRequest, execution: RunningExecution) {
  try {
    const outcome = await execution.outcome;
    if (isLarge(outcome)) await turnOfOnesOwn();
    return { name: "result", json: JSON.stringify(toExecuteResponse(outcome, execution)) };
  } catch (cause) {
    const known =
      cause instanceof ServiceError ? cause : new ServiceError("INTERNAL", undefined, { cause });
    if (known !== cause) request.log.error({ err: known, request_id: request.id }, known.code);
    return { name: "failure", json: JSON.stringify(toWireError(known, request.id)) };
  }
}
