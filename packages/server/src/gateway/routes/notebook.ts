/** A session as a notebook: what it ran, and running one cell by cell. */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Audit } from "../../audit/audit.js";
import type { Config } from "../../config.js";
import { notebookOf } from "../../sessions/notebook.js";
import { readNotebook } from "../../sessions/notebook-input.js";
import { type CellHooks, NotebookRun } from "../../sessions/notebook-run.js";
import type { Session } from "../../sessions/session.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app.js";
import { auditExecution, auditNotRun } from "../audit-records.js";
import { onClientGone } from "../client-gone.js";
import { NOTEBOOK_BODY } from "../http/body-limits.js";
import { checkTimeout } from "../limits.js";
import { NotebookStream } from "../notebook-stream.js";
import { answers, orEvents } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import { NotebookAnswer, NotebookBody, NotebookFile } from "../schemas/notebook.js";
import { wantsEvents } from "../sse.js";

const tags = ["sessions"];

export interface NotebookOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly admission: Admission;
  readonly audit: Audit;
}

export function registerNotebook(app: App, options: NotebookOptions): void {
  const { sessions } = options;
  const show = {
    tags,
    summary: "What a session has run, as a Jupyter notebook",
    params: SessionParams,
    response: answers({ 200: NotebookFile }),
  };
  app.get("/sessions/:id/notebook", { schema: show }, async ({ principal, params }, reply) => {
    const notebook = notebookOf(sessions.executions(principal, params.id));
    const name = params.id.replaceAll(/[:@]/g, "_");
    reply.header("content-disposition", `attachment; filename="${name}.ipynb"`);
    return notebook;
  });

  registerRun(app, options);
}

function registerRun(app: App, options: NotebookOptions): void {
  const { config, admission } = options;
  const run = {
    tags,
    summary: "Run a notebook in a session, cell by cell",
    params: SessionParams,
    body: NotebookBody,
    response: answers({ 200: orEvents(NotebookAnswer) }),
  };
  const route = { schema: run, ...NOTEBOOK_BODY };
  app.post("/sessions/:id/notebook", route, async (request, reply) => {
    const { body, params, principal } = request;
    const notebook = readNotebook(body.notebook, config.codeBytesMax);
    const timeoutMs = checkTimeout(body.timeout, config);
    admission.admitExecution(principal, params.id);
    const streams = wantsEvents(request, body.stream);
    const stream = streams ? new NotebookStream(request, reply) : undefined;
    const hooks = hooksFor(request, params.id, timeoutMs, stream, options);
    const running = new NotebookRun(notebook, body.on_error ?? "stop", hooks);
    onClientGone(reply, () => running.abandon());
    return answer(running, stream, reply);
  });
}

function hooksFor(
  request: FastifyRequest,
  sessionId: string,
  timeoutMs: number,
  stream: NotebookStream | undefined,
  { sessions, config, audit }: NotebookOptions,
): CellHooks {
  const { principal } = request;
  // All cells run in one: another of its name would lack what the first cells have made.
  let session: Session | undefined;
  return {
    start: (code) => {
      session ??= sessions.obtain(principal, sessionId);
      const { outputBytesMax } = config;
      // Who reads a stream is there to answer.
      const allowInput = stream !== undefined;
      const execution = { code, timeoutMs, outputBytesMax, allowInput };
      return sessions.start(principal, session, execution, {}, allowInput);
    },
    follow: async (index, execution) => stream?.follow(index, execution),
    ended: (code, outcome) => auditExecution(audit, request, { sessionId, code }, outcome),
    notRun: (code, error) => auditNotRun(audit, request, { sessionId, code }, error),
  };
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
