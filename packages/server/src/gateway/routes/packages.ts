/** POST /sessions/{id}/packages: install from the server's folder of wheels. */

import type { Desk } from "../../desk/desk.js";
import type { App } from "../app-type.js";
import { visitOf } from "../http/visit.js";
import { answers } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import { InstallAnswer, InstallBody } from "../schemas/packages.js";

export function registerPackages(app: App, desk: Desk): void {
  const schema = {
    tags: ["sessions"],
    operationId: "installPackages",
    summary: "Install packages from the server's folder of wheels",
    params: SessionParams,
    body: InstallBody,
    response: answers({ 200: InstallAnswer }),
  };
  app.post("/sessions/:id/packages", { schema }, async ({ params, body }, reply) => ({
    status: "ok" as const,
    ...(await desk.session(visitOf(reply), params.id).install(body.packages)),
  }));
}
