import { type AddressInfo, connect, type Socket } from "node:net";
import fastify, { type FastifyError, type FastifyRequest } from "fastify";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { BUILT_IN_ADMIN } from "../../access/principal.js";
import type { App } from "../app-type.js";
import { BodyBudget } from "./body-budget.js";
import { onClientGone } from "./client-gone.js";
import { Connections } from "./connections.js";
import { sendError, toServiceError } from "./errors.js";
import { dropUnaskedBody, readJsonBodies } from "./json-bodies.js";

const MEBIBYTE = 2 ** 20;
const budget = new BodyBudget({ ownerBytesMax: MEBIBYTE, bytesMax: 2 * MEBIBYTE });
const kept = new BodyBudget({ ownerBytesMax: MEBIBYTE, bytesMax: 2 * MEBIBYTE });
const gone = vi.fn();
const worked = vi.fn();
let app: App;
let clients: Client[] = [];

type Client = Socket & { got: string };

beforeAll(async () => {
  app = fastify({ bodyLimit: 1000 }) as unknown as App;
  new Connections(app.server, app.routing, 100);
  readJsonBodies(app, budget, kept);
  app.decorateRequest("principal");
  app.addHook("onRequest", async (request) => {
    dropUnaskedBody(request);
    request.principal = { ...BUILT_IN_ADMIN, id: String(request.headers["x-api-key"]) };
  });
  app.setErrorHandler((error: FastifyError, request, reply) =>
    sendError(toServiceError(error), request, reply),
  );
  app.post("/small", async ({ body }) => ({ body: body ?? "none" }));
  const large = { bodyLimit: MEBIBYTE };
  app.post("/large", large, async ({ body }) => ({ body: typeof body }));
  app.post("/rich", { ...large, config: { body: { valuesMax: 500_000 } } }, async () => "rich");
  const leaving = async ({ raw }: FastifyRequest) => {
    raw.socket.destroy();
    await new Promise((resolve) => raw.socket.once("close", resolve));
  };
  app.post("/left", { ...large, preValidation: leaving }, async () => worked());
  app.post("/long", large, async () => new Promise(() => undefined));
  app.get("/wait", async (_request, reply) => {
    onClientGone(reply, gone);
    await new Promise(() => undefined);
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  await vi.waitFor(() => expect(budget.bytes + kept.bytes).toBe(0));
});
afterAll(() => app.close());

async function send(head: string, body: string | Buffer = "", key = "a"): Promise<Client> {
  const { port } = app.server.address() as AddressInfo;
  const client: Client = Object.assign(connect(port, "127.0.0.1"), { got: "" });
  clients.push(client);
  client.on("data", (chunk) => (client.got += chunk)).on("error", () => undefined);
  client.write(`${head}\r\nHost: x\r\nX-API-Key: ${key}\r\n\r\n`);
  client.write(body);
  return client;
}

const json = "HTTP/1.1\r\nContent-Type: application/json\r\n";
const post = (path: string, length: number) => `POST ${path} ${json}Content-Length: ${length}`;
const chunked = (path: string) => `POST ${path} ${json}Transfer-Encoding: chunked`;
const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${" ".repeat(bytes)}\r\n`;
const answered = (client: Client, told: RegExp) =>
  vi.waitFor(() => expect(client.got).toMatch(told), { interval: 5 });

test("a whole body is parsed, and no body is none", async () => {
  await answered(await send(post("/small", 7), '{"a":1}'), /200 OK.*\{"body":\{"a":1\}\}$/s);
  await answered(await send(post("/small", 0)), /200 OK.*\{"body":"none"\}$/s);
  await answered(await send(post("/small", 4), '{"a"'), /400 .*INVALID_REQUEST/s);
});

test("a body beyond the bound of its route is refused before it comes", async () => {
  await answered(await send(post("/small", 1001), "{"), /413 .*REQUEST_TOO_LARGE/s);
  const late = await send(chunked("/small"), chunk(600));
  late.write(chunk(600));
  await answered(late, /413 .*REQUEST_TOO_LARGE/s);
});

test("who is refused while it sends can read why, and then the connection closes", async () => {
  const client = await send(post("/large", 5 * MEBIBYTE), Buffer.alloc(3 * MEBIBYTE));
  const end = new Promise((resolve) => client.once("close", resolve));
  await answered(client, /413 .*connection: close.*REQUEST_TOO_LARGE/is);
  client.write(Buffer.alloc(2 * MEBIBYTE));
  await end;
});

test("what a key has under way is bounded by what it announces; other keys have their own", async () => {
  const first = await send(post("/large", 600_000), "{");
  await vi.waitFor(() => expect(budget.bytes).toBe(600_000));
  await answered(
    await send(post("/large", 600_000), "{"),
    /429 .*retry-after: 1.*TOO_MANY_BODIES/is,
  );
  await send(post("/large", 600_000), "{", "b");
  await vi.waitFor(() => expect(budget.bytes).toBe(1_200_000));
  first.destroy();
  await vi.waitFor(() => expect(budget.bytes).toBe(600_000));
  const whole = await send(post("/large", 600_000), `"${"x".repeat(599_998)}"`);
  await answered(whole, /200 OK.*string/s);
});

test("what comes in chunks counts as it comes", async () => {
  await send(chunked("/large"), chunk(600_000));
  await vi.waitFor(() => expect(budget.bytes).toBe(600_000));
  await answered(await send(chunked("/large"), chunk(600_000)), /429 .*TOO_MANY_BODIES/s);
});

test("a body in pieces is whole in the end, and dust is refused", async () => {
  const text = JSON.stringify("0123456789".repeat(30_000));
  const halves = text.replaceAll(
    /.{1,5000}/g,
    (part) => `${part.length.toString(16)}\r\n${part}\r\n`,
  );
  await answered(await send(chunked("/large"), `${halves}0\r\n\r\n`), /200 OK.*string/s);
  const dust = await send(chunked("/large"), `1\r\n \r\n`.repeat(5000));
  await answered(dust, /400 .*too many pieces/s);
});

test("a body that was given up for others is answered and holds nothing", async () => {
  const given = await send(post("/large", 900_000), "{", "greedy");
  await vi.waitFor(() => expect(budget.bytes).toBe(900_000));
  for (const key of ["b", "c"]) await send(post("/large", 800_000), "{", key);
  await answered(given, /429 .*TOO_MANY_BODIES/s);
  expect(budget.bytes).toBe(1_600_000);
});

test.each([
  ["levels", "[".repeat(1_000_000), /nests too deep/],
  ["numbers", `[${"1,".repeat(500_000)}1]`, /too many values/],
  ["fields", `{${Array.from({ length: 50_000 }, (_, i) => `"f${i}":1`).join()}}`, /too many/],
  ["strings", `[${'"",'.repeat(300_000)}1]`, /too many values/],
])("too many %s are refused before the parse", async (_, body, told) => {
  const client = await send(post("/large", body.length), body);
  await answered(client, /400 Bad Request/);
  expect(client.got).toMatch(told);
});

test("a route may take more values", async () => {
  const body = `[${"1,".repeat(100_000)}1]`;
  await answered(await send(post("/large", body.length), body), /400 Bad/);
  await answered(await send(post("/rich", body.length), body), /200 OK/);
});

test("of what is not JSON no byte is waited for", async () => {
  const form = "POST /large HTTP/1.1\r\nContent-Type: x/form\r\nContent-Length: ";
  await answered(await send(`${form}900000`, "a=b"), /415 .*UNSUPPORTED_MEDIA_TYPE/s);
  await answered(await send(`${form}0`), /200 OK/);
  expect(budget.bytes).toBe(0);
});

test("a route that is not there reads nothing", async () => {
  await answered(await send(post("/nowhere", 900_000), "{"), /404 /);
  expect(budget.bytes).toBe(0);
});

test("a small body that is refused leaves the connection as it was", async () => {
  const client = await send(post("/nowhere", 10), "0123456789");
  await answered(client, /404 /);
  client.write(`${post("/small", 1)}\r\nHost: x\r\n\r\n1`);
  await answered(client, /404 .*200 OK/s);
});

test("behind a body that nobody asked for a client is seen to go", async () => {
  gone.mockClear();
  const client = await send("GET /wait HTTP/1.1\r\nContent-Length: 500000", Buffer.alloc(300_000));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(gone).not.toHaveBeenCalled();
  client.destroy();
  await vi.waitFor(() => expect(gone).toHaveBeenCalledOnce());
});

test("large bodies count until their requests are over, and are refused before they pile up", async () => {
  const body = JSON.stringify("x".repeat(400_000));
  for (let one = 1; one <= 2; one++) {
    await send(post("/long", body.length), body);
    await vi.waitFor(() => expect(kept.bytes).toBe(one * body.length));
  }
  const third = await send(post("/long", body.length), body);
  await vi.waitFor(() => expect(third.got).toContain("TOO_MANY_BODIES"));
  const others = await send(post("/large", body.length), body, "b");
  await vi.waitFor(() => expect(others.got).toContain("200 OK"));
  clients[0]?.destroy();
  await vi.waitFor(() => expect(kept.bytes).toBe(body.length));
});

test("a large body whose client has gone before it is used holds nothing", async () => {
  const body = JSON.stringify("x".repeat(400_000));
  await send(post("/left", body.length), body, "leaver");
  await vi.waitFor(() => expect(worked).toHaveBeenCalledOnce());
  expect(kept.bytes).toBe(0);
});
