import { expect, test, vi } from "vitest";
import { LoggedEvent } from "./logged-event.js";

const asItIs = ({ data }: LoggedEvent) => data;
const LARGE = "\ufffd".repeat(500_000);

test("the same bytes are given to all, also while they are made", async () => {
  const small = new LoggedEvent(7, "stream", { name: "stdout", text: "é" });
  expect(String(small.frame(asItIs))).toBe(
    'id: 7\nevent: stream\ndata: {"name":"stdout","text":"é"}\n\n',
  );
  expect(small.frame(asItIs)).toBe(small.frame(asItIs));
  const large = new LoggedEvent(12, "display_data", {
    data: { "text/plain": LARGE },
    metadata: {},
  });
  const frames = await Promise.all([large.frame(asItIs), large.frame(asItIs)]);
  expect(frames[0]).toBe(frames[1]);
  expect(await large.frame(asItIs)).toBe(frames[0]);
  expect(String(frames[0]?.subarray(large.idLength))).toMatch(/^event: display_data\ndata: /);
});

test("nothing is made for an event that nobody follows", () => {
  const data = {
    toJSON: () => {
      throw new Error("was written");
    },
  };
  expect(new LoggedEvent(1, "stream", data).weight).toBeGreaterThan(200);
});

test("what is told of its data is asked for once", () => {
  const event = new LoggedEvent(3, "gap", { missedFrom: 1, missedTo: 2 });
  const toWire = vi.fn(() => ({ missed_from: 1 }));
  expect(String(event.frame(toWire))).toBe('id: 3\nevent: gap\ndata: {"missed_from":1}\n\n');
  event.frame(toWire);
  expect(toWire).toHaveBeenCalledOnce();
});
