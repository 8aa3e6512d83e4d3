/** The HTTP side alone, with its routes and their checks, over a driver that has no sandbox to give. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { KeyStore } from "../access/key-store.js";
import { NO_AUDIT } from "../audit/audit.js";
import { AuthFailures } from "../audit/auth-failures.js";
import { loadConfig } from "../config.js";
import { Conversations } from "../generate/chat/conversations.js";
import { startGenerator } from "../generate/start.js";
import { Pool } from "../pool/pool.js";
import type { SandboxDriver } from "../sandbox/sandbox.js";
import { PanicLatch } from "../security/panic-latch.js";
import { Security } from "../security/security.js";
import { SessionManager } from "../sessions/session-manager.js";
import { buildApp } from "./app.js";
import type { App } from "./app-type.js";

const nothing = { sandboxes: 0, processes: 0 };
const ignore = () => undefined;
const refuse = () => Promise.reject(new Error("no sandbox is needed here"));

const driver: SandboxDriver = {
  name: "without sandboxes",
  start: async () => undefined,
  stop: async () => undefined,
  create: refuse,
  panic: async () => ({ ...nothing, frozenMs: 0, goneMs: 0, remaining: nothing, problem: null }),
  verify: refuse,
};

export interface AppWithoutSandboxes {
  /** Not ready yet: hooks may be added. */
  readonly app: App;
  readonly keys: KeyStore;
  close(): Promise<void>;
}

/** With an admin token, or AUTH=none for undefined. */
export async function appWithoutSandboxes(
  adminToken: string | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<AppWithoutSandboxes> {
  const directory = mkdtempSync(join(tmpdir(), "app-"));
  const config = loadConfig(env, "/nonexistent");
  const keys = await KeyStore.open({ path: join(directory, "keys.json"), onFlushFailed: ignore });
  const pool = new Pool(driver, {
    ...{ size: 0, leasesMax: 1, acquireTimeoutMs: 10, startsMax: 1 },
    ...{ onStartFailed: ignore, onFaulty: ignore },
  });
  const observer = {
    ...{ assertRecording: ignore, onCreated: ignore, onEnded: ignore, onCpuUsed: ignore },
  };
  const sessions = new SessionManager(pool, config, observer);
  const latch = new PanicLatch(join(directory, "panic.json"));
  const app = buildApp({
    conversations: new Conversations(),
    ...{ config, sessions, keys, adminToken },
    security: new Security({ driver, pool, sessions, latch }),
    generator: await startGenerator(config, ignore),
    audit: NO_AUDIT,
    authFailures: new AuthFailures(NO_AUDIT),
    logger: pino({ level: "silent" }),
    version: "0",
  });
  const close = async () => {
    await app.close();
    await keys.stop();
    rmSync(directory, { recursive: true });
  };
  return { app, keys, close };
}
