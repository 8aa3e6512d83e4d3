/** Servers that a suite starts by itself, for suites in which each test needs one of its own. */
import { rmSync } from "node:fs";
import { afterEach } from "vitest";
import { type ServerOptions, startServer, type TestServer } from "./server.ts";

/** A startServer() whose servers are stopped, and whose state is removed, after each test. */
export function startServersPerTest(): (options?: ServerOptions) => Promise<TestServer> {
  const running: TestServer[] = [];
  afterEach(async () => {
    for (const server of running.splice(0)) {
      await server.end("SIGTERM");
      rmSync(server.stateDir, { recursive: true, force: true });
    }
  });
  return async (options = {}) => {
    const server = await startServer(options);
    running.push(server);
    return server;
  };
}
