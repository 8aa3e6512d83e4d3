import { describe, expect, test, vi } from "vitest";
import { OutputCollector } from "./output-collector.js";

type Message = Parameters<OutputCollector["add"]>[0];

/** As the guest sends text: one character for each byte. */
function stream(name: "stdout" | "stderr", bytes: string | Buffer, dropped?: number): Message {
  const text = Buffer.from(bytes).toString("latin1");
  const content = dropped === undefined ? { name, text } : { name, text, dropped_bytes: dropped };
  return { msg_type: "stream", content };
}

function display(data: Record<string, unknown>, id?: string, metadata = {}): Message {
  const transient = id === undefined ? {} : { display_id: id };
  return { msg_type: "display_data", content: { data, metadata, transient } };
}

function update(data: Record<string, unknown>, id: string): Message {
  const content = { data, metadata: {}, transient: { display_id: id } };
  return { msg_type: "update_display_data", content };
}

function clear(wait: boolean): Message {
  return { msg_type: "clear_output", content: { wait } };
}

function nested(depth: number): unknown {
  return JSON.parse("[".repeat(depth) + "]".repeat(depth));
}

/** Collect messages with a limit of 1000 bytes, and count the calls for help. */
function collect(messages: Iterable<Message>, bytesMax = 1000) {
  const onFlood = vi.fn();
  const collector = new OutputCollector(bytesMax, onFlood);
  for (const message of messages) collector.add(message);
  return { collector, onFlood };
}

describe("text", () => {
  test("of the same stream is one output, and a change of stream begins another", () => {
    const { collector } = collect([
      stream("stdout", "a"),
      stream("stdout", "b"),
      stream("stderr", "c"),
      stream("stdout", "d"),
    ]);
    collector.finish();
    expect(collector.outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "ab" },
      { output_type: "stream", name: "stderr", text: "c" },
      { output_type: "stream", name: "stdout", text: "d" },
    ]);
    expect(collector.text("stdout")).toBe("abd");
    expect(collector.truncated).toBe(false);
  });

  test("is whole again when its UTF-8 was cut anywhere between messages", () => {
    const text = "aä€😀z";
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { collector } = collect([
        stream("stdout", bytes.subarray(0, cut)),
        stream("stderr", "between"),
        stream("stdout", bytes.subarray(cut)),
      ]);
      collector.finish();
      expect(collector.text("stdout")).toBe(text);
    }
  });

  test("that is not UTF-8 becomes replacement characters", () => {
    const { collector } = collect([stream("stdout", Buffer.from([0x61, 0xff, 0x62, 0xe2, 0x82]))]);
    collector.finish();
    expect(collector.text("stdout")).toBe("a\ufffdb\ufffd");
  });

  test("of exactly the limit is not cut", () => {
    const { collector } = collect([stream("stdout", "x".repeat(1000))]);
    collector.finish();
    expect(collector.text("stdout")).toBe("x".repeat(1000));
    expect(collector.truncated).toBe(false);
  });

  test("beyond the limit is cut and marked, each stream for itself", () => {
    const { collector } = collect([
      stream("stdout", "x".repeat(600)),
      stream("stdout", "y".repeat(600)),
      stream("stderr", "fine"),
    ]);
    collector.finish();
    expect(collector.truncated).toBe(true);
    expect(collector.text("stdout")).toBe(
      `${"x".repeat(600)}${"y".repeat(200)}\n[stdout was cut here: the limit is 1000 bytes]\n${"y".repeat(200)}`,
    );
    expect(collector.text("stderr")).toBe("fine");
  });

  test("beyond the limit keeps its end as well, where it stood among other outputs", () => {
    const { collector } = collect([
      stream("stdout", "begin"),
      ...Array.from({ length: 500 }, () => stream("stdout", "0123456789")),
      display({ "text/plain": "between" }),
      stream("stdout", "the result"),
    ]);
    collector.finish();
    const [before, between, after] = collector.outputs;
    expect(between).toMatchObject({ output_type: "display_data" });
    expect(before).toMatchObject({ text: expect.stringMatching(/^begin0123/) });
    expect(after).toMatchObject({ text: "the result" });
    const text = collector.text("stdout");
    expect(text).toMatch(/\n\[stdout was cut here: the limit is 1000 bytes\]\n[^\n]*the result$/);
    expect(text.replace(/\n.*\n/, "")).toHaveLength(1000);
  });

  test("is cut between characters", () => {
    const { collector } = collect(Array.from({ length: 700 }, () => stream("stdout", "€😀")));
    collector.finish();
    const text = collector.text("stdout").replace(/\n.*\n/, "");
    expect(text).toMatch(/^[€😀]+$/u);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1000);
  });

  test("that was overwritten from one output to the next is one line of its stream", () => {
    const { collector } = collect(
      ["10%", "20%", "30%"].flatMap((step) => [
        stream("stderr", `\r${step}`),
        stream("stdout", "x\n"),
      ]),
    );
    collector.finish();
    collector.addNote("a note");
    expect(collector.text("stderr")).toBe("30%Glovebox: a note\n");
    expect(collector.text("stdout")).toBe("x\nx\nx\n");
  });

  test("that the guest has dropped itself is marked too", () => {
    const { collector, onFlood } = collect([stream("stderr", "kept", 5)]);
    collector.finish();
    expect(collector.text("stderr")).toMatch(/^kept\n\[stderr was cut here/);
    expect(onFlood).not.toHaveBeenCalled();
  });

  test("of many times the limit calls for the end, dropped bytes included", () => {
    const within = Array.from({ length: 31 }, () => stream("stdout", "x".repeat(1000)));
    expect(collect(within).onFlood).not.toHaveBeenCalled();
    const beyond = [...within, stream("stdout", "", 2000)];
    expect(collect(beyond).onFlood).toHaveBeenCalled();
    expect(collect([stream("stdout", "", 1e15)]).onFlood).toHaveBeenCalled();
  });

  test("beyond the limit is not kept in memory", () => {
    const messages = Array.from({ length: 100 }, () => stream("stdout", "x".repeat(1000)));
    const { collector } = collect(messages);
    collector.finish();
    expect(JSON.stringify(collector.outputs).length).toBeLessThan(1200);
  });

  test("that alternates between the streams without end is kept, or said to be cut", () => {
    const { collector } = collect(
      Array.from({ length: 25_000 }, (_, n) => stream(n % 2 ? "stderr" : "stdout", "x")),
      1_000_000,
    );
    collector.finish();
    const kept = collector.text("stdout").length + collector.text("stderr").length;
    expect(kept >= 25_000 || collector.truncated).toBe(true);
  });
});

