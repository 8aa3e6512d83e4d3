/**
 * One server with the suites' plain configuration for the files of a project that need nothing else.
 * It is started when the first of them asks for it, and stopped, with the proof that nothing of it
 * is left, when all tests have run.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { startServer, type TestServer } from "./server.ts";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<TestServer> | undefined;
  const broker = createServer(async (_, response) => {
    try {
      server ??= startServer();
      const { baseUrl, token } = await server;
      response.end(JSON.stringify({ baseUrl, token }));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await once(broker.listen(0, "127.0.0.1"), "listening");
  project.provide("sharedServer", `http://127.0.0.1:${(broker.address() as AddressInfo).port}`);
  return async () => {
    broker.close();
    try {
      await (await server)?.stop();
    } catch (error) {
      // Vitest prints what a teardown throws, and lets the run pass.
      process.exitCode = 1;
      throw error;
    }
  };
}
