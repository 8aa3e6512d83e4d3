import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ProtocolViolation } from "./channel.js";
import {
  CHUNK_BYTES_MAX,
  KIND,
  PorterChannel,
  type PorterHandler,
  WINDOW_BYTES,
} from "./porter-channel.js";
import { PorterFiles } from "./porter-files.js";

/** The porter's end of a real connection, by which a test says whatever a taken-over porter could. */
let porter: Socket;
let channel: PorterChannel;
let violation: ProtocolViolation | undefined;
const onFault = vi.fn<(reason: string) => void>();
let directory: string;
let received: Buffer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "porter-"));
  violation = undefined;
  received = Buffer.alloc(0);
  const path = join(directory, "socket");
  const server = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  porter = connect(path);
  porter.on("error", () => undefined);
  porter.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  onFault.mockReset();
  const onViolation = (seen: ProtocolViolation) => {
    violation = seen;
  };
  channel = new PorterChannel(await accepted, onViolation, onFault);
  server.close();
});

afterEach(() => {
  channel.close();
  porter.destroy();
  rmSync(directory, { recursive: true });
});

function frame(request: number, kind: number, payload: Buffer | string): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(9);
  header.writeUInt32BE(body.length, 0);
  header.writeUInt32BE(request, 4);
  header.writeUInt8(kind, 8);
  return Buffer.concat([header, body]);
}

function handler(): PorterHandler & { seen: string[]; bytes: number } {
  const seen: string[] = [];
  const told = {
    seen,
    bytes: 0,
    head: (fields: unknown) => void seen.push(`head ${JSON.stringify(fields)}`),
    item: (fields: unknown) => void seen.push(`item ${JSON.stringify(fields)}`),
    data: (chunk: Buffer) => {
      told.bytes += chunk.length;
    },
    end: (fields: unknown) => void seen.push(`end ${JSON.stringify(fields)}`),
    fail: (code: string | undefined) => void seen.push(`fail ${code}`),
  };
  return told;
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 2 });

describe("PorterChannel", () => {
  test("cuts frames wherever the bytes are cut", async () => {
    const told = handler();
    channel.request({ op: "x" }, told);
    const all = Buffer.concat([
      frame(1, KIND.head, '{"a":1}'),
      frame(1, KIND.data, "hello"),
      frame(1, KIND.item, "[]"),
      frame(1, KIND.data, "more"),
      frame(1, KIND.end, "{}"),
    ]);
    for (const byte of all) {
      porter.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => expect(told.seen).toEqual(['head {"a":1}', "item []", "end {}"]));
    expect(told.bytes).toBe(9);
    expect(violation).toBeUndefined();
  });

  test("is ready when the porter says so, and tells which step has failed", async () => {
    porter.write(frame(0, KIND.fail, '{"code":"enter_workspace: no"}'));
    await expect(channel.ready).rejects.toThrow("enter_workspace: no");
  });

  test("keeps little for a porter that does not read, in however small pieces it comes", async () => {
    porter.pause();
    const request = channel.request({ op: "write" }, handler());
    let sent = 0;
    const send = async (pieces: number) => {
      for (let n = 0; n < pieces; n++, sent++) await request.sendData(Buffer.of(n % 256));
    };
    const whole = 100_000;
    const sending = send(whole);
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // What the system takes is some thousand frames; the rest waits where it comes from.
    expect(sent).toBeLessThan(whole / 4);
    porter.resume();
    await sending;
    const isData = (at: number) => received.readUInt8(at + 8) === KIND.data;
    await eventually(() => {
      let [at, pieces] = [0, 0];
      for (; at + 9 <= received.length; at += 9 + received.readUInt32BE(at)) pieces += +isData(at);
      expect(pieces).toBe(whole);
    });
  });

  test("tells every request when the connection ends", async () => {
    const [first, second] = [handler(), handler()];
    channel.request({}, first);
    channel.request({}, second);
    porter.end();
    await eventually(() => expect(second.seen).toEqual(["fail undefined"]));
    expect(first.seen).toEqual(["fail undefined"]);
  });

  test("sends no more of a request than it has credit for", async () => {
    const request = channel.request({}, handler());
    let sent = false;
    const sending = request.sendData(Buffer.alloc(3 * WINDOW_BYTES)).then(() => {
      sent = true;
    });
    await eventually(() => expect(received.length).toBeGreaterThanOrEqual(WINDOW_BYTES));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(sent).toBe(false);
    expect(received.length).toBeLessThan(WINDOW_BYTES + CHUNK_BYTES_MAX + 1000);
    const credit = Buffer.alloc(4);
    credit.writeUInt32BE(0xffffffff);
    // However much is granted at once, it is never more than a window.
    porter.write(frame(1, KIND.credit, credit));
    await eventually(() => expect(received.length).toBeGreaterThan(2 * WINDOW_BYTES));
    porter.write(frame(1, KIND.credit, credit));
    await sending;
  });

  test("lets go of whoever waits for credit when the request fails", async () => {
    const told = handler();
    const request = channel.request({}, told);
    const sending = request.sendData(Buffer.alloc(3 * WINDOW_BYTES));
    porter.write(frame(1, KIND.fail, '{"code":"FILE_TOO_LARGE"}'));
    await sending;
    expect(told.seen).toEqual(["fail FILE_TOO_LARGE"]);
  });

  const credit = frame(1, KIND.credit, Buffer.alloc(4));
  test.each([
    ["a frame that is too long", frame(1, KIND.data, Buffer.alloc(CHUNK_BYTES_MAX + 1))],
    ["a long header", frame(1, KIND.head, `"${"x".repeat(200_000)}"`)],
    ["a frame of an unknown kind", frame(1, 99, "{}")],
    ["a kind that only the gateway sends", frame(1, KIND.cancel, "{}")],
    ["no JSON", frame(1, KIND.head, "{")],
    ["an empty chunk", frame(1, KIND.data, "")],
    ["a short credit", frame(1, KIND.credit, "1")],
    ["a request that nobody has made", frame(7, KIND.data, "x")],
    ["a second greeting", frame(0, KIND.head, "{}")],
    [
      "more than there was credit for",
      Buffer.concat(Array(7).fill(frame(1, KIND.data, Buffer.alloc(CHUNK_BYTES_MAX)))),
    ],
    ["a flood of heads", Buffer.concat(Array(200).fill(frame(1, KIND.head, "{}")))],
  ])("ends a porter that sends %s", async (_, bytes) => {
    channel.request({}, handler());
    porter.write(bytes);
    await eventually(() => expect(violation).toBeDefined());
    expect(channel.closed).toBe(true);
  });

  test("hears why a porter that served has failed, which ends its requests", async () => {
    const told = handler();
    porter.write(frame(0, KIND.head, '{"ready":true}'));
    await channel.ready;
    channel.request({}, told);
    porter.write(frame(0, KIND.fail, '{"code":"WireError: x (wire.py:1)"}'));
    await eventually(() => expect(onFault).toHaveBeenCalledWith("WireError: x (wire.py:1)"));
    expect(violation).toBeUndefined();
    expect(channel.closed).toBe(true);
    expect(told.seen).toEqual(["fail undefined"]);
  });

  test("credit is a flood beyond the data that goes out, and none before", async () => {
    const request = channel.request({}, handler());
    for (let count = 0; count < 300; count++) await request.sendData(Buffer.alloc(1));
    porter.write(Buffer.concat(Array(300).fill(credit)));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(violation).toBeUndefined();
    porter.write(Buffer.concat(Array(300).fill(credit)));
    await eventually(() => expect(violation?.message).toContain("too many frames"));
  });

  test("what was on its way when a request was cancelled is let pass, and no more", async () => {
    const request = channel.request({}, handler());
    request.cancel();
    porter.write(frame(1, KIND.data, Buffer.alloc(CHUNK_BYTES_MAX)));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(violation).toBeUndefined();
    for (let count = 0; count < 8; count++) {
      porter.write(frame(1, KIND.data, Buffer.alloc(CHUNK_BYTES_MAX)));
    }
    await eventually(() => expect(violation).toBeDefined());
  });
});

