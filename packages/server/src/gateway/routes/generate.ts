/** POST /generate-and-execute: from a question to a result, by a model's code. */

import type { Config } from "../../config.js";
import type { Desk } from "../../desk/desk.js";
import type { App } from "../app-type.js";
import { codeBody } from "../http/body-limits.js";
import { beforeLargeBody } from "../http/refusal.js";
import { visitOf } from "../http/visit.js";
import { answers } from "../schemas/answers.js";
import { GenerateAnswer, GenerateBody } from "../schemas/generate.js";
import { toGenerateResponse } from "../wire/generation.js";
import { readLimits } from "../wire/limits.js";

const ATTEMPTS_DEFAULT = 3;

const GENERATE = {
  tags: ["generate"],
  operationId: "generateAndExecute",
  summary: "Let a model write code for a question, run it, and repair it while it fails",
  body: GenerateBody,
  response: answers({
    200: GenerateAnswer,
  }),
};

export interface GenerateOptions {
  readonly desk: Desk;
  readonly config: Config;
}

export function registerGenerate(app: App, { desk, config }: GenerateOptions): void {
  const route = {
    schema: GENERATE,
    ...codeBody(config),
    onRequest: beforeLargeBody(() => desk.requireModel()),
  };
  app.post("/generate-and-execute", route, async ({ body }, reply) => {
    const { query, session_id: sessionId } = body;
    const { generation, last } = await desk.generate(visitOf(reply), {
      ...{ query, sessionId, timeout: body.timeout, limits: readLimits(body) },
      attemptsMax: body.max_attempts ?? ATTEMPTS_DEFAULT,
      check: body.check ?? false,
      ...{ files: body.files, includeFiles: body.include_files },
    });
    return toGenerateResponse(query, generation, last, sessionId);
  });
}
