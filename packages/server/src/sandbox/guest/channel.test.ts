import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  checkMessage,
  countJsonValues,
  encodeFrame,
  FRAME_BYTES_MAX,
  FrameParser,
  type GuestMessage,
  JsonValueCount,
  type MessageType,
  ProtocolViolation,
} from "./channel.js";

const everyType: ReadonlySet<MessageType> = new Set<MessageType>([
  "kernel_ready",
  "stream",
  "display_data",
  "update_display_data",
  "clear_output",
  "execute_result",
  "execute_reply",
  "warden_ready",
  "drained",
  "fault",
  "hello",
]);

const reply: GuestMessage<"execute_reply">["content"] = {
  status: "ok",
  execution_count: 1,
  execution_time: 0.5,
};

const good: readonly GuestMessage[] = [
  { msg_type: "kernel_ready", content: { python: "3.13.5" } },
  { msg_type: "stream", content: { name: "stdout", text: "Ã¤\n" } },
  { msg_type: "stream", content: { name: "stderr", text: "", dropped_bytes: 7 } },
  {
    msg_type: "display_data",
    content: { data: { "text/plain": "x" }, metadata: {}, transient: { display_id: "d" } },
  },
  {
    msg_type: "update_display_data",
    content: { data: { "application/json": [1, null] }, metadata: {}, transient: {} },
  },
  { msg_type: "clear_output", content: { wait: true } },
  {
    msg_type: "execute_result",
    content: { execution_count: 3, data: { "text/plain": "3" }, metadata: {} },
  },
  { msg_type: "execute_reply", content: reply },
  {
    msg_type: "execute_reply",
    content: {
      ...reply,
      status: "error",
      error: { ename: "E", evalue: "v", traceback: ["a", "b"] },
    },
  },
  { msg_type: "warden_ready", content: {} },
  { msg_type: "drained", content: {} },
  { msg_type: "fault", content: { reason: "ValueError: x (warden.py:112)" } },
  { msg_type: "hello", content: { sandbox: "abc", secret: "s", role: "kernel" } },
];

function rawFrame(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  const frame = Buffer.alloc(4 + bytes.length);
  frame.writeUInt32BE(bytes.length);
  bytes.copy(frame, 4);
  return frame;
}

function lengthOnly(length: number): Buffer {
  const frame = Buffer.alloc(4);
  frame.writeUInt32BE(length);
  return frame;
}

describe("FrameParser", () => {
  test("returns what encodeFrame made", () => {
    const message = { text: "ä€😀\u0000\n", list: [1, -2.5, null, true] };
    expect(new FrameParser().push(encodeFrame(message))).toEqual([message]);
  });

  test("reads frames that come byte by byte", () => {
    const parser = new FrameParser();
    const bytes = Buffer.concat(good.map(encodeFrame));
    const values = [...bytes].flatMap((byte) => parser.push(Buffer.from([byte])));
    expect(values).toEqual(good);
  });

  test("reads frames cut at every single place", () => {
    const bytes = Buffer.concat([encodeFrame({ a: "ä" }), encodeFrame({ b: 2 })]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parser = new FrameParser();
      const values = [...parser.push(bytes.subarray(0, cut)), ...parser.push(bytes.subarray(cut))];
      expect(values).toEqual([{ a: "ä" }, { b: 2 }]);
    }
  });

  test("returns many frames of one chunk in order", () => {
    const values = Array.from({ length: 1000 }, (_, n) => ({ n }));
    expect(new FrameParser().push(Buffer.concat(values.map(encodeFrame)))).toEqual(values);
  });

  test("takes the largest frame and refuses a larger one before its body comes", () => {
    const body = `"${"x".repeat(FRAME_BYTES_MAX - 2)}"`;
    expect(new FrameParser().push(rawFrame(body))).toHaveLength(1);
    for (const length of [FRAME_BYTES_MAX + 1, 0x7fffffff, 0xffffffff]) {
      expect(() => new FrameParser().push(lengthOnly(length))).toThrow(ProtocolViolation);
    }
  });

  test.each(["", "{", "nonsense", "{'a':1}", '{"a":NaN}', '{"a":1}x'])(
    "refuses a frame that holds %j",
    (body) => {
      expect(() => new FrameParser().push(rawFrame(body))).toThrow(ProtocolViolation);
    },
  );

  test("an error never repeats what the guest sent", () => {
    expect(() => new FrameParser().push(rawFrame("<script>"))).toThrow(
      /^a frame that is not JSON$/,
    );
  });

  test("holds little more than the bytes of a frame that dribbles in", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = () => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const parser = new FrameParser();
    parser.push(lengthOnly(FRAME_BYTES_MAX));
    const before = used();
    const bytes = 100_000;
    for (let sent = 0; sent < bytes; sent++) parser.push(Buffer.alloc(1));
    expect(used() - before).toBeLessThan(20 * bytes);
    expect(parser.push(Buffer.alloc(1))).toEqual([]);
  });
});

