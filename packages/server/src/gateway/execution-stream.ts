/** One execution as server-sent events, for whoever started it and for whoever follows later. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { turnOfOnesOwn } from "../sandbox/turns.js";
import type { RunningExecution } from "../sessions/running-execution.js";
import { onClientGone } from "./client-gone.js";
import { failureData } from "./failure-event.js";
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
  // What waits for its turn may wait long for its first event, and places to follow it are few.
  onClientGone(reply, () => follower.close());
  const event = await follower.first();
  // Nobody is there to be answered any more.
  if (reply.raw.destroyed) reply.hijack();
  if (reply.sent || (!event && execution.state === "cancelled" && after === 0)) {
    follower.close();
    return;
  }
  const stream = new EventStream(reply);
  stream.onClosed(() => follower.close());
  await follower.forward(event, ({ name, json, id }) => stream.send(name, json, id));
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
      return { name: "failure", json: failureData(request, cause) };
    }
  };
}
