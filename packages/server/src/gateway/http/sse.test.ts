import { type ClientRequest, get, type IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { afterEach, expect, test, vi } from "vitest";
import { LoggedEvent } from "../../sessions/logged-event.js";
import { EventStream, type EventStreamOptions } from "./sse.js";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A server with one stream, and a client that has its headers and reads nothing yet. */
async function connect(options: EventStreamOptions = {}) {
  const app = fastify();
  open.push(app);
  let opened!: (stream: EventStream) => void;
  const streaming = new Promise<EventStream>((resolve) => {
    opened = resolve;
  });
  app.get("/", async (_request, reply) => {
    opened(new EventStream(reply, options));
    return reply;
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  const { request, response } = await new Promise<{
    request: ClientRequest;
    response: IncomingMessage;
  }>((resolve, reject) => {
    const request = get({ port, host: "127.0.0.1", agent: false }, (response) =>
      resolve({ request, response }),
    );
    request.on("error", reject);
  });
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  open.push({ close: () => request.destroy() });
  return { stream: await streaming, response, request };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}

test("events have ids, names and one line of data, after headers that keep proxies away", async () => {
  const { stream, response } = await connect();
  expect(response.headers).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  await stream.send("stream", { text: "a\nb" }, 1);
  await stream.send("change", {});
  stream.end();
  expect(await textOf(response)).toBe(
    'retry: 1000\n\nid: 1\nevent: stream\ndata: {"text":"a\\nb"}\n\nevent: change\ndata: {}\n\n',
  );
});

test("small events of one turn are one write, and a client that takes none is found out", async () => {
  const { stream } = await connect({ stalledMs: 50 });
  const write = vi.spyOn(ServerResponse.prototype, "write");
  for (let n = 1; n <= 300; n++) void stream.send("stream", { text: "x" }, n);
  await new Promise((resolve) => setImmediate(resolve));
  expect(write).toHaveBeenCalledOnce();
  expect(String(write.mock.calls[0]?.[0]).match(/\nevent: /g)).toHaveLength(300);
  write.mockRestore();
  for (let n = 0; n < 10_000; n++) void stream.send("stream", { text: "x".repeat(3000) });
  await vi.waitFor(() => expect(stream.closed).toBe(true));
});

test("a silent stream has a heartbeat", async () => {
  const { stream, response } = await connect({ heartbeatMs: 5 });
  setTimeout(() => stream.end(), 100);
  expect(await textOf(response)).toContain(": heartbeat\n\n");
});

test("whoever writes waits for a client that does not read", async () => {
  const { stream, response } = await connect();
  const large = "x".repeat(2 ** 20);
  let sent = 0;
  const writing = (async () => {
    for (; sent < 30; sent++) await stream.send("stream", large, sent);
    stream.end();
  })();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(sent).toBeLessThan(25);
  const text = await textOf(response);
  await writing;
  expect(text.length).toBeGreaterThan(30 * 2 ** 20);
});

test("a client that has gone is noticed, and whoever waits to write goes on", async () => {
  const { stream, request } = await connect();
  const onClosed = vi.fn();
  stream.onClosed(onClosed);
  const large = "x".repeat(2 ** 20);
  const writing = (async () => {
    while (!stream.closed) await stream.send("stream", large);
  })();
  request.destroy();
  await writing;
  expect(onClosed).toHaveBeenCalledOnce();
  const late = vi.fn();
  stream.onClosed(late);
  expect(late).toHaveBeenCalledOnce();
  expect(stream.send("stream", {})).toBeUndefined();
});

test("a client that takes nothing for long is taken to be gone", async () => {
  const { stream } = await connect({ stalledMs: 50 });
  const large = "x".repeat(2 ** 20);
  for (let n = 0; n < 100 && !stream.closed; n++) await stream.send("stream", large);
  expect(stream.closed).toBe(true);
});

test("nothing comes between the pieces of a large event, nor before what was sent earlier", async () => {
  const { stream, response } = await connect({ heartbeatMs: 1 });
  const large = "x".repeat(3 * 2 ** 20);
  const sending = [stream.send("one", large, 1), stream.send("two", {}, 2), stream.sendText("end")];
  stream.end();
  const text = await textOf(response);
  await Promise.all(sending);
  const events = text.replaceAll(": heartbeat\n\n", "").split("\n\n");
  expect(events.slice(1)).toEqual([
    `id: 1\nevent: one\ndata: "${large}"`,
    "id: 2\nevent: two\ndata: {}",
    "data: end",
    "",
  ]);
});

test.each(["small", "x".repeat(2 * 2 ** 20)])(
  "an event of others has its own number",
  async (text) => {
    const { stream, response } = await connect();
    const event = new LoggedEvent(7, "stream", { text });
    const reading = textOf(response);
    await stream.forward(event);
    await stream.forward(event, 1234);
    stream.end();
    const told = `event: stream\ndata: ${JSON.stringify({ text })}\n\n`;
    expect(await reading).toBe(`retry: 1000\n\nid: 7\n${told}id: 1234\n${told}`);
  },
);
