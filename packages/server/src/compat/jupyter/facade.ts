/**
 * Jupyter's server interface in front of the sessions: REST, and kernels' channels as WebSockets. It translates and owns
 * nothing but who is connected to what.
 */

import type { App, FacadeHost } from "../host.js";
import { ChannelServer } from "./channels/open-channels.js";
import { ContentStore } from "./contents/store.js";
import { Kernels } from "./kernels.js";
import { registerContents } from "./rest/contents.js";
import { registerInfo } from "./rest/info.js";
import { registerKernels } from "./rest/kernels.js";
import { Bindings, registerSessions } from "./rest/sessions.js";

/** Under the root, where most clients look, and beside everything else. */
const BASES = ["", "/jupyter"] as const;

export function registerJupyter(app: App, host: FacadeHost): void {
  const kernels = new Kernels(host.desk, (error) =>
    app.log.error({ err: error }, "a message of a Jupyter client could not be answered"),
  );
  const routes = { host, kernels, channels: new ChannelServer(host, kernels) };
  const bindings = new Bindings(kernels);
  const contents = new ContentStore(host.desk);
  app.addHook("preClose", async () => kernels.stop());
  app.addHook("preSerialization", async (_request, reply, payload) =>
    reply.statusCode < 400 ? payload : withMessage(payload),
  );
  for (const base of BASES) {
    registerInfo(app, base, host, kernels);
    registerKernels(app, base, routes);
    registerSessions(app, base, routes, bindings);
    registerContents(app, base, host, contents);
  }
}

/** Errors have the shape of all others, and what Jupyter's clients look for. */
function withMessage(payload: unknown): unknown {
  const { error } = (payload ?? {}) as { readonly error?: { readonly message?: string } };
  return error ? { ...(payload as object), message: error.message, reason: null } : payload;
}
