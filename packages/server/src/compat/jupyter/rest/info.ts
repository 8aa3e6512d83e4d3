/** What a client asks before it does anything: what serves here, who it is, and which kernels there are. */

import { ServiceError } from "../../../errors.js";
import type { App, FacadeHost } from "../../host.js";
import type { Kernels } from "../kernels.js";
import { asked, PUBLIC } from "./route.js";
import { NameParams } from "./schemas.js";

/** Of Jupyter's server: what is offered here is what that version offers. */
const SERVER_VERSION = "2.14.0";
export const KERNEL_NAME = "python3";

const KERNELSPEC = {
  name: KERNEL_NAME,
  spec: {
    // Nobody starts it by this; clients want a list.
    argv: ["python3"],
    env: {},
    display_name: "Python 3 (Glovebox)",
    language: "python",
    interrupt_mode: "message",
    metadata: {},
  },
  resources: {},
};

export function registerInfo(app: App, base: string, host: FacadeHost, kernels: Kernels): void {
  const startedAt = new Date().toISOString();

  app.get(
    `${base}/api`,
    { ...asked("Which version of Jupyter's interface this is"), ...PUBLIC },
    async () => ({
      version: SERVER_VERSION,
    }),
  );

  app.get(`${base}/api/status`, asked("How much is under way"), async (_request, reply) => {
    const all = kernels.list(host.visitOf(reply));
    return {
      started: startedAt,
      last_activity:
        all
          .map(({ last_activity }) => last_activity)
          .sort()
          .at(-1) ?? startedAt,
      kernels: all.length,
      connections: all.reduce((sum, { connections }) => sum + connections, 0),
    };
  });

  app.get(`${base}/api/me`, asked("Whose token this is"), async ({ principal }) => {
    const { id, name } = principal;
    const initials = name.slice(0, 1).toUpperCase();
    const identity = {
      username: id,
      name,
      display_name: name,
      initials,
      avatar_url: null,
      color: null,
    };
    return { identity, permissions: {} };
  });

  app.get(`${base}/api/kernelspecs`, asked("The kernels that can be started"), async () => ({
    default: KERNEL_NAME,
    kernelspecs: { [KERNEL_NAME]: KERNELSPEC },
  }));

  app.get(
    `${base}/api/kernelspecs/:name`,
    asked("One kernel that can be started", { params: NameParams }),
    async ({ params }) => {
      refuseOtherKernels(params.name);
      return KERNELSPEC;
    },
  );

  app.get(`${base}/api/terminals`, asked("Terminals: there are none"), async () => []);
}

/** @throws ServiceError NOT_FOUND */
export function refuseOtherKernels(name: string | null | undefined): void {
  if (name === undefined || name === null || name === "" || name === KERNEL_NAME) return;
  throw new ServiceError("NOT_FOUND", `There is no kernel of this name; there is ${KERNEL_NAME}.`);
}
