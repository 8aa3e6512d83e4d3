/** What operators and load balancers ask. */

import type { Security } from "../../security/security.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { App } from "../app.js";
import { requireAdmin } from "../auth.js";

export function registerOperate(
  app: App,
  sessions: SessionManager,
  security: Security,
  version: string,
): void {
  app.get("/health", async (_request, reply) => {
    // A load balancer should send work elsewhere.
    if (security.panicked) reply.status(503);
    return {
      status: security.panicked ? "panicked" : "healthy",
      version,
      uptime_seconds: Math.round(process.uptime()),
    };
  });

  app.get("/status", { onRequest: requireAdmin }, async () => ({
    version,
    panic: security.panicked,
    ...sessions.status(),
  }));
}
