import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SlowBodies } from "./slow-bodies.js";

let server: Server;
let slowBodies: SlowBodies;
let ended: Socket[];
const requests: IncomingMessage[] = [];
const clients: Socket[] = [];

beforeEach(async () => {
  ended = [];
  slowBodies = new SlowBodies({
    timeoutMs: 100,
    checkEveryMs: 10,
    onSlow: (socket) => {
      ended.push(socket);
      socket.destroy();
    },
  });
  server = createServer((request, response) => {
    slowBodies.watch(request);
    if (request.url === "/upload") slowBodies.exempt(request);
    requests.push(request);
    request.resume().on("end", () => response.end("whole"));
    request.on("error", () => undefined);
  });
  server.on("connection", (socket) => slowBodies.opened(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  slowBodies.stop();
  for (const client of clients.splice(0)) client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function send(text: string): Promise<Socket> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const client = connect(port, "127.0.0.1", () => {
      client.write(text);
      resolve(client);
    });
    client.on("error", () => undefined);
    clients.push(client);
  });
}

const post = (path: string) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf`;
const closed = (client: Socket) => new Promise((resolve) => client.once("close", resolve));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("a body that does not come ends its connection", async () => {
  await closed(await send(post("/")));
  expect(ended).toHaveLength(1);
});

test("a body that came, and a connection that rests after it, are left alone", async () => {
  const client = await send(`${post("/")}whole!`);
  await new Promise((resolve) => client.once("data", resolve));
  await pause(250);
  expect(client.destroyed).toBe(false);
  expect(ended).toEqual([]);
});

test("who reads a body by a limit of its own is spared", async () => {
  const client = await send(post("/upload"));
  await pause(250);
  expect(client.destroyed).toBe(false);
  expect(ended).toEqual([]);
});

test("at the end connections on which nothing has come are closed, and no others", async () => {
  const unused = await send("");
  const used = await send(`${post("/")}whole!`);
  await new Promise((resolve) => used.once("data", resolve));
  await vi.waitFor(async () => {
    const count = await new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
    expect(count).toBe(2);
  });
  const gone = closed(unused);
  slowBodies.stop();
  await gone;
  expect(used.destroyed).toBe(false);
});
