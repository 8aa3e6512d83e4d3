import { join } from "node:path";
import { Child, freePort } from "./child.js";
import { ExecuteSession } from "./glovebox-system.js";
import { ConnectionStock, encodeRequest } from "./http-connection.js";
import { repositoryRoot } from "./repository.js";
import type { Session, System } from "./system.js";

/** The bare Fastify route of bare-server.ts. It runs nothing, so only the load test applies to it. */
export class BareSystem implements System {
  readonly name = "bare_fastify";
  readonly #child: Child;
  readonly #connections: ConnectionStock;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.#connections = new ConnectionStock(port);
  }

  static async start(
    directory: string,
    adopt: (stop: () => Promise<void>) => void,
  ): Promise<BareSystem> {
    const port = await freePort();
    const child = new Child("The bare Fastify route", {
      command: process.execPath,
      args: ["--import", "tsx", join(repositoryRoot, "bench/bare-server.ts")],
      // The loader is looked up from the working directory.
      cwd: repositoryRoot,
      logFile: join(directory, "bare.log"),
      env: { ...process.env, PORT: String(port) },
    });
    adopt(() => child.stop());
    const system = new BareSystem(child, port);
    const health = encodeRequest("GET", "/health", {});
    await child.waitUntil(
      async () => (await system.#connections.request(health)).status === 200,
      20_000,
    );
    return system;
  }

  async newSession(): Promise<Session> {
    const connection = await this.#connections.take();
    // The same header as Glovebox gets, so that the requests have the same size.
    const headers = { "x-auth-token": "0".repeat(48) };
    return new ExecuteSession("bench-00000000-00", connection, headers, async () =>
      this.#connections.giveBack(connection),
    );
  }

  async settle(): Promise<void> {}

  sessionPids(): Set<number> {
    return new Set();
  }

  stop(): Promise<void> {
    this.#connections.closeAll();
    return this.#child.stop();
  }
}
