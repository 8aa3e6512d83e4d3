/** POST /sessions/{id}/packages: install from the server's folder of wheels. */

import type { Audit } from "../../audit/audit.js";
import type { Config } from "../../config.js";
import type { ExecutionOutcome } from "../../sessions/execution.js";
import { checkPackages, readInstallation } from "../../sessions/packages.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app.js";
import { auditExecution, auditNotRun } from "../audit-records.js";
import { clientSignal } from "../client-gone.js";
import { answers } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import { InstallAnswer, InstallBody } from "../schemas/packages.js";

export interface PackagesOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly admission: Admission;
  readonly audit: Audit;
}

export function registerPackages(app: App, options: PackagesOptions): void {
  const { sessions, config, admission, audit } = options;
  const schema = {
    tags: ["sessions"],
    summary: "Install packages from the server's folder of wheels",
    params: SessionParams,
    body: InstallBody,
    response: answers({ 200: InstallAnswer }),
  };
  app.post("/sessions/:id/packages", { schema }, async (request, reply) => {
    const { principal, params, body } = request;
    checkPackages(body.packages, config);
    sessions.describe(principal, params.id);
    admission.admitExecution(principal, params.id);
    const run = { sessionId: params.id, code: `pip install ${body.packages.join(" ")}` };
    let outcome: ExecutionOutcome;
    try {
      const signal = clientSignal(reply);
      outcome = await sessions.install(principal, params.id, body.packages, signal);
    } catch (error) {
      auditNotRun(audit, request, run, error);
      throw error;
    }
    auditExecution(audit, request, run, outcome);
    return { status: "ok" as const, ...readInstallation(outcome) };
  });
}
