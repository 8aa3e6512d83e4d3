import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { FastifyRequest } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takeSmallPieces, watchPieces } from "../http/body-pieces.js";
import { receiveFile } from "./upload.js";

let server: Server;
let written: string[] = [];

beforeAll(async () => {
  server = createServer((raw, response) => {
    watchPieces(raw);
    takeSmallPieces(raw);
    const writer = { write: async (data: Buffer) => void written.push(data.toString()) };
    void receiveFile(
      { raw } as unknown as FastifyRequest,
      writer as unknown as Parameters<typeof receiveFile>[1],
      2 ** 20,
    ).then(() => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

/** In one write. Resolves when it was answered. */
async function put(chunks: string): Promise<void> {
  written = [];
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.write(`PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  await new Promise((resolve) => client.once("data", resolve));
  client.destroy();
}

test("what comes in crumbs is handed on in few pieces", async () => {
  const lines = Array.from({ length: 5000 }, (_, at) => `${at}\n`);
  await put(lines.map((line) => `${line.length.toString(16)}\r\n${line}\r\n`).join(""));
  expect(written.join("")).toBe(lines.join(""));
  expect(written.length).toBeLessThan(100);
});
