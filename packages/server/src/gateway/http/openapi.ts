/**
 * The API's description, made from the schemas by which requests are checked, and a page that shows
 * it. The page needs the token, which a browser sends as the password it asks for, see auth.ts; the description needs none.
 */

import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifySchema } from "fastify";
import type { App } from "../app-type.js";
import { ErrorAnswer } from "../schemas/answers.js";
import { described, FilePath } from "../schemas/common.js";
import { Components } from "./components.js";
import { fixedAnswer } from "./fixed-answer.js";

const TAGS = [
  { name: "execute", description: "Run code." },
  { name: "sessions", description: "Sandboxes with a name, which keep their variables and files." },
  { name: "executions", description: "What runs, ran and waits in a session." },
  { name: "interact", description: "What an editor asks of a live session." },
  { name: "files", description: "Files of a session's /workspace." },
  { name: "generate", description: "From a question to a result, by a model." },
  {
    name: "chat",
    description: "Conversations in which a model works in a session, and tools for models.",
  },
  { name: "operate", description: "Health and status." },
  { name: "jupyter", description: "Jupyter's own interface, see docs/jupyter.md." },
  { name: "security", description: "Panic, resume, what runs, what protects. Admins only." },
  { name: "keys", description: "Keys for others. Admins only." },
] as const;

/** The scripts and styles are our own; the page brings its icons as data. */
const PAGE_POLICY = {
  "default-src": ["'none'"],
  "script-src": ["'self'"],
  "style-src": ["'self'", "'unsafe-inline'"],
  "img-src": ["'self'", "data:"],
  "connect-src": ["'self'"],
  "base-uri": ["'none'"],
  "form-action": ["'none'"],
  "frame-ancestors": ["'none'"],
};

/** Under these a browser may ask its user for the token. Nothing there changes anything. */
export const BROWSED_PATHS = ["/docs"] as const;

const ANY_ERROR = {
  description: "What went wrong, and what to do about it.",
  content: { "application/json": { schema: ErrorAnswer } },
};

/** The body of a route that reads it by itself, and so has no schema for it. */
const UPLOADS = {
  bytes: { consumes: ["application/octet-stream"], body: { type: "string", format: "binary" } },
  form: {
    consumes: ["multipart/form-data"],
    body: {
      title: "UploadForm",
      description: "Files, as a form of a web page sends them.",
      type: "object",
      properties: {
        file: {
          type: "array",
          items: { type: "string", format: "binary" },
          description: "Each part with a file name becomes a file of that name.",
        },
      },
    },
  },
} as const;

/** Carries a route's mark through the plugin, which keeps what is called so. */
const OPTIONAL = "x-optional-body";

declare module "fastify" {
  interface FastifyContextConfig {
    takes?: keyof typeof UPLOADS;
    /** Every field of the body is optional, and so is the body. */
    bodyIsOptional?: boolean;
  }
}

/** Routes that are registered after this, in the same scope, are described. */
export async function registerOpenapi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    hideUntagged: true,
    convertConstToEnum: false,
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Glovebox",
        description:
          "Runs untrusted Python in sandboxes of its own. To try a request on this page, press Authorize and paste the token.",
        version,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      // Of the host where the description was found, whatever it is called there.
      servers: [{ url: "/" }],
      tags: [...TAGS],
      components: {
        securitySchemes: {
          token: { type: "apiKey", in: "header", name: "X-Auth-Token" },
          api_key: { type: "apiKey", in: "header", name: "X-API-Key" },
          bearer: { type: "http", scheme: "bearer" },
        },
      },
      security: [{ token: [] }, { api_key: [] }, { bearer: [] }],
    },
    transform: ({ schema, url, route }) => ({
      schema: {
        ...nameWildcard(schema, url),
        ...(route.config?.takes ? UPLOADS[route.config.takes] : {}),
        response: { ...(schema?.response ?? {}), default: ANY_ERROR },
        ...(route.config?.bodyIsOptional ? { [OPTIONAL]: true } : {}),
      },
      url: url.replace("*", ":path"),
    }),
  });
  const description = fixedAnswer(() => describe(app.swagger() as Description));
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    uiHooks: {
      onRequest: (request, reply, next) => {
        // The page's own copy is written as seldom.
        if (request.routeOptions.url === "/docs/json") reply.send(description(reply));
        else next();
      },
    },
    staticCSP: PAGE_POLICY,
    uiConfig: { layout: "BaseLayout", deepLinking: true },
    theme: { title: "Glovebox API" },
  });
  app.get("/openapi.json", { schema: { hide: true } }, async (_request, reply) =>
    description(reply),
  );
}

interface DescribedOperation {
  requestBody?: { required?: boolean };
  [OPTIONAL]?: true;
}
interface Description {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components?: object;
}

/** What the plugin makes of the routes, with schemas by their names. */
function describe(made: Description): object {
  tellOptionalBodies(made);
  const components = new Components();
  const paths = components.describe(made.paths);
  return {
    ...made,
    paths,
    components: { ...made.components, schemas: components.schemas() },
  };
}

/** The plugin describes every body as required, and has no option that says otherwise. */
function tellOptionalBodies({ paths = {} }: Description): void {
  for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    if (operation[OPTIONAL] && operation.requestBody) operation.requestBody.required = false;
    delete operation[OPTIONAL];
  }
}

/** A route that ends with a wildcard is described as one with a last parameter, `path`. */
function nameWildcard(schema: FastifySchema | undefined, url: string): FastifySchema | undefined {
  if (!url.endsWith("*") || !schema?.params) return schema;
  const params = schema.params as { properties: object; required: string[] };
  const path = described(FilePath, "Relative to /workspace; may hold slashes.");
  return {
    ...schema,
    params: {
      type: "object",
      properties: { ...params.properties, path },
      required: [...params.required, "path"],
    },
  };
}
