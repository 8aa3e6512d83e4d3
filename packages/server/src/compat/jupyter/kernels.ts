/** The kernels that somebody is connected to, and every session as a kernel. */

import type { Desk } from "../../desk/desk.js";
import type { Visit } from "../../desk/visit.js";
import { ServiceError } from "../../errors.js";
import type { SessionInfo } from "../../sessions/interface.js";
import { CLOSE } from "./channels/connection.js";
import { resetKeepingFiles } from "./kept-files.js";
import { Kernel } from "./kernel/kernel.js";
import { kernelIdOf } from "./kernel-ids.js";

/** How soon clients learn that a session has ended by another door, or by its time. */
const LOOK_EVERY_MS = 1000;
/** So near its end a session that somebody is connected to has its time anew. */
const NEAR_END_MS = 5 * LOOK_EVERY_MS;

export interface KernelModel {
  readonly id: string;
  readonly name: "python3";
  readonly last_activity: string;
  readonly execution_state: "starting" | "idle" | "busy";
  readonly connections: number;
}

export class Kernels {
  readonly #desk: Desk;
  readonly #onFault: (error: unknown) => void;
  readonly #kernels = new Map<string, Kernel>();
  readonly #timer: NodeJS.Timeout;

  constructor(desk: Desk, onFault: (error: unknown) => void) {
    this.#desk = desk;
    this.#onFault = onFault;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  list(visit: Visit): KernelModel[] {
    return this.#desk.list(visit).map((session) => this.modelOf(visit, session));
  }

  /** The session that this kernel is. @throws ServiceError SESSION_NOT_FOUND */
  find(visit: Visit, kernelId: string): SessionInfo {
    const found = this.#desk.list(visit).find(({ id }) => kernelIdOf(id) === kernelId);
    if (found) return found;
    throw new ServiceError("SESSION_NOT_FOUND", "There is no kernel with this id.");
  }

  modelOf(visit: Visit, session: SessionInfo): KernelModel {
    const { id, state, lastUsedAt } = session;
    return {
      id: kernelIdOf(id),
      name: "python3",
      last_activity: new Date(lastUsedAt).toISOString(),
      execution_state: state === "new" ? "starting" : state,
      connections: this.connected(visit, id)?.connections ?? 0,
    };
  }

  /** The kernel that a session has while somebody is connected. */
  connected({ principal }: Visit, sessionId: string): Kernel | undefined {
    return this.#kernels.get(keyOf(principal.id, sessionId));
  }

  /** The same, to connect to. */
  open(visit: Visit, sessionId: string): Kernel {
    const present = this.connected(visit, sessionId);
    if (present) return present;
    const key = keyOf(visit.principal.id, sessionId);
    const kernel = new Kernel({
      ...{ desk: this.#desk, sessionId, onFault: this.#onFault },
      onUnused: (unused) => {
        if (this.#kernels.get(key) === unused) this.#kernels.delete(key);
      },
    });
    this.#kernels.set(key, kernel);
    return kernel;
  }

  /** Resolves when its processes are gone. @throws ServiceError SESSION_NOT_FOUND */
  async end(visit: Visit, sessionId: string): Promise<void> {
    await this.#desk.session(visit, sessionId).end("its kernel was deleted");
    await this.connected(visit, sessionId)?.died();
  }

  /** A fresh interpreter under the same id, with the files. @throws as resetKeepingFiles */
  async restart(visit: Visit, sessionId: string): Promise<void> {
    const kernel = this.connected(visit, sessionId);
    if (kernel) await kernel.restart(visit);
    else await resetKeepingFiles(this.#desk, visit, sessionId);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const kernel of this.#kernels.values()) {
      kernel.close(CLOSE.goingAway, "the server is stopping");
    }
  }

  /** A kernel lives as long as somebody is connected to it, and nobody is to a session that has ended. */
  #look(): void {
    for (const kernel of [...this.#kernels.values()]) {
      const visit = kernel.anyVisit;
      if (!visit) continue;
      try {
        const session = this.#desk.session(visit, kernel.sessionId);
        const { expiresAt } = session.describe();
        if (expiresAt !== null && expiresAt - Date.now() < NEAR_END_MS)
          session.keepAlive(undefined);
      } catch {
        kernel.died().catch(this.#onFault);
      }
    }
  }
}

function keyOf(owner: string, sessionId: string): string {
  return `${owner} ${sessionId}`;
}