describe("rich output", () => {
  test("keeps its order, shape and metadata", () => {
    const { collector } = collect([
      stream("stdout", "before"),
      display({ "text/plain": "shown" }, undefined, { width: 3 }),
      {
        msg_type: "execute_result",
        content: { execution_count: 4, data: { "text/plain": "4" }, metadata: {} },
      },
    ]);
    collector.addError({ ename: "E", evalue: "v", traceback: ["t"], hint: null });
    expect(collector.outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "before" },
      { output_type: "display_data", data: { "text/plain": "shown" }, metadata: { width: 3 } },
      {
        output_type: "execute_result",
        execution_count: 4,
        data: { "text/plain": "4" },
        metadata: {},
      },
      { output_type: "error", ename: "E", evalue: "v", traceback: ["t"] },
    ]);
  });

  test("with an id is replaced in its place by an update", () => {
    const { collector } = collect([
      display({ "text/plain": "1" }, "a"),
      display({ "text/plain": "other" }, "b"),
      update({ "text/plain": "2" }, "a"),
      update({ "text/plain": "nothing" }, "unknown"),
    ]);
    expect(
      collector.outputs.map((output) => "data" in output && output.data["text/plain"]),
    ).toEqual(["2", "other"]);
  });

  test("is cleared at once, or with the next output", () => {
    const at = (messages: Message[]) => collect(messages).collector.outputs.length;
    expect(at([display({}), stream("stdout", "x"), clear(false)])).toBe(0);
    expect(at([display({}), clear(true)])).toBe(1);
    expect(at([display({}), display({}), clear(true), stream("stdout", "x")])).toBe(1);
    expect(at([display({}), clear(true), display({}), display({})])).toBe(2);
  });

  test("heavier than its bound is dropped, marked, and calls for the end", () => {
    const heavy = display({ "image/png": "x".repeat(8 * 2 ** 20) });
    const { collector, onFlood } = collect(Array.from({ length: 6 }, () => heavy));
    expect(collector.outputs.length).toBeLessThan(6);
    expect(collector.truncated).toBe(true);
    expect(onFlood).toHaveBeenCalled();
  });

  test("that replaces what was there counts once", () => {
    const heavy = { "image/png": "x".repeat(7 * 2 ** 20) };
    const updates = Array.from({ length: 10 }, () => update(heavy, "a"));
    const cleared = Array.from({ length: 10 }, () => [clear(true), display(heavy)]).flat();
    const { collector, onFlood } = collect([display(heavy, "a"), ...updates, ...cleared]);
    expect(collector.outputs).toHaveLength(1);
    expect(onFlood).not.toHaveBeenCalled();
    // What was replaced by something small leaves its room to others.
    const three = Array.from({ length: 3 }, () => display(heavy));
    const shrunk = collect([display(heavy, "a"), ...three.slice(1), update({}, "a"), ...three]);
    expect(shrunk.collector.outputs).toHaveLength(5);
    expect(shrunk.onFlood).toHaveBeenCalledOnce();
  });

  test("of more pieces than its bound is dropped, marked, and calls for the end", () => {
    const { collector, onFlood } = collect(Array.from({ length: 10_001 }, () => display({})));
    expect(collector.outputs).toHaveLength(10_000);
    expect(collector.truncated).toBe(true);
    expect(onFlood).toHaveBeenCalled();
  });
});

