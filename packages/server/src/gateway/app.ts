/**
 * The HTTP side: routes, validation, and the one shape of errors. Runs unprivileged. May import
 * everything below it; only main imports it.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import type { KeyStore } from "../access/key-store.js";
import type { Audit } from "../audit/audit.js";
import type { AuthFailures } from "../audit/auth-failures.js";
import { registerJupyter } from "../compat/jupyter/facade.js";
import type { Config } from "../config.js";
import { Desk } from "../desk/desk.js";
import { KeyDesk } from "../desk/key-desk.js";
import { SecurityDesk } from "../desk/security-desk.js";
import { ServiceError } from "../errors.js";
import type { Conversations } from "../generate/chat/conversations.js";
import type { Generator } from "../generate/generator.js";
import { makeWhole } from "../sandbox/whole-text.js";
import type { Security } from "../security/security.js";
import type { Sessions } from "../sessions/interface.js";
import type { App } from "./app-type.js";
import { createAuthenticate, isBrowsed } from "./auth.js";
import { BodyBudget } from "./http/body-budget.js";
import { SMALL_BODY_BYTES } from "./http/body-limits.js";
import { Connections } from "./http/connections.js";
import { allowsOrigin, answerOtherOrigins } from "./http/cors.js";
import { countRequests } from "./http/counting.js";
import { answerBrokenHttp, createErrorLog, sendError, toServiceError } from "./http/errors.js";
import { InFlight } from "./http/in-flight.js";
import { dropUnaskedBody, readAllBodiesAsJson, readJsonBodies } from "./http/json-bodies.js";
import { registerOpenapi } from "./http/openapi.js";
import { SlowBodies } from "./http/slow-bodies.js";
import { endWhenStalled, holdWhileUnread } from "./http/unread-answers.js";
import { Upgrades } from "./http/upgrades.js";
import { validatorCompiler } from "./http/validation.js";
import { visitOf } from "./http/visit.js";
import { writeAnswers } from "./http/written-answers.js";
import { registerBatch } from "./routes/batch.js";
import { registerChat } from "./routes/chat.js";
import { registerExecute } from "./routes/execute.js";
import { registerExecutions } from "./routes/executions.js";
import { registerFiles } from "./routes/files.js";
import { registerGenerate } from "./routes/generate.js";
import { registerInteract } from "./routes/interact.js";
import { registerKeys } from "./routes/keys.js";
import { registerNotebook } from "./routes/notebook.js";
import { registerOperate } from "./routes/operate.js";
import { registerPackages } from "./routes/packages.js";
import { registerSecurity } from "./routes/security.js";
import { registerSessions } from "./routes/sessions.js";
import { registerTools } from "./routes/tools.js";
import { registerWatch } from "./routes/watch.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const PUBLIC_PATHS: ReadonlySet<string> = new Set(["/health", "/openapi.json"]);
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How often slow and silent connections are looked for. */
const CONNECTIONS_CHECK_MS = 5000;
const CONNECTIONS_MAX = 4096;

export interface AppOptions {
  readonly config: Config;
  readonly sessions: Sessions;
  readonly security: Security;
  readonly generator: Generator;
  readonly conversations: Conversations;
  readonly keys: KeyStore;
  readonly audit: Audit;
  readonly authFailures: AuthFailures;
  readonly logger: FastifyBaseLogger;
  /** Undefined for AUTH=none. */
  readonly adminToken: string | undefined;
  readonly version: string;
}

