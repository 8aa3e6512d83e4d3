/** The executions of a session: what ran, what runs and what waits; interrupt, cancel, follow. */

import type { FastifyRequest } from "fastify";
import type { Desk } from "../../desk/desk.js";
import { ServiceError } from "../../errors.js";
import type { App } from "../app-type.js";
import { visitOf } from "../http/visit.js";
import { answers, Events, Nothing, tellsEvents } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import { ExecutionEvent } from "../schemas/events.js";
import {
  EventsQuery,
  ExecutionAnswer,
  ExecutionParams,
  ExecutionsAnswer,
  InterruptAnswer,
  KeepAliveBody,
} from "../schemas/executions.js";
import { SessionAnswer } from "../schemas/sessions.js";
import { toExecuteResponse, toExecutionInfo } from "../wire/execution.js";
import { streamExecution } from "../wire/execution-stream.js";
import { toSessionAnswer } from "../wire/session.js";

const EVENT_ID = /^(0|[1-9][0-9]{0,14})$/;
const tags = ["executions"];

const LIST = {
  schema: {
    tags,
    operationId: "listExecutions",
    summary: "What ran, runs and waits in a session",
    params: SessionParams,
    response: answers({ 200: ExecutionsAnswer }),
  },
};

export function registerExecutions(app: App, desk: Desk): void {
  app.get("/sessions/:id/executions", LIST, async ({ params }, reply) => ({
    executions: desk.session(visitOf(reply), params.id).executions().map(toExecutionInfo),
  }));

  app.get(
    "/sessions/:id/executions/:n",
    {
      schema: {
        tags,
        operationId: "getExecution",
        summary: "One execution and its result",
        params: ExecutionParams,
        response: answers({ 200: ExecutionAnswer }),
      },
    },
    async ({ params }, reply) => {
      const execution = desk.session(visitOf(reply), params.id).execution(Number(params.n));
      const { outcomeIfDone } = execution;
      return {
        ...toExecutionInfo(execution),
        code: execution.request.code,
        result: outcomeIfDone ? toExecuteResponse(outcomeIfDone, execution) : null,
      };
    },
  );

  app.get(
    "/sessions/:id/executions/:n/events",
    {
      schema: {
        tags,
        operationId: "followExecution",
        summary: "The events of an execution, from where one left off",
        params: ExecutionParams,
        ...tellsEvents(ExecutionEvent),
        querystring: EventsQuery,
        response: answers({ 200: Events, 204: Nothing }),
      },
      // A stream has no length to tell beforehand, and a HEAD would wait for its end.
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const { params } = request;
      const execution = desk.session(visitOf(reply), params.id).execution(Number(params.n));
      const after = lastSeen(request, request.query.after);
      // A browser's EventSource comes again after every end, and this tells it to stay away.
      const isOver = execution.finishedAt !== null;
      if (isOver && after > execution.events.lastId) return reply.status(204).send();
      if (execution.isDropped) await execution.outcome;
      await streamExecution(request, reply, execution, after);
      // Without a single event it has failed, and this throws why.
      if (!reply.sent) await execution.outcome;
      return reply;
    },
  );

  app.delete(
    "/sessions/:id/executions/:n",
    {
      schema: {
        tags,
        operationId: "cancelExecution",
        summary: "Cancel a queued execution",
        params: ExecutionParams,
        response: answers({ 204: Nothing }),
      },
    },
    async ({ params }, reply) => {
      const execution = desk.session(visitOf(reply), params.id).execution(Number(params.n));
      if (!execution.cancel("it was deleted")) {
        throw new ServiceError(
          execution.state === "running" ? "EXECUTION_RUNNING" : "EXECUTION_ENDED",
        );
      }
      return reply.status(204).send();
    },
  );

  app.post(
    "/sessions/:id/interrupt",
    {
      schema: {
        tags,
        operationId: "interruptSession",
        summary: "KeyboardInterrupt in what runs",
        params: SessionParams,
        response: answers({ 200: InterruptAnswer }),
      },
    },
    async ({ params }, reply) => {
      const { id } = desk.session(visitOf(reply), params.id).interrupt();
      return { status: "ok", execution_id: id };
    },
  );

  app.post(
    "/sessions/:id/keep-alive",
    {
      schema: {
        tags: ["sessions"],
        operationId: "keepSessionAlive",
        summary: "Count the time to live from now",
        params: SessionParams,
        body: KeepAliveBody,
        response: answers({ 200: SessionAnswer }),
      },
      config: { bodyIsOptional: true },
      preValidation: async (request: FastifyRequest) => {
        request.body ??= {};
      },
    },
    async ({ params, body }, reply) =>
      toSessionAnswer(desk.session(visitOf(reply), params.id).keepAlive(body.ttl)),
  );
}

/** The header is the newer one: a browser sends it beside the address that it began with. */
function lastSeen({ headers }: FastifyRequest, after: string | undefined): number {
  const header = headers["last-event-id"];
  if (header === undefined || header === "") return Number(after ?? 0);
  if (typeof header !== "string" || !EVENT_ID.test(header)) {
    throw new ServiceError("INVALID_REQUEST", "Last-Event-ID must be the id of an event");
  }
  return Number(header);
}
