import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { FastifyReply } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServiceError } from "../../errors.js";
import { refuse } from "./refusal.js";

const MIB = 2 ** 20;
const requests: IncomingMessage[] = [];
let server: Server;

beforeAll(async () => {
  server = createServer((request, raw) => {
    requests.push(request);
    const reply = { raw, request: { raw: request, id: "r", method: "POST" } };
    const faked = { ...reply, getHeaders: () => ({}), hijack: () => undefined };
    void refuse(faked as unknown as FastifyReply, new ServiceError("REQUEST_TOO_LARGE"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

test("what still comes of many refused bodies is taken slowly, and each client can read why", async () => {
  const length = 16 * MIB;
  const body = Buffer.alloc(length, 0x20);
  const { port } = server.address() as AddressInfo;
  const startedAt = performance.now();
  const clients = Array.from({ length: 20 }, () => {
    const client = connect(port, "127.0.0.1").on("error", () => undefined);
    client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
    client.write(body);
    return client;
  });
  const answers = await Promise.all(
    clients.map(
      (client) =>
        new Promise<string>((resolve) => client.once("data", (bytes) => resolve(String(bytes)))),
    ),
  );
  expect(answers.filter((answer) => answer.includes("REQUEST_TOO_LARGE"))).toHaveLength(20);
  await delay(400);
  const taken = requests.reduce((sum, { socket }) => sum + socket.bytesRead, 0);
  const allowed = 8 + 0.064 * (performance.now() - startedAt);
  // Of each connection a read or two is under way.
  expect(taken / MIB).toBeLessThan(allowed + 20);
  expect(taken / MIB).toBeGreaterThan(8);
  for (const client of clients) client.destroy();
});