export function buildApp(options: AppOptions): App {
  const { config, sessions, keys, audit, generator, conversations } = options;
  const app = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: SMALL_BODY_BYTES,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // Node would answer a request without Host by itself, and not in the shape of every other error.
    http: {
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: true },
    // The sessions refuse new work by themselves, in the shape of every other error.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    clientErrorHandler: (error, socket) => refuseBrokenHttp(error, socket),
    frameworkErrors: (error, request, reply) => {
      sendError(toServiceError(error), request as FastifyRequest, reply as unknown as FastifyReply);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  const connections = new Connections(app.server, app.routing, CONNECTIONS_MAX);
  const refuseBrokenHttp = (error: Error, socket: Socket) => {
    // In the midst of an answer nothing can be told.
    if (connections.isAnswering(socket)) socket.destroy();
    else answerBrokenHttp(error, socket);
  };
  const bodies = new BodyBudget();
  readJsonBodies(app, bodies);

  const allows = allowsOrigin(config.corsOrigins);
  answerOtherOrigins(app, allows);
  const authenticate = createAuthenticate({
    adminToken: options.adminToken,
    allowsOrigin: allows,
    findKey: (hash) => keys.find(hash),
  });
  const slowBodies = new SlowBodies({
    timeoutMs: REQUEST_TIMEOUT_MS,
    checkEveryMs: CONNECTIONS_CHECK_MS,
    onSlow: (socket) => refuseBrokenHttp(new Error("a body that does not come"), socket),
  });
  app.server.on("connection", (socket) => slowBodies.opened(socket));
  app.addHook("preClose", async () => slowBodies.stop());
  app.decorateRequest("principal");
  app.addHook("onRequest", (request, reply, done) => {
    slowBodies.watch(request.raw);
    dropUnaskedBody(request);
    if (lacksHost(request.raw)) {
      done(new ServiceError("INVALID_REQUEST", "The header Host is missing."));
      return;
    }
    try {
      if (!isPublic(request)) {
        request.principal = authenticate(request);
        connections.belongsTo(request.raw.socket, request.principal.id);
      }
      refuseShortened(request);
      done();
    } catch (error) {
      options.authFailures.note(request.ip);
      if (isBrowsed(request)) reply.header("www-authenticate", 'Basic realm="Glovebox token"');
      done(error as Error);
    }
  });
  const inFlight = new InFlight(config.requestsInFlightMax);
  countRequests(app, inFlight);
  app.addHook("preValidation", (request, _reply, done) => {
    // A path with half a character is refused where it is read, and not changed into another one.
    request.body = makeWhole(request.body, "path");
    done();
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (typeof payload === "string" || payload instanceof Buffer) {
      holdWhileUnread(reply, payload.length);
    } else if (payload instanceof Readable) endWhenStalled(reply);
    done(null, payload);
  });
  const logError = createErrorLog();
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toServiceError(error);
    logError(known, error, request);
    sendError(known, request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0] ?? "";
    const methods = METHODS.filter((method) => app.findRoute({ method, url: path }));
    if (methods.length === 0) {
      sendError(new ServiceError("NOT_FOUND"), request, reply);
      return;
    }
    const allowed = methods.join(", ");
    reply.header("allow", allowed);
    const error = new ServiceError("METHOD_NOT_ALLOWED", `This route takes ${allowed}.`);
    sendError(error, request, reply);
  });

  const desk = new Desk({ config, sessions, audit, generator, conversations });
  const cutOff = (keyId: string) => inFlight.cutOff(keyId);
  const keyDesk = new KeyDesk({ keys, sessions, audit, cutOff });
  // In a scope of its own, because the routes are read as they are registered.
  app.register(async (scope: App) => {
    // Set here and not above, because a scope with schemas of its own gets Fastify's validator again.
    scope.setValidatorCompiler(validatorCompiler(config.unknownFields));
    writeAnswers(scope);
    await registerOpenapi(scope, options.version);
    registerExecute(scope, { desk, config });
    registerBatch(scope, desk);
    registerGenerate(scope, { desk, config });
    registerChat(scope, { desk, config });
    registerTools(scope);
    registerSessions(scope, desk);
    registerExecutions(scope, desk);
    registerFiles(scope, { desk, config, slowBodies });
    registerWatch(scope, desk);
    registerInteract(scope, { desk, config });
    registerPackages(scope, desk);
    registerNotebook(scope, desk);
    registerKeys(scope, keyDesk);
    registerSecurity(scope, new SecurityDesk(options.security, audit));
    registerOperate(scope, sessions, options.security, options.version);
    if (config.facades.has("jupyter")) {
      const upgrades = new Upgrades(app.server, connections.receive);
      const takeUpgrade = (request: IncomingMessage) => upgrades.take(request);
      const host = { desk, config, version: options.version, allowsOrigin: allows };
      await scope.register(async (facade) => {
        readAllBodiesAsJson(facade as unknown as App, bodies);
        registerJupyter(facade as unknown as App, { ...host, visitOf, takeUpgrade });
      });
    }
  });
  return app;
}

/**
 * Clients make `/sessions/a/files/..` into `/sessions/a/`, which must not delete the session.
 * @throws ServiceError NOT_FOUND
 */
function refuseShortened({ method, url, routeOptions }: FastifyRequest): void {
  if (method !== "DELETE" || routeOptions.url?.endsWith("*")) return;
  if (!url.split("?")[0]?.endsWith("/")) return;
  throw new ServiceError("NOT_FOUND", "To delete, write the address without the last slash.");
}

/** For whoever asks. */
function isPublic({ routeOptions: { url, config } }: FastifyRequest): boolean {
  return PUBLIC_PATHS.has(url ?? "") || config.isPublic === true;
}

/** HTTP/1.1 requires the header. */
function lacksHost({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.host === undefined && httpVersion === "1.1";
}
