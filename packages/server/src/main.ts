/**
 * The gateway process: builds everything in order and passes it down, so this list is the
 * architecture. Runs as an ordinary user from its first instruction on: the supervisor has bound the
 * guests' socket for it, and its working directory is the one place where it may write.
 */

import { type Logger, pino } from "pino";
import { KeyStore } from "./access/key-store.js";
import { BUILT_IN_ADMIN } from "./access/principal.js";
import { type Audit, NO_AUDIT } from "./audit/audit.js";
import { AuditLog } from "./audit/audit-log.js";
import { AuthFailures } from "./audit/auth-failures.js";
import type { Config } from "./config.js";
import { ServiceError } from "./errors.js";
import { buildApp } from "./gateway/app.js";
import { Conversations } from "./generate/chat/conversations.js";
import { startGenerator } from "./generate/start.js";
import { Pool } from "./pool/pool.js";
import { openDriver } from "./sandbox/drivers.js";
import { PanicLatch } from "./security/panic-latch.js";
import { Security } from "./security/security.js";
import { SessionManager, type SessionObserver } from "./sessions/session-manager.js";
import { VERSION } from "./version.js";

/** Starts in flight at a time: one is in the zygote while the next one's namespaces are made. */
const STARTS_MAX = 2;
const SWEEP_MS = 50;
/** For the last answers to go out, when the server stops. */
const FAREWELL_MS = 2000;

export interface GatewayOptions {
  readonly config: Config;
  /** Undefined for AUTH=none. */
  readonly adminToken: string | undefined;
  /** The descriptor on which sandboxes announce themselves, bound and listening. */
  readonly guestSocket: number;
}

export interface Gateway {
  /** Where it listens. */
  readonly address: string;
  /** Refuse new work, let running work end, destroy every sandbox. Idempotent. */
  stop(): Promise<void>;
}

/** Start serving. @throws when sandboxes cannot be made. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, adminToken } = options;
  refuseRoot();
  const logger = pino({ level: config.logLevel });
  const driver = await openDriver(config, options.guestSocket, (sandbox, process, reason) =>
    logger.error(
      { sandbox, process, reason },
      "a process of a sandbox ended by a fault of its own",
    ),
  );
  const generator = await startGenerator(config, (error) =>
    logger.error({ err: error }, "an exchange with the model could not be recorded"),
  );

  const keys = await KeyStore.open({
    path: "keys.json",
    onFlushFailed: (error) => logger.error({ err: error }, "the use of keys could not be noted"),
  });
  const audit = config.audit ? await openAudit(config, logger) : NO_AUDIT;
  const authFailures = new AuthFailures(audit);

  const pool = new Pool(driver, {
    size: config.poolSize,
    leasesMax: config.sessionsMax,
    acquireTimeoutMs: config.acquireTimeoutMs,
    startsMax: STARTS_MAX,
    onStartFailed: (error) => logger.warn({ err: error }, "a sandbox could not be started"),
    onFaulty: ({ id }, problem) => logger.error({ sandbox: id, problem }, "a faulty warm sandbox"),
  });
  const conversations = new Conversations();
  const sessions = new SessionManager(pool, config, observeSessions(audit, keys, conversations));
  const latch = new PanicLatch("panic.json");
  const security = new Security({ driver, pool, sessions, latch });
  const app = buildApp({
    ...{ config, sessions, security, generator, conversations },
    ...{ keys, audit, authFailures },
    ...{ logger, adminToken, version: VERSION },
  });

  await driver.start();
  if (latch.note) logger.warn({ panic: latch.note }, "a panic is in force; nothing is run");
  else await pool.start();
  // By that name Fastify would open a second server, past everything that watches connections.
  const host = config.host === "localhost" ? "127.0.0.1" : config.host;
  const address = await app.listen({ host, port: config.port });
  void generator.warm();
  audit.record("server_started", { version: VERSION, address });

  let stopped: Promise<void> | undefined;
  async function stop(): Promise<void> {
    // A connection that was busy when closing began turns idle later, and would be kept alive.
    const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
    const closed = app.close();
    generator.stop();
    await sessions.stop();
    // What is left now are clients that do not take the end of their answers.
    const cut = setTimeout(() => app.server.closeAllConnections(), FAREWELL_MS);
    await closed;
    clearTimeout(cut);
    clearInterval(sweep);
    await pool.stop();
    await driver.stop();
    await keys.stop();
    authFailures.stop();
    audit.record("server_stopped", {});
    await audit.stop();
    logStop(logger);
  }
  return {
    address,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Relative paths are below the gateway's own directory. */
function openAudit(config: Config, logger: Logger): Promise<AuditLog> {
  return AuditLog.open({
    directory: "audit",
    fileBytesMax: config.auditFileBytesMax,
    filesKept: config.auditFilesKept,
    required: config.auditRequired,
    onFailing: (error) => logger.error({ err: error }, "the audit log cannot be written"),
    onLost: (count) => logger.error({ count }, "records of the audit log were lost"),
  });
}

function observeSessions(
  audit: Audit,
  keys: KeyStore,
  conversations: Conversations,
): SessionObserver {
  const who = (owner: string) => ({
    principal: owner,
    name: owner === BUILT_IN_ADMIN.id ? BUILT_IN_ADMIN.name : (keys.nameOf(owner) ?? null),
  });
  return {
    assertRecording: () => {
      if (!audit.available) {
        throw new ServiceError("AUDIT_UNAVAILABLE", undefined, { retryAfterMs: 1000 });
      }
    },
    onCreated: (owner, session, { mounts, packages }) =>
      audit.record("session_created", {
        ...who(owner),
        session,
        ...(mounts ? { mounts: [...mounts] } : {}),
        ...(packages ? { packages: [...packages] } : {}),
      }),
    onEnded: (owner, session, reason) => {
      conversations.forget(owner, session);
      audit.record("session_ended", { ...who(owner), session, reason });
    },
    onCpuUsed: (owner, seconds) => keys.chargeCpu(owner, seconds),
  };
}

/** Whatever starts this process shall have given root up for it. */
function refuseRoot(): void {
  if (process.getuid?.() === 0 || process.geteuid?.() === 0) {
    throw new Error("the gateway must not run as root");
  }
}

function logStop(logger: Logger): void {
  logger.info("stopped");
}
