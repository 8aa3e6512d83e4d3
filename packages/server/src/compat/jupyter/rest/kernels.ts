/** Kernels as resources, and the way to a WebSocket of one. */

import { randomUUID } from "node:crypto";
import type { Visit } from "../../../desk/visit.js";
import { ServiceError } from "../../../errors.js";
import type { SessionInfo } from "../../../sessions/interface.js";
import type { App, FacadeHost } from "../../host.js";
import type { ChannelServer } from "../channels/open-channels.js";
import { interrupt } from "../kernel/control.js";
import { isUuid } from "../kernel-ids.js";
import type { Kernels } from "../kernels.js";
import { refuseOtherKernels } from "./info.js";
import { asked, OPTIONAL_BODY } from "./route.js";
import { ChannelsQuery, KernelBody, UuidParams } from "./schemas.js";

export interface KernelRoutes {
  readonly host: FacadeHost;
  readonly kernels: Kernels;
  readonly channels: ChannelServer;
}

export function registerKernels(app: App, base: string, routes: KernelRoutes): void {
  const { host, kernels, channels } = routes;
  const { desk, visitOf } = host;
  const one = `${base}/api/kernels/:id`;
  const params = UuidParams;

  app.get(`${base}/api/kernels`, asked("One's own kernels"), async (_request, reply) =>
    kernels.list(visitOf(reply)),
  );

  app.post(
    `${base}/api/kernels`,
    { ...asked("Start a kernel", { body: KernelBody }), ...OPTIONAL_BODY },
    async ({ body }, reply) => {
      refuseOtherKernels(body.name);
      const visit = visitOf(reply);
      const model = kernels.modelOf(visit, await startSession(host, visit, body.kernel_id));
      reply.header("location", `${base}/api/kernels/${model.id}`);
      return reply.status(201).send(model);
    },
  );

  app.get(one, asked("One kernel", { params }), async ({ params }, reply) => {
    const visit = visitOf(reply);
    return kernels.modelOf(visit, kernels.find(visit, params.id));
  });

  app.delete(one, asked("End a kernel", { params }), async ({ params }, reply) => {
    const visit = visitOf(reply);
    await kernels.end(visit, kernels.find(visit, params.id).id);
    return reply.status(204).send();
  });

  app.post(
    `${one}/interrupt`,
    { ...OPTIONAL_BODY, ...asked("KeyboardInterrupt in what runs", { params }) },
    async ({ params }, reply) => {
      const visit = visitOf(reply);
      interrupt({ desk, sessionId: kernels.find(visit, params.id).id }, visit);
      return reply.status(204).send();
    },
  );

  app.post(
    `${one}/restart`,
    { ...OPTIONAL_BODY, ...asked("A fresh interpreter under the same id", { params }) },
    async ({ params }, reply) => {
      const visit = visitOf(reply);
      const { id } = kernels.find(visit, params.id);
      await kernels.restart(visit, id);
      return kernels.modelOf(visit, desk.session(visit, id).describe());
    },
  );

  app.get(
    `${one}/channels`,
    {
      // A HEAD would ask for a WebSocket as well.
      exposeHeadRoute: false,
      ...asked("A WebSocket to a kernel", { params, querystring: ChannelsQuery }),
    },
    async (request, reply) => {
      channels.open(request, reply, request.params.id, request.query.session_id || undefined);
      return reply;
    },
  );
}

/** With a sandbox that is ready. @throws ServiceError INVALID_REQUEST and as Desk.create */
export function startSession(
  { desk }: Pick<FacadeHost, "desk">,
  visit: Visit,
  wanted: string | null | undefined,
): Promise<SessionInfo> {
  const id = wanted ?? randomUUID();
  if (!isUuid(id)) throw new ServiceError("INVALID_REQUEST", "kernel_id must be a UUID");
  const nothing = { limits: {}, ttl: undefined, mounts: undefined, packages: undefined };
  return desk.create(visit, { id, ...nothing });
}
