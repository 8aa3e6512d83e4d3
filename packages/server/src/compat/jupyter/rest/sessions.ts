/** Jupyter's sessions: which notebook has which kernel. They are remembered as long as the kernel lives. */

import { randomUUID } from "node:crypto";
import type { Visit } from "../../../desk/visit.js";
import { ServiceError } from "../../../errors.js";
import type { App } from "../../host.js";
import type { KernelModel, Kernels } from "../kernels.js";
import { refuseOtherKernels } from "./info.js";
import { type KernelRoutes, startSession } from "./kernels.js";
import { asked } from "./route.js";
import { ChangeSessionBody, NewSessionBody, UuidParams } from "./schemas.js";

interface Binding {
  readonly id: string;
  path: string;
  name: string;
  type: string;
  kernelId: string;
}

interface Names {
  readonly path?: string | null;
  readonly name?: string | null;
  readonly type?: string | null;
}

/** Of one key. The oldest is forgotten first; its kernel is not. */
const BINDINGS_MAX = 1000;

export class Bindings {
  readonly #kernels: Kernels;
  readonly #byOwner = new Map<string, Map<string, Binding>>();

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** Those whose kernel lives, with the kernel. */
  list(visit: Visit): { binding: Binding; kernel: KernelModel }[] {
    const owned = this.#byOwner.get(visit.principal.id);
    if (!owned) return [];
    const living = new Map(this.#kernels.list(visit).map((kernel) => [kernel.id, kernel]));
    const found: { binding: Binding; kernel: KernelModel }[] = [];
    for (const binding of owned.values()) {
      const kernel = living.get(binding.kernelId);
      if (kernel) found.push({ binding, kernel });
      else owned.delete(binding.id);
    }
    if (owned.size === 0) this.#byOwner.delete(visit.principal.id);
    return found;
  }

  /** @throws ServiceError NOT_FOUND */
  get(visit: Visit, id: string): { binding: Binding; kernel: KernelModel } {
    const found = this.list(visit).find(({ binding }) => binding.id === id);
    if (found) return found;
    throw new ServiceError(
      "NOT_FOUND",
      "There is no session with this id, or its kernel has ended.",
    );
  }

  add({ principal }: Visit, names: Names & { readonly path: string }, kernelId: string): Binding {
    const { path, name, type } = names;
    const binding: Binding = {
      ...{ id: randomUUID(), path, kernelId },
      ...{ name: name ?? "", type: type ?? "notebook" },
    };
    const owned = this.#byOwner.get(principal.id) ?? new Map<string, Binding>();
    this.#byOwner.set(principal.id, owned.set(binding.id, binding));
    const [oldest] = owned.keys();
    if (owned.size > BINDINGS_MAX && oldest !== undefined) owned.delete(oldest);
    return binding;
  }
}

export function registerSessions(
  app: App,
  base: string,
  { host, kernels }: KernelRoutes,
  bindings: Bindings,
): void {
  const { visitOf } = host;
  const one = `${base}/api/sessions/:id`;
  const params = UuidParams;
  const modelOf = (visit: Visit, id: string) => toModel(bindings.get(visit, id));

  app.get(`${base}/api/sessions`, asked("Notebooks with their kernels"), async (_request, reply) =>
    bindings.list(visitOf(reply)).map(toModel),
  );

  app.post(
    `${base}/api/sessions`,
    asked("A kernel for a notebook: the one that it has, or a new one", { body: NewSessionBody }),
    async ({ body }, reply) => {
      const visit = visitOf(reply);
      const present = bindings.list(visit).find(({ binding }) => binding.path === body.path);
      if (present) return reply.status(201).send(toModel(present));
      const kernelId = await kernelFor(visit, body.kernel ?? {}, body.path);
      const { id } = bindings.add(visit, body, kernelId);
      return reply.status(201).send(modelOf(visit, id));
    },
  );

  app.get(one, asked("One notebook with its kernel", { params }), async ({ params }, reply) =>
    modelOf(visitOf(reply), params.id),
  );

  app.patch(
    one,
    asked("Another name, or another kernel", { params, body: ChangeSessionBody }),
    async ({ params, body }, reply) => {
      const visit = visitOf(reply);
      const { binding } = bindings.get(visit, params.id);
      if (body.kernel) binding.kernelId = await kernelFor(visit, body.kernel);
      binding.path = body.path ?? binding.path;
      binding.name = body.name ?? binding.name;
      binding.type = body.type ?? binding.type;
      return modelOf(visit, params.id);
    },
  );

  app.delete(one, asked("End the kernel of a notebook", { params }), async ({ params }, reply) => {
    const visit = visitOf(reply);
    const { binding } = bindings.get(visit, params.id);
    await kernels.end(visit, kernels.find(visit, binding.kernelId).id);
    return reply.status(204).send();
  });

  async function kernelFor(
    visit: Visit,
    { id, name }: { readonly id?: string | null; readonly name?: string | null },
    path = "",
  ): Promise<string> {
    if (id) return kernels.modelOf(visit, kernels.find(visit, id)).id;
    refuseOtherKernels(name);
    const folder = path.slice(0, path.indexOf("/"));
    const itsSession = host.desk.list(visit).find((session) => session.id === folder);
    if (itsSession) return kernels.modelOf(visit, itsSession).id;
    return kernels.modelOf(visit, await startSession(host, visit, undefined)).id;
  }
}

function toModel({ binding, kernel }: { binding: Binding; kernel: KernelModel }) {
  const { id, path, name, type } = binding;
  return { id, path, name, type, kernel, notebook: { path, name } };
}
