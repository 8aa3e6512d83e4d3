import { expect, test } from "vitest";
import { LoggedEvent } from "./logged-event.js";

const LARGE = "\ufffd".repeat(500_000);

test("the same bytes are given to all, also while they are made", async () => {
  const small = new LoggedEvent(7, "stream", { name: "stdout", text: "é" });
  expect(String(small.frame)).toBe('id: 7\nevent: stream\ndata: {"name":"stdout","text":"é"}\n\n');
  expect(small.frame).toBe(small.frame);
  const large = new LoggedEvent(12, "display_data", {
    data: { "text/plain": LARGE },
    metadata: {},
  });
  const frames = await Promise.all([large.frame, large.frame]);
  expect(frames[0]).toBe(frames[1]);
  expect(await large.frame).toBe(frames[0]);
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
