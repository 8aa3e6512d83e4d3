/** The executions of a session: what ran, what runs and what waits; interrupt, cancel, follow. */

import type { FastifyRequest } from "fastify";
import { ServiceError } from "../../errors.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { App } from "../app.js";
import { streamExecution } from "../execution-stream.js";
import { checkTtl } from "../limits.js";
import { answers, Events, Nothing } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import {
  EventsQuery,
  ExecutionAnswer,
  ExecutionParams,
  ExecutionsAnswer,
  InterruptAnswer,
  KeepAliveBody,
} from "../schemas/executions.js";
import { SessionAnswer } from "../schemas/sessions.js";
import { toExecuteResponse, toExecutionInfo } from "../wire.js";

const EVENT_ID = /^(0|[1-9][0-9]{0,14})$/;
const tags = ["executions"];

const LIST = {
  schema: {
    tags,
    summary: "What ran, runs and waits in a session",
    params: SessionParams,
    response: answers({ 200: ExecutionsAnswer }),
  },
};

export function registerExecutions(app: App, sessions: SessionManager): void {
  app.get("/sessions/:id/executions", LIST, async ({ principal, params }) => ({
    executions: sessions.executions(principal, params.id).map(toExecutionInfo),
  }));

  app.get(
    "/sessions/:id/executions/:n",
    {
      schema: {
        tags,
        summary: "One execution and its result",
        params: ExecutionParams,
        response: answers({ 200: ExecutionAnswer }),
      },
    },
    async ({ principal, params }) => {
      const execution = sessions.executionOf(principal, params.id, Number(params.n));
      const { ended } = execution;
      return {
        ...toExecutionInfo(execution),
        code: execution.request.code,
        result: ended ? toExecuteResponse(ended, execution) : null,
      };
    },
  );

  app.get(
    "/sessions/:id/executions/:n/events",
    {
      schema: {
        tags,
        summary: "The events of an execution, from where one left off",
        params: ExecutionParams,
        querystring: EventsQuery,
        response: answers({ 200: Events, 204: Nothing }),
      },
      // A stream has no length to tell beforehand, and a HEAD would wait for its end.
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const { principal, params } = request;
      const execution = sessions.executionOf(principal, params.id, Number(params.n));
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
        summary: "Cancel a queued execution",
        params: ExecutionParams,
        response: answers({ 204: Nothing }),
      },
    },
    async ({ principal, params }, reply) => {
      const execution = sessions.executionOf(principal, params.id, Number(params.n));
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
        summary: "KeyboardInterrupt in what runs",
        params: SessionParams,
        response: answers({ 200: InterruptAnswer }),
      },
    },
    async ({ principal, params }) => {
      const { id } = sessions.interrupt(principal, params.id);
      return { status: "ok", execution_id: id };
    },
  );

  app.post(
    "/sessions/:id/keep-alive",
    {
      schema: {
        tags: ["sessions"],
        summary: "Count the time to live from now",
        params: SessionParams,
        body: KeepAliveBody,
        response: answers({ 200: SessionAnswer }),
      },
      preValidation: async (request: FastifyRequest) => {
        request.body ??= {};
      },
    },
    async ({ principal, params, body }) =>
      sessions.keepAlive(principal, params.id, checkTtl(body.ttl)),
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
