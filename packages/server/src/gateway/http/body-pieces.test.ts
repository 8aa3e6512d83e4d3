import { createServer, IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takeSmallPieces, watchPieces } from "./body-pieces.js";

let server: Server;
let request: IncomingMessage | undefined;
let client: Socket;
const CRUMB = "1\r\na\r\n";

beforeEach(async () => {
  request = undefined;
  server = createServer((given) => {
    watchPieces(given);
    if (given.url === "/file") takeSmallPieces(given);
    request = given.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  vi.restoreAllMocks();
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Resolves with what the server has of it. */
async function send(path: string, body: string): Promise<IncomingMessage> {
  client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => undefined);
  client.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
  return vi.waitFor(() => {
    if (!request) throw new Error("it has not come");
    return request;
  });
}

test("who sends crumbs that nobody asked for is cut off after some thousand, read or not", async () => {
  for (const reads of [true, false]) {
    request = undefined;
    const received = await send("/", CRUMB.repeat(500_000));
    if (reads) received.resume();
    await vi.waitFor(() => expect(received.socket.destroyed).toBe(true));
    expect(received.socket.bytesRead).toBeLessThan(200_000);
  }
});

test("a file in crumbs is taken whole, and little of it at a time", async () => {
  const crumbs = 50_000;
  const received = await send("/file", `${CRUMB.repeat(crumbs)}5\r\nlast.\r\n0\r\n\r\n`);
  await delay(100);
  // Nobody takes it, and so no more is read.
  expect(received.socket.bytesRead).toBeLessThan(200_000);
  let text = "";
  for await (const piece of received) text += piece;
  expect(text).toBe(`${"a".repeat(crumbs)}last.`);
  expect(received.complete).toBe(true);
});

test("larger pieces after small ones come as ever", async () => {
  const large = `10000\r\n${"b".repeat(65_536)}\r\n`;
  const received = await send("/file", `${CRUMB.repeat(2000)}${large.repeat(20)}0\r\n\r\n`);
  let length = 0;
  for await (const piece of received) length += (piece as Buffer).length;
  expect(length).toBe(2000 + 20 * 65_536);
});

test("a read of small pieces is handed on in a few, in their order and before what comes behind them", async () => {
  const pushed = vi.spyOn(IncomingMessage.prototype, "push");
  for (const path of ["/file", "/"]) {
    request = undefined;
    const crumbs = Array.from({ length: 5000 }, (_, at) => String(at % 10));
    const body = crumbs.map((crumb) => `1\r\n${crumb}\r\n`).join("");
    const large = "b".repeat(500_000);
    const received = await send(
      path,
      `${body}${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
    );
    let text = "";
    for await (const piece of received) text += piece;
    expect(text).toBe(crumbs.join("") + large);
  }
  expect(pushed.mock.calls.length).toBeLessThan(2 * 1500);
});

test("a client that goes in the middle leaves nobody waiting", async () => {
  const received = await send("/file", CRUMB.repeat(50_000));
  const read = received.toArray();
  read.catch(() => undefined);
  await delay(20);
  client.destroy();
  await expect(read).rejects.toThrow("aborted");
});