describe("a guest that means harm", () => {
  test("cannot pile up bytes in metadata", () => {
    const metadata = { note: "x".repeat(2 ** 20) };
    const messages = Array.from({ length: 100 }, () => display({}, undefined, metadata));
    expect(collect(messages).onFlood).toHaveBeenCalled();
  });

  test("cannot pile up bytes in the names of MIME types", () => {
    const data = Object.fromEntries(
      Array.from({ length: 1000 }, (_, n) => [`${"x".repeat(250)}${n}`, ""]),
    );
    const messages = Array.from({ length: 400 }, () => display(data));
    expect(collect(messages).onFlood).toHaveBeenCalled();
  });

  test("cannot pile up display ids behind cleared output", () => {
    function* messages() {
      for (let n = 0; n < 2000; n++) {
        yield display({}, `${"x".repeat(5000)}${n}`);
        yield clear(false);
      }
      yield update({ "text/plain": "late" }, `${"x".repeat(5000)}0`);
    }
    const { collector } = collect(messages());
    expect(collector.outputs).toEqual([]);
    expect(collector.bytes).toBeLessThan(20_000);
  });

  test("cannot pile up bytes in updates of what was never shown", () => {
    const messages = Array.from({ length: 6 }, () =>
      update({ "image/png": "x".repeat(8 * 2 ** 20) }, "unknown"),
    );
    expect(collect(messages).onFlood).toHaveBeenCalled();
  });

  test("cannot make the collector throw by deep nesting", () => {
    const deep = nested(100_000);
    expect(() => collect([display({ "application/json": deep })])).not.toThrow();
    expect(() =>
      collect([display({}, "a"), update({ "application/json": deep }, "a")]),
    ).not.toThrow();
  });

  test("cannot leave outputs that the answer cannot be made of", () => {
    const { collector } = collect([display({}, undefined, { deep: nested(100_000) })]);
    expect(() => JSON.stringify(collector.outputs)).not.toThrow();
  });

  test("cannot reach prototypes through names", () => {
    const data = JSON.parse('{"__proto__":{"polluted":true},"constructor":"c"}');
    const { collector } = collect([display(data, "__proto__"), update(data, "__proto__")]);
    collector.finish();
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(collector.outputs).toHaveLength(1);
  });
});
