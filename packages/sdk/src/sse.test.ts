import { describe, expect, test } from "vitest";
import { readSse, type SseMessage, SseParser } from "./sse.js";

function parse(...pieces: string[]): SseMessage[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

const message = (data: string, event = "message", id = ""): SseMessage => ({ id, event, data });

describe("SseParser", () => {
  test("a message ends with an empty line, in each kind of line ending", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = ["id: 7", "event: stream", "data: hello", "", "data: more", "", ""].join(end);
      expect(parse(text), JSON.stringify(end)).toEqual([
        message("hello", "stream", "7"),
        message("more", "message", "7"),
      ]);
    }
  });

  test("it makes no difference where the text is cut", () => {
    const text =
      "\uFEFFretry: 10\r\n: heartbeat\r\n\r\nid: 1\r\nevent: a\r\ndata: x\r\ndata: y\r\n\r\n" +
      'data:{"t":"é😀"}\r\rid\nevent: b\ndata\n\n: end\n\ndata: unfinished\n';
    const whole = parse(text);
    expect(whole).toEqual([
      message("x\ny", "a", "1"),
      message('{"t":"é😀"}', "message", "1"),
      message("", "b", ""),
    ]);
    for (let at = 0; at <= text.length; at++) {
      expect(parse(text.slice(0, at), "", text.slice(at)), `cut at ${at}`).toEqual(whole);
    }
    expect(parse(...text)).toEqual(whole);
  });

  test("one space after the colon belongs to the colon", () => {
    expect(parse("data:  two\ndata:none\n\n")).toEqual([message(" two\nnone")]);
  });

  test("comments, unknown fields and messages without data are nothing", () => {
    expect(parse(": x\n\nevent: lonely\n\nfoo: bar\ndata: d\n\n")).toEqual([message("d")]);
  });

  test("an id with a null character is not taken, an empty one is", () => {
    expect(parse("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid\ndata: c\n\n")).toEqual([
      message("a", "message", "1"),
      message("b", "message", "1"),
      message("c", "message", ""),
    ]);
  });

  test("retry must be a number", () => {
    const parser = new SseParser();
    parser.push("retry: soon\n");
    expect(parser.retryMs).toBeUndefined();
    parser.push("retry: 1500\n");
    expect(parser.retryMs).toBe(1500);
  });

  test("a long line in many pieces is joined once", () => {
    const piece = "x".repeat(16_384);
    const pieces = Array.from({ length: 2000 }, () => piece);
    const startedAt = performance.now();
    const [one] = parse("data: ", ...pieces, "\n\n");
    // Joining at each piece would copy 32 GB.
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(one?.data.length).toBe(2000 * 16_384);
  });
});

function bodyOf(...chunks: (string | Uint8Array)[]) {
  let cancelled = false;
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
    },
    cancel() {
      cancelled = true;
    },
  });
  return { body, wasCancelled: () => cancelled };
}

describe("readSse", () => {
  test("characters may be cut between their bytes", async () => {
    const bytes = new TextEncoder().encode("data: 😀\n\n");
    const { body } = bodyOf(...Array.from(bytes, (byte) => Uint8Array.of(byte)));
    const messages = [];
    for await (const one of readSse(body)) messages.push(one);
    expect(messages).toEqual([message("😀")]);
  });

  test("leaving the loop lets go of the body", async () => {
    const { body, wasCancelled } = bodyOf("data: 1\n\n", "data: 2\n\n", "data: 3\n\n");
    for await (const { data } of readSse(body)) if (data === "1") break;
    expect(wasCancelled()).toBe(true);
  });
});
