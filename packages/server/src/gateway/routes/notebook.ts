/** A session as a notebook: what it ran, and running one cell by cell. */

import type { FastifyReply } from "fastify";
import type { Desk } from "../../desk/desk.js";
import type { ExecutionHandle } from "../../sessions/interface.js";
import type { NotebookRun } from "../../sessions/notebook-run.js";
import type { App } from "../app-type.js";
import { NOTEBOOK_BODY } from "../http/body-limits.js";
import { wantsEvents } from "../http/sse.js";
import { visitOf } from "../http/visit.js";
import { answers, orEvents, tellsEvents } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import { NotebookEvent } from "../schemas/events.js";
import { NotebookAnswer, NotebookBody, NotebookFile } from "../schemas/notebook.js";
import { NotebookStream } from "../wire/notebook-stream.js";

const tags = ["sessions"];

export function registerNotebook(app: App, desk: Desk): void {
  const show = {
    tags,
    operationId: "getNotebook",
    summary: "What a session has run, as a Jupyter notebook",
    params: SessionParams,
    response: answers({ 200: NotebookFile }),
  };
  app.get("/sessions/:id/notebook", { schema: show }, async ({ params: { id } }, reply) => {
    const notebook = desk.session(visitOf(reply), id).notebook();
    const name = id.replaceAll(/[:@]/g, "_");
    reply.header("content-disposition", `attachment; filename="${name}.ipynb"`);
    return notebook;
  });

  registerRun(app, desk);
}

function registerRun(app: App, desk: Desk): void {
  const run = {
    tags,
    operationId: "runNotebook",
    summary: "Run a notebook in a session, cell by cell",
    params: SessionParams,
    ...tellsEvents(NotebookEvent),
    body: NotebookBody,
    response: answers({ 200: orEvents(NotebookAnswer) }),
  };
  const route = { schema: run, ...NOTEBOOK_BODY };
  app.post("/sessions/:id/notebook", route, async (request, reply) => {
    const { body, params } = request;
    const streams = wantsEvents(request, body.stream);
    const stream = streams ? new NotebookStream(request, reply) : undefined;
    const running = desk.session(visitOf(reply), params.id).runNotebook({
      ...{ notebook: body.notebook, onError: body.on_error ?? "stop", timeout: body.timeout },
      follow:
        stream && ((index: number, execution: ExecutionHandle) => stream.follow(index, execution)),
    });
    return answer(running, stream, reply);
  });
}

async function answer(
  running: NotebookRun,
  stream: NotebookStream | undefined,
  reply: FastifyReply,
) {
  if (!stream) {
    const outcome = await running.toEnd();
    return outcome;
  }
  try {
    const outcome = await running.toEnd();
    await stream.end(outcome);
  } catch (error) {
    if (!stream.isOpen) throw error;
    await stream.fail(error);
  }
  return reply;
}
