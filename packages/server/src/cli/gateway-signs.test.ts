import { closeSync, fstatSync, mkdtempSync, readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { addressIn, GatewaySigns } from "./gateway-signs.js";
import { makePipe, type OneWayPipe } from "./one-way-pipe.js";
import { listenToSupervisor } from "./supervisor-channel.js";

const directory = mkdtempSync(join(tmpdir(), "signs-"));
const onSign = vi.fn();
const onAddress = vi.fn();
let pipe: OneWayPipe;
let signs: GatewaySigns;

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  pipe = makePipe(directory);
  signs = new GatewaySigns(pipe.readEnd, { onSign, onAddress });
});
afterEach(() => {
  signs.stop();
  closeSync(pipe.writeEnd);
  vi.useRealTimers();
});
afterAll(() => rmSync(directory, { recursive: true }));

test("a line shows life, silence does not", () => {
  vi.advanceTimersByTime(60_000);
  expect(onSign).not.toHaveBeenCalled();
  writeSync(pipe.writeEnd, "\n");
  vi.advanceTimersByTime(60_000);
  expect(onSign).toHaveBeenCalledOnce();
  expect(onAddress).not.toHaveBeenCalled();
});

test("the address is told once, however it comes", () => {
  writeSync(pipe.writeEnd, "\n\nhttp://127.0.0.1:8");
  signs.look();
  writeSync(pipe.writeEnd, "000\n\n");
  signs.look();
  expect(onAddress).toHaveBeenCalledExactlyOnceWith("http://127.0.0.1:8000");
  writeSync(pipe.writeEnd, "http://127.0.0.1:9\n");
  vi.advanceTimersByTime(1000);
  expect(onAddress).toHaveBeenCalledOnce();
  expect(onSign).toHaveBeenCalledTimes(3);
});

test("a flood is read a little at a time, and is nothing to keep", () => {
  const flood = "x".repeat(4096);
  let written = 0;
  for (let look = 0; look < 50; look++) {
    try {
      for (;;) written += writeSync(pipe.writeEnd, flood);
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("EAGAIN");
    }
    signs.look();
  }
  // What the kernel holds, and what fifty looks have taken.
  expect(written).toBeLessThanOrEqual(65_536 + 50 * 4096);
  expect(onSign).toHaveBeenCalledTimes(50);
  expect(onAddress).not.toHaveBeenCalled();
});

test("a gateway that has closed its end is silent", () => {
  const other = makePipe(directory);
  closeSync(other.writeEnd);
  const closed = new GatewaySigns(other.readEnd, { onSign, onAddress });
  closed.look();
  closed.stop();
  expect(onSign).not.toHaveBeenCalled();
});

test("a pipe has no name, and is not open to others by /proc", () => {
  expect(readdirSync(directory)).toEqual([]);
  const status = fstatSync(pipe.readEnd);
  expect([status.isFIFO(), status.mode & 0o777]).toEqual([true, 0o600]);
});

test.each([
  "http://127.0.0.1:8000",
  "http://[::1]:65535",
  "http://[fe80::1%eth0]:1",
  "http://host-1.example:80",
])("the address %s is announced", (address) => {
  expect(addressIn(address)).toBe(address);
});

test.each([
  "",
  "text",
  '{"address":"http://127.0.0.1:8000"}',
  "https://127.0.0.1:8000",
  "http://",
  "http://x:1/path",
  "http://x:1\u001b[2J",
  "http://x:1\n",
  `http://${"x".repeat(400)}`,
])("%j is no announcement", (line) => {
  expect(addressIn(line)).toBeUndefined();
});

test.each([
  ["a-token-of-some-length\n", "a-token-of-some-length"],
  ["\n", undefined],
])("the orders %j have the token %s", async (text, token) => {
  const input = new PassThrough();
  const orders = listenToSupervisor(input);
  input.write(text.slice(0, 5));
  input.write(text.slice(5));
  expect(await orders.token).toBe(token);
  let isGone = false;
  const gone = orders.gone.then(() => {
    isGone = true;
  });
  await orders.token;
  expect(isGone).toBe(false);
  input.end();
  await gone;
});