describe("PorterFiles", () => {
  const files = () => new PorterFiles(channel, () => undefined);
  const never = () => Promise.reject(new Error("told of something"));

  test.each([
    ["entries without types", KIND.item, '{"entries":[{"path":"x"}]}'],
    [
      "a size below nothing",
      KIND.item,
      '{"entries":[{"path":"x","type":"file","size":-1,"mtime_ms":0}]}',
    ],
    [
      "a time that no date has",
      KIND.item,
      '{"entries":[{"path":"x","type":"file","size":1,"mtime_ms":9e15}]}',
    ],
    ["an end of another question", KIND.end, '{"created":true}'],
    ["data", KIND.data, "x"],
  ])("a list takes no %s", async (_, kind, payload) => {
    const listing = files().list("", { recursive: false, entriesMax: 10 });
    porter.write(frame(1, kind, payload));
    await expect(listing).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
    expect(violation).toBeDefined();
  });

  test.each(["all that has come", "a chunk at a time"])(
    "a slow reader, of %s, gets a file to its end",
    async (taken) => {
      const pieces = 12;
      const opening = files().open("a");
      const head = { size: pieces * CHUNK_BYTES_MAX, mtime_ms: 0, type: "file", etag: "0" };
      porter.write(frame(1, KIND.head, JSON.stringify(head)));
      const file = await opening;
      const stream = file.read(0, file.sizeBytes);
      let credit = WINDOW_BYTES;
      let sent = 0;
      let counted = 0;
      const send = () => {
        for (let at = counted; at + 9 <= received.length; at += 9 + received.readUInt32BE(at)) {
          if (received.readUInt8(at + 8) === KIND.credit) credit += received.readUInt32BE(at + 9);
          counted = at + 9 + received.readUInt32BE(at);
        }
        for (; credit > 0 && sent < pieces; sent++, credit -= CHUNK_BYTES_MAX) {
          porter.write(frame(1, KIND.data, Buffer.alloc(CHUNK_BYTES_MAX, sent)));
          if (sent === pieces - 1) porter.write(frame(1, KIND.end, "{}"));
        }
      };
      porter.on("data", send);
      send();
      let bytes = 0;
      // Always only when all that there is credit for has come.
      const wait = () => new Promise((resolve) => setTimeout(resolve, 10));
      if (taken === "all that has come") {
        for await (const chunk of stream) {
          bytes += (chunk as Buffer).length;
          await wait();
        }
      } else {
        stream.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          stream.pause();
          void wait().then(() => stream.resume());
        });
        await new Promise((resolve) => stream.once("end", resolve));
      }
      expect(bytes).toBe(pieces * CHUNK_BYTES_MAX);
    },
    10_000,
  );

  test("a list takes no more entries than were asked for", async () => {
    const listing = files().list("", { recursive: false, entriesMax: 1 });
    const entry = '{"path":"x","type":"file","size":1,"mtime_ms":0}';
    porter.write(frame(1, KIND.item, `{"entries":[${entry},${entry}]}`));
    await expect(listing).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
  });

  test("a list takes no longer paths than any list has", async () => {
    const listing = files().list("", { recursive: true, entriesMax: 10_000 });
    const entry = JSON.stringify({
      ...{ path: "x".repeat(8000), type: "file", size: 1, mtime_ms: 0 },
    });
    const entries = Array.from({ length: 15 }, () => entry).join();
    for (let n = 0; n < 17; n++) porter.write(frame(1, KIND.item, `{"entries":[${entries}]}`));
    await expect(listing).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
    expect(violation?.message).toContain("longer paths");
  });

  test("a file has no more bytes than were asked for, and its version is a safe header", async () => {
    const opening = files().open("x");
    const head = { type: "file", size: 5, mtime_ms: 0, etag: "1-2-3" };
    porter.write(frame(1, KIND.head, JSON.stringify(head)));
    const stream = (await opening).read(0, 5);
    stream.resume();
    porter.write(frame(1, KIND.data, "123456"));
    await eventually(() => expect(violation?.message).toContain("than was asked for"));
    expect(stream.destroyed).toBe(true);
  });

  test("a file that ends early is none, so that the next answer cannot pass for its rest", async () => {
    const opening = files().open("x");
    const head = { type: "file", size: 5, mtime_ms: 0, etag: "1" };
    porter.write(frame(1, KIND.head, JSON.stringify(head)));
    const stream = (await opening).read(0, 5);
    stream.resume();
    porter.write(Buffer.concat([frame(1, KIND.data, "1234"), frame(1, KIND.end, "{}")]));
    await eventually(() => expect(stream.errored).toBeTruthy());
    expect(violation?.message).toContain("less of a file");
  });

  test.each([
    ["file", () => files().open("x")],
    ["archive", () => files().archive("", "tar")],
    ["watch", () => files().watch("", { changed: never, truncated: never })],
  ])("a %s that ends before it has begun is an error, and nobody waits for it", async (_, ask) => {
    const asked = ask();
    porter.write(frame(1, KIND.end, "{}"));
    await expect(asked).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
  });

  test("a version that could end a header is none", async () => {
    const opening = files().open("x");
    const head = { type: "file", size: 5, mtime_ms: 0, etag: "1\r\nSet-Cookie: a" };
    porter.write(frame(1, KIND.head, JSON.stringify(head)));
    await expect(opening).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
  });

  test("an unknown code is an error like any other", async () => {
    const making = files().makeDirectory("x");
    porter.write(frame(1, KIND.fail, '{"code":"toString"}'));
    await expect(making).rejects.toMatchObject({ code: "FILE_ACCESS_DENIED" });
  });

  test("whoever reads slowly holds a window of a file at the most", async () => {
    const opening = files().open("x");
    const size = 3 * WINDOW_BYTES;
    const head = { type: "file", size, mtime_ms: 0, etag: "1" };
    porter.write(frame(1, KIND.head, JSON.stringify(head)));
    const stream = (await opening).read(0, size);
    for (let sent = 0; sent < WINDOW_BYTES; sent += CHUNK_BYTES_MAX) {
      porter.write(frame(1, KIND.data, Buffer.alloc(CHUNK_BYTES_MAX)));
    }
    await eventually(() => expect(stream.readableLength).toBe(WINDOW_BYTES));
    const grants = () => received.toString("latin1").split("\b").length - 1;
    expect(grants()).toBe(0);
    stream.resume();
    await eventually(() => expect(grants()).toBeGreaterThan(0));
  });
});

test("what is asked of a porter that has just ended fails, and waits for nothing", async () => {
  const files = new PorterFiles(channel, vi.fn());
  channel.close();
  const interrupted = { code: "TRANSFER_INTERRUPTED" };
  await expect(files.list("", { recursive: false, entriesMax: 1 })).rejects.toMatchObject(
    interrupted,
  );
  await expect(files.open("a")).rejects.toMatchObject(interrupted);
  const writer = files.write();
  writer.next("a");
  await expect(writer.commit()).rejects.toMatchObject(interrupted);
  expect(channel.size).toBe(0);
});
