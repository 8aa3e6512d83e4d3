/**
 * The HTTP side: routes, validation, and the one shape of errors. Runs unprivileged. May import
 * everything below it; only main imports it.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from "fastify";
import type { KeyStore } from "../access/key-store.js";
import type { Audit } from "../audit/audit.js";
import type { AuthFailures } from "../audit/auth-failures.js";
import type { Config } from "../config.js";
import { type ErrorCode, errorTable, ServiceError, toWireError } from "../errors.js";
import type { Conversations } from "../generate/chat/conversations.js";
import type { Generator } from "../generate/generator.js";
import { makeWhole } from "../sandbox/whole-text.js";
import type { Security } from "../security/security.js";
import type { SessionManager } from "../sessions/session-manager.js";
import { Admission } from "./admission.js";
import { createAuthenticate, isBrowsed } from "./auth.js";
import { CodeValidator } from "./code-validation.js";
import { registerOpenapi } from "./openapi.js";
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
import { SlowBodies } from "./slow-bodies.js";
import { holdWhileUnread } from "./unread-answers.js";
import { writeAnswers } from "./written-answers.js";

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const PUBLIC_PATHS: ReadonlySet<string> = new Set(["/health"]);
/** A code byte takes up to six in JSON, and the other fields some. */
const BODY_BYTES_PER_CODE_BYTE = 6;
const BODY_BYTES_BASE = 65_536;
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How often slow and silent connections are looked for. */
const CONNECTIONS_CHECK_MS = 5000;
const CONNECTIONS_MAX = 4096;

export interface AppOptions {
  readonly config: Config;
  readonly sessions: SessionManager;
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
    bodyLimit: config.codeBytesMax * BODY_BYTES_PER_CODE_BYTE + BODY_BYTES_BASE,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // Node would answer a request without Host by itself, and not in the shape of every other error.
    http: {
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: 512 },
    // The sessions refuse new work by themselves, in the shape of every other error.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: (error, request, reply) => {
      sendError(toServiceError(error), request.id, reply as unknown as FastifyReply);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = CONNECTIONS_MAX;
  // Node would refuse these by itself as well; an expectation that nobody knows may be ignored.
  app.server.on("checkExpectation", app.routing);
  // Many clients name a content type also where they send nothing.
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.removeContentTypeParser(["application/json", "text/plain"]);
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else parseJson(request, body as string, done);
  });
  // `curl -d ""` sends nothing as well, and declares it as a form; a panic must not fail over that.
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => {
    if (body === "") done(null, undefined);
    else done(new ServiceError("UNSUPPORTED_MEDIA_TYPE"));
  });

  const authenticate = createAuthenticate({
    adminToken: options.adminToken,
    findKey: (hash) => keys.find(hash),
  });
  const slowBodies = new SlowBodies({
    timeoutMs: REQUEST_TIMEOUT_MS,
    checkEveryMs: CONNECTIONS_CHECK_MS,
    onSlow: (socket) => answerBrokenHttp(new Error("a body that does not come"), socket),
  });
  app.server.on("connection", (socket) => slowBodies.opened(socket));
  app.addHook("preClose", async () => slowBodies.stop());
  app.decorateRequest("principal");
  app.addHook("onRequest", (request, reply, done) => {
    slowBodies.watch(request.raw);
    if (lacksHost(request.raw)) {
      done(new ServiceError("INVALID_REQUEST", "The header Host is missing."));
      return;
    }
    try {
      if (!PUBLIC_PATHS.has(request.routeOptions.url ?? "")) {
        request.principal = authenticate(request);
      }
      done();
    } catch (error) {
      options.authFailures.note(request.ip);
      if (isBrowsed(request)) reply.header("www-authenticate", 'Basic realm="Glovebox token"');
      done(error as Error);
    }
  });
  app.addHook("preValidation", (request, _reply, done) => {
    // A path with half a character is refused where it is read, and not changed into another one.
    request.body = makeWhole(request.body, "path");
    done();
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (typeof payload === "string" || payload instanceof Buffer) {
      holdWhileUnread(reply, payload.length);
    }
    done(null, payload);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toServiceError(error);
    // Without a cause it is an answer like any other, such as that all places are taken.
    if (errorTable[known.code].status >= 500 && known.cause !== undefined) {
      request.log.error({ err: error, request_id: request.id }, known.code);
    }
    sendError(known, request.id, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0] ?? "";
    const methods = METHODS.filter((method) => app.findRoute({ method, url: path }));
    if (methods.length === 0) {
      sendError(new ServiceError("NOT_FOUND"), request.id, reply);
      return;
    }
    const allowed = methods.join(", ");
    reply.header("allow", allowed);
    const error = new ServiceError("METHOD_NOT_ALLOWED", `This route takes ${allowed}.`);
    sendError(error, request.id, reply);
  });

  const admission = new Admission(sessions, audit);
  // In a scope of its own, because the routes are read as they are registered.
  app.register(async (scope: App) => {
    // Set here and not above, because a scope with schemas of its own gets Fastify's validator again.
    // TypeBox's own neither coerces nor drops in a body: what does not fit is an error.
    scope.setValidatorCompiler(TypeBoxValidatorCompiler);
    writeAnswers(scope);
    await registerOpenapi(scope, options.version);
    const validator = new CodeValidator({ sessions, config, admission, audit, generator });
    registerExecute(scope, { sessions, config, admission, audit, validator });
    registerGenerate(scope, { sessions, config, admission, audit, generator });
    registerChat(scope, { sessions, config, admission, audit, generator, conversations });
    registerTools(scope, admission);
    registerSessions(scope, { sessions, config, admission });
    registerExecutions(scope, sessions, admission);
    registerFiles(scope, { sessions, config, admission, audit, slowBodies });
    registerWatch(scope, sessions, admission);
    registerInteract(scope, { sessions, config, admission });
    registerPackages(scope, { sessions, config, admission, audit });
    registerNotebook(scope, { sessions, config, admission, audit });
    registerKeys(scope, { keys, sessions, admission, audit });
    registerSecurity(scope, options.security, audit);
    registerOperate(scope, sessions, options.security, options.version);
  });
  return app;
}