describe("countJsonValues", () => {
  const count = (text: string) => countJsonValues(Buffer.from(text));

  test("what is dear to parse weighs more", () => {
    expect(count("[1,2,3]")).toBe(10 + 2);
    expect(count('{"a":1}')).toBe(10 + 3 + 10);
    expect(count('["a",[],{}]')).toBe(30 + 3 + 2);
  });

  test("what stands in strings does not count", () => {
    expect(count(String.raw`["a,b:c[{\"", "\\", ","]`)).toBe(10 + 3 * 3 + 2);
  });

  test("wherever a string is long, its end is found", () => {
    for (const filler of ["x", String.raw`\\`, String.raw`\"`, "é", `x${String.raw`\"`}`]) {
      for (const length of [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000]) {
        const text = filler.repeat(length);
        expect(count(`["${text}",1,"${text}"]`), filler + length).toBe(10 + 2 * 3 + 2);
        expect(count(`["${text}`)).toBe(10 + 3);
      }
    }
  });

  test("some bytes at a time come to the same", () => {
    const text = Buffer.from(String.raw`[{"a\\":[1,"x\"",true]},"${"y".repeat(200)}\\","",{}]`);
    for (let step = 1; step < 80; step++) {
      const values = new JsonValueCount(text, Number.POSITIVE_INFINITY);
      while (!values.isOver) values.advance(step);
      expect(values.count, `${step}`).toBe(countJsonValues(text));
    }
  });

  test("as much as matters is counted, and no more", () => {
    expect(countJsonValues(Buffer.from(`[${"1,".repeat(1000)}1]`), 50)).toBe(51);
    expect(countJsonValues(Buffer.from("[1,2]"), 50)).toBe(11);
  });

  test.each([
    ["quotes", `"${String.raw`\"`.repeat(3_000_000)}"`],
    ["backslashes", `"${String.raw`\\`.repeat(3_000_000)}"`],
    ["white space", " ".repeat(6_000_000)],
  ])("six megabytes of %s are counted in no time", (_, text) => {
    const bytes = Buffer.from(text);
    const tookMs = [1, 2, 3].map(() => {
      const before = process.cpuUsage();
      countJsonValues(bytes);
      return process.cpuUsage(before).user / 1000;
    });
    // By the processor's clock and the best of three: neighbours of the test take their share.
    expect(Math.min(...tookMs)).toBeLessThan(50);
  });

  test("too many levels are refused", () => {
    expect(() => count("[".repeat(501))).toThrow(ProtocolViolation);
    expect(count("[]".repeat(501))).toBe(5010);
  });
});

describe("checkMessage", () => {
  test("a bundle of very many types is refused", () => {
    const data = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`k${index}`, ""]));
    const message = { msg_type: "display_data", content: { data, metadata: {}, transient: {} } };
    expect(() => checkMessage(message, new Set(["display_data"] as const))).toThrow(
      ProtocolViolation,
    );
  });

  test.each(good.map((message) => [message.msg_type, message] as const))(
    "accepts a %s message",
    (_, message) => {
      expect(checkMessage(message, everyType)).toEqual(message);
    },
  );

  test.each([undefined, null, 1, "text", [], {}, { msg_type: 7 }, { msg_type: "stream" }])(
    "refuses %j",
    (value) => {
      expect(() => checkMessage(value, everyType)).toThrow(ProtocolViolation);
    },
  );

  test.each(["shutdown", "", "__proto__", "constructor", "toString", "STREAM"])(
    "refuses the type %j",
    (type) => {
      expect(() => checkMessage({ msg_type: type, content: {} }, everyType)).toThrow(
        ProtocolViolation,
      );
    },
  );

  test("refuses a known type where it is not expected", () => {
    const allowed = new Set(["warden_ready"] as const);
    expect(() => checkMessage(good[0], allowed)).toThrow(ProtocolViolation);
  });

  test.each(good.map((message) => [message.msg_type, message] as const))(
    "refuses an extra field in a %s message's content",
    (_, message) => {
      const content = { ...message.content, extra: 1 };
      expect(() => checkMessage({ ...message, content }, everyType)).toThrow(ProtocolViolation);
    },
  );

  test("refuses an extra field beside type and content", () => {
    expect(() => checkMessage({ ...good[0], extra: "x" }, everyType)).toThrow(ProtocolViolation);
  });

  test("refuses every field with a value of another type", () => {
    for (const message of good) {
      for (const [field, value] of Object.entries(message.content)) {
        for (const wrong of ["text", 1.5, true, null, [], { a: 1 }, [1], -1]) {
          const isBundle = ["data", "metadata", "transient"].includes(field);
          const sameKind =
            typeof wrong === typeof value && Array.isArray(wrong) === Array.isArray(value);
          const optionalNull = wrong === null && ["error", "exit_code"].includes(field);
          const anyText = typeof wrong === "string" && !["name", "role", "status"].includes(field);
          const anyFraction = wrong === 1.5 && field === "execution_time";
          const accepted =
            optionalNull ||
            (sameKind && typeof wrong === "boolean") ||
            (sameKind && anyText) ||
            (isBundle && sameKind && wrong !== null) ||
            anyFraction;
          if (accepted) continue;
          const content = { ...message.content, [field]: wrong };
          expect(
            () => checkMessage({ msg_type: message.msg_type, content }, everyType),
            `${message.msg_type}.${field} = ${JSON.stringify(wrong)}`,
          ).toThrow(ProtocolViolation);
        }
      }
    }
  });

  test("accepts the longest error that a kernel sends, whatever its characters", () => {
    for (const character of ["x", "😀", "e\u0301"]) {
      const longest = [...character.repeat(65_536)].slice(0, 65_536).join("");
      const error = { ename: "E", evalue: longest, traceback: [longest] };
      const message = { msg_type: "execute_reply", content: { ...reply, status: "error", error } };
      expect(() => checkMessage(message, everyType)).not.toThrow();
    }
  });
});

/** Marsaglia's xorshift: the same numbers in every run. */
function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

test("mutated frames never cause anything but a ProtocolViolation", () => {
  const random = seededRandom(20_240_607);
  const seeds = good.map(encodeFrame);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const mutations: ((frame: Buffer) => Buffer)[] = [
    (frame) => {
      frame[random(frame.length)] = random(256);
      return frame;
    },
    (frame) => frame.subarray(0, random(frame.length)),
    (frame) => Buffer.concat([frame, frame.subarray(random(frame.length))]),
    (frame) => {
      const at = 4 + random(frame.length - 4);
      const added = pick(["[", "{", '"', ",", "null", "1e999", "\\u0000", "-", "__proto__"]);
      return rawFrame(
        Buffer.concat([frame.subarray(4, at), Buffer.from(added), frame.subarray(at)]),
      );
    },
    (frame) =>
      rawFrame(frame.toString("latin1", 4).replace(/"(\w+)":/, `"${pick(["x", "msg_type"])}":`)),
    (frame) =>
      rawFrame(frame.toString("latin1", 4).replace(/\d+|"\w*"/, pick(["[]", "{}", "-1", "null"]))),
  ];
  let accepted = 0;
  let refused = 0;
  for (let round = 0; round < 5000; round++) {
    const parser = new FrameParser();
    try {
      const frame = pick(mutations)(Buffer.from(pick(seeds)));
      for (const value of parser.push(frame)) {
        checkMessage(value, everyType);
        accepted++;
      }
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolViolation);
      refused++;
    }
  }
  expect(accepted).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(1000);
});
