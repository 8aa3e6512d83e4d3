/** What operators and load balancers ask. */

import type { SessionManager } from "../../sessions/session-manager.js";
import type { App } from "../app.js";

export function registerOperate(app: App, sessions: SessionManager, version: string): void {
  app.get("/health", async () => ({
    status: "healthy",
    version,
    uptime_seconds: Math.round(process.uptime()),
  }));

  app.get("/status", async () => ({ version, ...sessions.status() }));
}
