/** Connections without an HTTP client, on which an attack can send what it likes. */
import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import type { TestServer } from "../support/server.ts";

export function open(server: TestServer): Promise<Socket> {
  const { hostname, port } = new URL(server.baseUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.once("error", reject);
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function expectHealthy(server: TestServer): Promise<void> {
  const start = performance.now();
  const { status } = await server.request("/health");
  expect(status).toBe(200);
  expect(performance.now() - start).toBeLessThan(1_500);
}
