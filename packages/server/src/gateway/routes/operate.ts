/** What operators and load balancers ask. */

import type { Security } from "../../security/security.js";
import type { Sessions } from "../../sessions/interface.js";
import type { App } from "../app-type.js";
import { requireAdmin } from "../auth.js";
import { LoopDelay } from "../loop-delay.js";
import { answers } from "../schemas/answers.js";
import { HealthAnswer, StatusAnswer } from "../schemas/operate.js";

const HEALTH = {
  schema: {
    tags: ["operate"],
    operationId: "getHealth",
    summary: "Whether the server is up and runs code",
    security: [],
    response: answers({ 200: HealthAnswer, 503: HealthAnswer }),
  },
};
const STATUS = {
  onRequest: requireAdmin,
  schema: {
    tags: ["operate"],
    operationId: "getStatus",
    summary: "The pool and the sessions",
    response: answers({ 200: StatusAnswer }),
  },
};

export function registerOperate(
  app: App,
  sessions: Sessions,
  security: Security,
  version: string,
): void {
  const loopDelay = new LoopDelay();
  app.addHook("onClose", async () => loopDelay.stop());
  app.get("/health", HEALTH, async (_request, reply) => {
    // A load balancer should send work elsewhere.
    if (security.panicked) reply.status(503);
    return {
      status: security.panicked ? "panicked" : "healthy",
      version,
      uptime_seconds: Math.round(process.uptime()),
      event_loop_delay_ms: loopDelay.read(),
    };
  });

  app.get("/status", STATUS, async () => ({
    version,
    panic: security.panicked,
    ...sessions.status(),
  }));
}
