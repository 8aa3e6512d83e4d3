/** POST /generate-and-execute: from a question to a result, by a model's code. */

import { Type } from "typebox";
import type { Audit } from "../../audit/audit.js";
import type { Config } from "../../config.js";
import type { Generator } from "../../generate/generator.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app.js";
import { auditFiles, auditModelFailed, auditModelUse } from "../audit-records.js";
import { clientSignal } from "../client-gone.js";
import { toGenerateResponse } from "../generation-wire.js";
import { codeBody } from "../http/body-limits.js";
import { beforeLargeBody } from "../http/refusal.js";
import { checkInputFiles } from "../input-files.js";
import { checkLimits, checkTimeout } from "../limits.js";
import { answers } from "../schemas/answers.js";
import { closed } from "../schemas/common.js";
import { ExecuteAnswer } from "../schemas/execute.js";
import { GenerateBody, GenerateFields } from "../schemas/generate.js";
import { SessionBench } from "../session-bench.js";

const ATTEMPTS_DEFAULT = 3;

const GENERATE = {
  tags: ["generate"],
  summary: "Let a model write code for a question, run it, and repair it while it fails",
  body: GenerateBody,
  response: answers({
    200: Type.Object({ ...ExecuteAnswer.properties, ...GenerateFields }, closed),
  }),
};

export interface GenerateOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly admission: Admission;
  readonly audit: Audit;
  readonly generator: Generator;
}

export function registerGenerate(app: App, options: GenerateOptions): void {
  const { sessions, config, admission, audit, generator } = options;
  const route = {
    schema: GENERATE,
    ...codeBody(config),
    onRequest: beforeLargeBody(() => generator.requireModel()),
  };
  app.post("/generate-and-execute", route, async (request, reply) => {
    const { body, principal } = request;
    const model = generator.requireModel();
    const sessionId = body.session_id;
    const timeoutMs = checkTimeout(body.timeout, config);
    const limits = checkLimits(body, config);
    const { files } = body;
    const told = auditFiles(audit, request, sessionId ?? null);
    const inputs = files && (() => checkInputFiles(files, told));
    inputs?.(); // What is wrong with them is told before anything is done.
    admission.admitExecution(principal, sessionId);
    const signal = clientSignal(reply);
    const asked = {
      query: body.query,
      attemptsMax: body.max_attempts ?? ATTEMPTS_DEFAULT,
      check: body.check ?? false,
    };
    const purpose = { sessionId, model, purpose: "generate" } as const;
    return sessions.withSession(principal, sessionId, async (session) => {
      const { scripts } = generator;
      const bench = new SessionBench({
        ...{ session, sessionId, limits, timeoutMs, config, scripts, inputs },
        includeFiles: body.include_files,
        ...{ audit, request, signal },
      });
      try {
        const generation = await generator.generate(bench, asked, signal);
        auditModelUse(audit, request, purpose, generation.use);
        return toGenerateResponse(body.query, generation, bench.last, sessionId);
      } catch (error) {
        auditModelFailed(audit, request, purpose, error);
        throw error;
      }
    });
  });
}
