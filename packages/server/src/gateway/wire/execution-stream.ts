/** One execution as server-sent events, for its caller and for those who follow later. */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { ExecutionHandle } from "../../sessions/interface.js";
import { LoggedEvent } from "../../sessions/logged-event.js";
import type { ExecutionOutcome } from "../../sessions/outcome.js";
import { onClientGone } from "../http/client-gone.js";
import { EventStream } from "../http/sse.js";
import { type AnsweredRequest, type AnswerPart, toExecuteResponse } from "./execution.js";
import { failureData } from "./failure-event.js";

/**
 * Send every event after `after`, then `result` or `failure`. Answers nothing where the execution
 * fails before its first event: that is the caller's to answer, as an ordinary error.
 */
export async function streamExecution(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: ExecutionHandle,
  after: number,
  include?: readonly AnswerPart[],
): Promise<void> {
  const log = execution.events;
  const last = lastEvent(request, execution, include);
  const follower = log.follow(after);
  // What waits for its turn may wait long for its first event, and places to follow it are few.
  onClientGone(reply, () => follower.close());
  const event = await follower.first();
  // The client has gone.
  if (reply.raw.destroyed) reply.hijack();
  if (reply.sent || (!event && execution.state === "cancelled" && after === 0)) {
    follower.close();
    return;
  }
  const stream = new EventStream(reply);
  stream.onClosed(() => follower.close());
  await follower.forward(event, (next) => stream.forward(next));
  if (stream.closed) return;
  await stream.forward(await last(log.lastId + 1));
  stream.end();
}

/** Takes hold of the outcome at once: the session may have no room for it when it is sent. */
function lastEvent(
  request: FastifyRequest,
  execution: ExecutionHandle,
  include: readonly AnswerPart[] | undefined,
) {
  const { id, sessionId, outcome } = execution;
  const asked = { id, sessionId, request: execution.request };
  outcome.catch(() => undefined);
  return async (number: number): Promise<LoggedEvent> => {
    try {
      if (!include) return resultEvent(await outcome, asked, number);
      return new LoggedEvent(number, "result", toExecuteResponse(await outcome, asked, include));
    } catch (cause) {
      return new LoggedEvent(number, "failure", failureData(request, cause));
    }
  };
}

/** The events that are sent. */
const results = new WeakMap<ExecutionOutcome, WeakRef<LoggedEvent>>();

/** The same for everybody who follows: a result may be tens of megabytes. */
function resultEvent(outcome: ExecutionOutcome, asked: AnsweredRequest, number: number) {
  const present = results.get(outcome)?.deref();
  if (present?.id === number) return present;
  const event = new LoggedEvent(number, "result", toExecuteResponse(outcome, asked));
  results.set(outcome, new WeakRef(event));
  return event;
}
