/** What an editor needs of a session beside running code: answers to input(), and questions. */

import type { Principal } from "../../access/principal.js";
import type { Config } from "../../config.js";
import { ServiceError } from "../../errors.js";
import type { KernelQuestion, QuestionName } from "../../sandbox/questions.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { App } from "../app.js";
import { codeBody, textBody } from "../http/body-limits.js";
import { beforeLargeBody } from "../http/refusal.js";
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

/** For the wait until nothing runs, and again for the answer. */
const QUESTION_TIMEOUT_MS = 5000;
const INPUT_BYTES_MAX = 65_536;
const VARIABLES_DEFAULT = 1000;

const tags = ["interact"];
const params = SessionParams;
const INPUT = {
  tags,
  summary: "Answer the input() that waits",
  params,
  body: InputBody,
  response: answers({ 200: InputAnswer }),
};
const COMPLETE = {
  tags,
  summary: "How the name before the cursor may end",
  params,
  body: CompleteBody,
  response: answers({ 200: CompleteAnswer }),
};
const INSPECT = {
  tags,
  summary: "What the name at the cursor is",
  params,
  body: InspectBody,
  response: answers({ 200: InspectAnswer }),
};
const IS_COMPLETE = {
  tags,
  summary: "Whether this code is complete, or a person goes on typing",
  params,
  body: IsCompleteBody,
  response: answers({ 200: IsCompleteAnswer }),
};
const VARIABLES = {
  tags,
  summary: "The session's variables, by name",
  params,
  querystring: VariablesQuery,
  response: answers({ 200: VariablesAnswer }),
};

/** As much of a request as tells who asks whom. */
interface Asking {
  readonly principal: Principal;
  readonly params: { readonly id: string };
}

export interface InteractOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
}

export function registerInteract(app: App, options: InteractOptions): void {
  const { sessions, config } = options;

  app.post(
    "/sessions/:id/input",
    { schema: INPUT, ...textBody(INPUT_BYTES_MAX) },
    async (request) => {
      const { text } = request.body;
      if (Buffer.byteLength(text) > INPUT_BYTES_MAX) {
        throw new ServiceError("REQUEST_TOO_LARGE", `text has more than ${INPUT_BYTES_MAX} bytes`);
      }
      sessions.answerInput(request.principal, request.params.id, text);
      return { status: "ok" };
    },
  );

  const ofCode = {
    ...codeBody(config),
    onRequest: beforeLargeBody(({ principal, params }) => {
      sessions.describe(principal, (params as Asking["params"]).id);
    }),
  };

  async function ask<Name extends QuestionName>(
    { principal, params: { id } }: Asking,
    question: KernelQuestion<Name>,
  ) {
    return sessions.ask(principal, id, question, QUESTION_TIMEOUT_MS);
  }

  app.post("/sessions/:id/complete", { ...ofCode, schema: COMPLETE }, async (request) => {
    const { code } = checkCode(request.body, config);
    const cursor_pos = request.body.cursor_pos ?? codePoints(code);
    const answer = await ask(request, { name: "complete", content: { code, cursor_pos } });
    return answer ?? { matches: [], cursor_start: cursor_pos, cursor_end: cursor_pos, types: [] };
  });

  app.post("/sessions/:id/inspect", { ...ofCode, schema: INSPECT }, async (request) => {
    const { code } = checkCode(request.body, config);
    const { cursor_pos = codePoints(code), detail_level = 0 } = request.body;
    const content = { code, cursor_pos, detail_level };
    return (await ask(request, { name: "inspect", content })) ?? NOT_FOUND;
  });

  app.post("/sessions/:id/is_complete", { ...ofCode, schema: IS_COMPLETE }, async (request) => {
    const { code } = checkCode(request.body, config);
    return (await ask(request, { name: "is_complete", content: { code } })) ?? UNKNOWN;
  });

  app.get("/sessions/:id/variables", { schema: VARIABLES }, async (request) => {
    const limit = request.query.limit ?? VARIABLES_DEFAULT;
    const answer = await ask(request, { name: "variables", content: { limit } });
    return answer ?? NO_VARIABLES;
  });
}

// What a session answers that has no sandbox: it has no state.
const NOT_FOUND = { found: false, data: {}, metadata: {} };
const UNKNOWN = { status: "unknown", indent: "" };
const NO_VARIABLES = { variables: [], total: 0, truncated: false };

function checkCode<Body extends { code: string }>(body: Body, config: Config): Body {
  if (Buffer.byteLength(body.code) > config.codeBytesMax) {
    throw new ServiceError(
      "CODE_TOO_LARGE",
      `code has more than ${config.codeBytesMax} bytes (MAX_CODE_SIZE)`,
    );
  }
  return body;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
