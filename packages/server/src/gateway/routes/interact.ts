/** What an editor needs of a session beside running code: answers to input(), and questions. */

import type { FastifyReply } from "fastify";
import type { Config } from "../../config.js";
import type { Desk } from "../../desk/desk.js";
import { INPUT_BYTES_MAX } from "../../desk/input-reply.js";
import type { KernelQuestion, QuestionName } from "../../sandbox/questions.js";
import type { App } from "../app-type.js";
import { codeBody, textBody } from "../http/body-limits.js";
import { beforeLargeBody } from "../http/refusal.js";
import { visitOf } from "../http/visit.js";
import { answers } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import {
  CompleteAnswer,
  CompleteBody,
  InputAnswer,
  InputBody,
  InspectAnswer,
  InspectBody,
  IsCompleteAnswer,
  IsCompleteBody,
  VariablesAnswer,
  VariablesQuery,
} from "../schemas/interact.js";

const VARIABLES_DEFAULT = 1000;

const tags = ["interact"];
const params = SessionParams;
const INPUT = {
  tags,
  operationId: "answerInput",
  summary: "Answer the input() that waits",
  params,
  body: InputBody,
  response: answers({ 200: InputAnswer }),
};
const COMPLETE = {
  tags,
  operationId: "completeCode",
  summary: "How the name before the cursor may end",
  params,
  body: CompleteBody,
  response: answers({ 200: CompleteAnswer }),
};
const INSPECT = {
  tags,
  operationId: "inspectCode",
  summary: "What the name at the cursor is",
  params,
  body: InspectBody,
  response: answers({ 200: InspectAnswer }),
};
const IS_COMPLETE = {
  tags,
  operationId: "isCodeComplete",
  summary: "Whether this code is complete, or a person goes on typing",
  params,
  body: IsCompleteBody,
  response: answers({ 200: IsCompleteAnswer }),
};
const VARIABLES = {
  tags,
  operationId: "listVariables",
  summary: "The session's variables, by name",
  params,
  querystring: VariablesQuery,
  response: answers({ 200: VariablesAnswer }),
};

export interface InteractOptions {
  readonly desk: Desk;
  readonly config: Config;
}

export function registerInteract(app: App, options: InteractOptions): void {
  const { desk, config } = options;

  app.post(
    "/sessions/:id/input",
    { schema: INPUT, ...textBody(INPUT_BYTES_MAX) },
    async ({ params, body }, reply) => {
      desk.session(visitOf(reply), params.id).answerInput(body);
      return { status: "ok" };
    },
  );

  const ofCode = {
    ...codeBody(config),
    onRequest: beforeLargeBody(({ params }, reply) => {
      desk.session(visitOf(reply), (params as SessionParams).id).describe();
    }),
  };

  async function ask<Name extends QuestionName>(
    reply: FastifyReply,
    { id }: SessionParams,
    question: KernelQuestion<Name>,
  ) {
    return desk.session(visitOf(reply), id).ask(question);
  }

  app.post(
    "/sessions/:id/complete",
    { ...ofCode, schema: COMPLETE },
    async ({ params, body }, reply) => {
      const { code } = body;
      const cursor_pos = body.cursor_pos ?? codePoints(code);
      const answer = await ask(reply, params, { name: "complete", content: { code, cursor_pos } });
      return answer ?? { matches: [], cursor_start: cursor_pos, cursor_end: cursor_pos, types: [] };
    },
  );

  app.post(
    "/sessions/:id/inspect",
    { ...ofCode, schema: INSPECT },
    async ({ params, body }, reply) => {
      const { code } = body;
      const { cursor_pos = codePoints(code), detail_level = 0 } = body;
      const content = { code, cursor_pos, detail_level };
      return (await ask(reply, params, { name: "inspect", content })) ?? NOT_FOUND;
    },
  );

  app.post(
    "/sessions/:id/is_complete",
    { ...ofCode, schema: IS_COMPLETE },
    async ({ params, body }, reply) => {
      const { code } = body;
      return (await ask(reply, params, { name: "is_complete", content: { code } })) ?? UNKNOWN;
    },
  );

  app.get("/sessions/:id/variables", { schema: VARIABLES }, async ({ params, query }, reply) => {
    const limit = query.limit ?? VARIABLES_DEFAULT;
    const answer = await ask(reply, params, { name: "variables", content: { limit } });
    return answer ?? NO_VARIABLES;
  });
}

// What a session answers that has no sandbox: it has no state.
const NOT_FOUND = { found: false, data: {}, metadata: {} };
const UNKNOWN = { status: "unknown", indent: "" };
const NO_VARIABLES = { variables: [], total: 0, truncated: false };

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
