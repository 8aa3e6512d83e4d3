import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connections } from "./connections.js";

let server: Server;
let connections: Connections;
let served: { request: IncomingMessage; response: ServerResponse }[];
const clients: Socket[] = [];
const PLACES = 16;

beforeEach(async () => {
  served = [];
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    served.push({ request, response });
    if (request.headers["x-token"]) connections.belongsTo(request.socket, "somebody");
    request.resume().on("error", () => undefined);
    if (request.url === "/now") response.end("now");
  };
  server = createServer(serve);
  connections = new Connections(server, serve, PLACES, 200);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function open(text = ""): Promise<Socket & { got: string }> {
  const { port } = server.address() as AddressInfo;
  const client = Object.assign(connect(port, "127.0.0.1"), { got: "" });
  clients.push(client);
  client.on("data", (chunk) => (client.got += chunk)).on("error", () => undefined);
  await new Promise<void>((resolve) => client.once("connect", resolve));
  client.write(text);
  return client;
}

const get = (path: string, headers = "") => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const post = (body: string, headers = `Content-Length: ${body.length}\r\n`) =>
  `POST /later HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`;
const closed = (client: Socket) => new Promise((resolve) => client.once("close", resolve));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const paths = () => served.map(({ request }) => request.url);

test("what was sent ahead is served one by one, in its order", async () => {
  const client = await open(get("/1") + post("body") + get("/3"));
  await vi.waitFor(() => expect(served).toHaveLength(1));
  await pause(50);
  expect(paths()).toEqual(["/1"]);
  served[0]?.response.end("first");
  await vi.waitFor(() => expect(served).toHaveLength(2));
  expect(served[1]?.response.socket).not.toBeNull();
  served[1]?.response.end("second");
  await vi.waitFor(() => expect(served).toHaveLength(3));
  served[2]?.response.end("third");
  await vi.waitFor(() => expect(client.got).toMatch(/first.*second.*third$/s));
});

test("many that are answered at once are all answered", async () => {
  const client = await open(get("/now").repeat(60));
  await vi.waitFor(() => expect(client.got.match(/HTTP\/1.1 200/g)).toHaveLength(60));
});

test("a client that goes is told to the one that is served; the others never begin", async () => {
  const client = await open(get("/1") + post("x") + get("/3").repeat(30));
  await vi.waitFor(() => expect(served).toHaveLength(1));
  const gone = new Promise((resolve) => served[0]?.response.once("close", resolve));
  await pause(20);
  client.destroy();
  await gone;
  await pause(20);
  expect(paths()).toEqual(["/1"]);
});

test("more than may wait ends the connection and nothing else of it begins", async () => {
  const client = await open(get("/1") + get("/more").repeat(400));
  await closed(client);
  expect(paths()).toEqual(["/1"]);
  expect(served[0]?.response.destroyed).toBe(true);
});

test("of a thousand more in the same write none is read", async () => {
  const read = vi.fn();
  server.on("request", read);
  const client = await open("GET /later HTTP/1.1\r\nHost:\r\n\r\n".repeat(1500));
  await closed(client);
  expect(served).toHaveLength(1);
  expect(read.mock.calls.length).toBeLessThan(100);
});

test("what was sent ahead takes a turn of the event loop each", async () => {
  const turns: number[] = [];
  let turn = 0;
  const count = () => {
    turn++;
    if (turns.length < 40) setImmediate(count);
  };
  server.prependListener("request", (_request, response) => {
    if (turn === 0) count();
    response.once("finish", () => turns.push(turn));
  });
  const clients = [await open(get("/now").repeat(20)), await open(get("/now").repeat(20))];
  await vi.waitFor(() => expect(turns).toHaveLength(40));
  expect(new Set(turns).size).toBeGreaterThan(35);
  await vi.waitFor(() =>
    expect(clients.map(({ got }) => got.match(/now/g)?.length)).toEqual([20, 20]),
  );
});

test("headers that fill more than may wait end the connection", async () => {
  const client = await open(get("/1"));
  await vi.waitFor(() => expect(served).toHaveLength(1));
  for (let count = 0; count < 40 && !client.destroyed; count++) {
    client.write(get("/more", `X-Long: ${"x".repeat(12_000)}\r\n`));
    await pause(1);
  }
  await vi.waitFor(() => expect(client.destroyed).toBe(true));
  expect(paths()).toEqual(["/1"]);
});

test.each([
  ["a length", "Content-Length: 100000\r\n", "x".repeat(70_000)],
  ["chunks", "Transfer-Encoding: chunked\r\n", `11170\r\n${"x".repeat(70_000)}`],
])("behind a body by %s nobody is out of sight for long", async (_, headers, body) => {
  const client = await open(get("/1") + post(body, headers));
  await vi.waitFor(() => expect(served).toHaveLength(1));
  const gone = new Promise((resolve) => served[0]?.response.once("close", resolve));
  client.destroy();
  await gone;
  expect(paths()).toEqual(["/1"]);
});

test("a large body that comes just before the answer is out is served", async () => {
  const client = await open(get("/1") + post("x".repeat(300_000)));
  await pause(100);
  served[0]?.response.end("first");
  await vi.waitFor(() => expect(served).toHaveLength(2));
  await vi.waitFor(() => expect(served[1]?.request.complete).toBe(true));
  served[1]?.response.end("second");
  await vi.waitFor(() => expect(client.got).toMatch(/second$/));
});

test("HEAD, expectations and an upgrade wait as well", async () => {
  const head = get("/head").replace("GET", "HEAD");
  const odd = get("/odd", "Expect: nothing\r\n");
  const upgrade = get("/upgrade", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  const expecting = post("", "Expect: 100-continue\r\nContent-Length: 4\r\n");
  const client = await open(head + odd + expecting);
  for (let count = 1; count <= 4; count++) {
    await vi.waitFor(() => expect(served).toHaveLength(count));
    await pause(10);
    expect(served).toHaveLength(count);
    if (count === 3) client.write(`body${upgrade}`);
    served[count - 1]?.response.end("answer");
  }
  expect(paths()).toEqual(["/head", "/odd", "/later", "/upgrade"]);
  await vi.waitFor(() => expect(client.got).toContain("100 Continue"));
});

test("after an answer that closes the connection nothing that was sent ahead begins", async () => {
  const client = await open(get("/1") + get("/2"));
  await vi.waitFor(() => expect(served).toHaveLength(1));
  const end = closed(client);
  served[0]?.response.setHeader("connection", "close").end("last");
  await end;
  expect(client.got).toMatch(/last$/);
  expect(paths()).toEqual(["/1"]);
});

test("whether an answer is under way is known", async () => {
  await open(get("/1"));
  await vi.waitFor(() => expect(served[0]?.request.complete).toBe(true));
  const { socket } = served.at(0)?.request ?? {};
  if (socket === undefined) throw new Error("nothing was served");
  expect(connections.isAnswering(socket)).toBe(true);
  served[0]?.response.end();
  await vi.waitFor(() => expect(connections.isAnswering(socket)).toBe(false));
  await open(post("ha", "Content-Length: 4\r\n"));
  await vi.waitFor(() => expect(served).toHaveLength(2));
  const half = served[1]?.request as IncomingMessage;
  expect(connections.isAnswering(half.socket)).toBe(false);
});

test("when nearly all places are taken, who never showed a token gives way", async () => {
  const known = await open(get("/now", "X-Token: 1\r\n"));
  await vi.waitFor(() => expect(known.got).not.toBe(""));
  const strangers: Socket[] = [];
  for (let count = 0; count < 3 * PLACES; count++) strangers.push(await open());
  const late = await open(get("/now"));
  await vi.waitFor(() => expect(late.got).not.toBe(""));
  expect(known.destroyed).toBe(false);
  expect(strangers[0]?.destroyed).toBe(true);
});

test("and then an idle one of whoever has most, but nobody who is served", async () => {
  const busy = await open(get("/1", "X-Token: 1\r\n"));
  await vi.waitFor(() => expect(served).toHaveLength(1));
  for (let count = 0; count < 2 * PLACES; count++) {
    const client = await open(get("/now", "X-Token: 1\r\n"));
    await new Promise((resolve) => client.once("data", resolve));
  }
  expect(busy.destroyed).toBe(false);
  expect(clients[1]?.destroyed).toBe(true);
});
