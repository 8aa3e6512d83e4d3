import { expect, test, vi } from "vitest";
import { boundedText } from "./bounded-text.js";

/** An answer of ever more, and what tells that nobody reads on. */
function endless(chunk: Uint8Array) {
  const cancel = vi.fn();
  const pull = vi.fn((controller: ReadableStreamDefaultController) => controller.enqueue(chunk));
  return { response: new Response(new ReadableStream({ pull, cancel })), cancel, pull };
}

test.each(["", "x", "ä€𝄞".repeat(1000), "\ufeff{}"])(
  "a text is what Response.text() gives",
  async (text) => {
    expect(await boundedText(new Response(text))).toBe(await new Response(text).text());
  },
);

test("characters may be cut between two pieces", async () => {
  const bytes = new TextEncoder().encode("ä€𝄞");
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  expect(await boundedText(new Response(body))).toBe("ä€𝄞");
  expect(await boundedText(new Response(null, { status: 204 }))).toBe("");
});

test("an answer without end is refused where it is too long, and read no further", async () => {
  const { response, cancel, pull } = endless(new Uint8Array(1000));
  await expect(boundedText(response, 10_000)).rejects.toMatchObject({ code: "INVALID_RESPONSE" });
  expect(cancel).toHaveBeenCalledOnce();
  expect(pull.mock.calls.length).toBeLessThan(15);
  expect(await boundedText(new Response("x".repeat(10_000)), 10_000)).toHaveLength(10_000);
});