/** HTTP/1.1 asks for the header, even where nobody needs it. */
function lacksHost({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.host === undefined && httpVersion === "1.1";
}

/** What the HTTP parser refuses never becomes a request; it still gets the one shape of errors. */
function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const message = tooLarge ? "The headers are too large." : "The request is not valid HTTP.";
  const body = JSON.stringify(toWireError(new ServiceError("INVALID_REQUEST", message), "none"));
  const status = tooLarge ? "431 Request Header Fields Too Large" : "400 Bad Request";
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function sendError(error: ServiceError, requestId: string, reply: FastifyReply): void {
  if (error.retryAfterMs !== undefined) {
    reply.header("retry-after", String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))));
  }
  // Of what the route has begun to answer, nothing is true of the error.
  for (const name of HEADERS_OF_CONTENT) reply.removeHeader(name);
  reply.status(errorTable[error.code].status).send(toWireError(error, requestId));
}

const HEADERS_OF_CONTENT = ["content-type", "content-length", "content-disposition", "etag"];

const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "REQUEST_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
};

/** Everything that is not ours and not the caller's fault becomes INTERNAL, without its message. */
function toServiceError(error: FastifyError | ServiceError): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error.validation) return new ServiceError("INVALID_REQUEST", describeValidation(error));
  if (error.code === "FST_ERR_BAD_URL") {
    const problem = "the address is not valid UTF-8, or has a % that stands for itself";
    return new ServiceError("INVALID_REQUEST", problem, { hint: "Write % as %25." });
  }
  const code = FASTIFY_CODES[error.code];
  if (code) return new ServiceError(code);
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new ServiceError("INVALID_REQUEST", error.message);
  }
  return new ServiceError("INTERNAL", undefined, { cause: error });
}

/** Names the field, as a caller would write it. */
function describeValidation(error: FastifyError): string {
  const [first] = error.validation ?? [];
  const where = error.validationContext ?? "body";
  if (!first) return `the ${where} is not valid`;
  const path = first.instancePath.replace(/^\//, "").replaceAll("/", ".");
  const params = first.params as {
    additionalProperties?: string[];
    requiredProperties?: string[];
    pattern?: string;
  };
  if (first.keyword === "additionalProperties" || first.keyword === "boolean") {
    const names = (params.additionalProperties ?? [path]).join(", ");
    return `unknown field in the ${where}: ${names}`;
  }
  if (first.keyword === "required") {
    return `missing in the ${where}: ${(params.requiredProperties ?? []).join(", ")}`;
  }
  if (first.keyword === "pattern" && path.endsWith("memory_limit")) {
    return `${path} must be a size such as "200m", "1.5g" or "256MiB", or a number of bytes`;
  }
  return `${path === "" ? `the ${where}` : path} ${first.message ?? "is not valid"}`;
}
