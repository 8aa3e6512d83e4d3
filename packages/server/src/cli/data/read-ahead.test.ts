import { expect, test } from "vitest";
import { ReadAhead } from "./read-ahead.js";

const piece = (byte: number) => new Uint8Array([byte]);

/** Gives pieces without end, and counts how many were asked for. */
function endless() {
  const asked = { count: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => controller.enqueue(piece(asked.count++ % 256)),
      cancel: () => {
        asked.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { asked, stream };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("what came before a failure is handed over before it", async () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
  });
  const body = new ReadAhead(stream);
  controller?.enqueue(piece(1));
  controller?.enqueue(piece(2));
  await pause(5);
  controller?.error(new Error("cut"));
  await pause(5);
  expect(await body.next()).toEqual(piece(1));
  expect(await body.next()).toEqual(piece(2));
  await expect(body.next()).rejects.toThrow("cut");
  await expect(body.next()).rejects.toThrow("cut");
});

test("pieces come in order to whoever waits, and then the end", async () => {
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      for (let byte = 0; byte < 200; byte++) {
        controller.enqueue(piece(byte));
        if (byte % 50 === 0) await pause(1);
      }
      controller.close();
    },
  });
  const body = new ReadAhead(stream);
  const bytes: number[] = [];
  for (let next = await body.next(); next; next = await body.next()) bytes.push(...next);
  expect(bytes).toEqual(Array.from({ length: 200 }, (_, byte) => byte));
  expect(await body.next()).toBeUndefined();
});

test("no more is read ahead than has room", async () => {
  const { asked, stream } = endless();
  const body = new ReadAhead(stream);
  await pause(20);
  expect(asked.count).toBe(64);
  await body.next();
  await pause(20);
  expect(asked.count).toBe(65);
  body.cancel();
  await pause(5);
  expect(asked).toEqual({ count: 65, cancelled: true });
  expect(await body.next()).toBeUndefined();
});

test("an answer without a body is at its end", async () => {
  expect(await new ReadAhead(null).next()).toBeUndefined();
});
