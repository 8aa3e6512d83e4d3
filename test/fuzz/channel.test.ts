/** A bounded run of the fuzzer of the channel; `npm run fuzz` has longer ones. */
import { expect, test } from "vitest";
import {
  countJsonValues,
  FRAME_BYTES_MAX,
  FrameParser,
} from "../../packages/server/src/sandbox/guest/channel.ts";
import { checkChannel } from "./channel-properties.ts";
import { rawFrame } from "./frames.ts";
import { chosenSeed, Random, withSeed } from "./random.ts";
import { checkGuestReader, checkRoundTrip } from "./round-trip.ts";

const seed = chosenSeed();

test(
  "hostile bytes end in a ProtocolViolation or in the same values, however they are split",
  () =>
    withSeed(seed, () => {
      const random = new Random(seed);
      for (let round = 0; round < 700; round++) checkChannel(random);
    }),
  30_000,
);

test(
  "what the gateway writes, the guest reads as the same, and the reverse",
  () => withSeed(seed, () => checkRoundTrip(new Random(seed), 1000)),
  30_000,
);

test(
  "the guest's reader ends as its documentation says, whatever arrives",
  () => withSeed(seed, () => checkGuestReader(new Random(seed), 500)),
  30_000,
);

test("a frame of the largest size in pieces is held once", () => {
  const parser = new FrameParser();
  const frame = rawFrame(`"${"x".repeat(FRAME_BYTES_MAX - 2)}"`);
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let at = 0; at < frame.length - 1; at += 65_536) {
    parser.push(frame.subarray(at, Math.min(at + 65_536, frame.length - 1)));
    most = Math.max(most, parser.heldBytes);
  }
  expect(most).toBe(FRAME_BYTES_MAX + 3);
  // The buffer doubles, and the one that it replaces may not be collected yet.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5 * FRAME_BYTES_MAX);
  expect(parser.push(frame.subarray(-1))).toHaveLength(1);
  expect(parser.heldBytes).toBe(0);
});

/** Texts that are expensive for a counter that looks at bytes more than once. */
const EXPENSIVE = ['"', "\\", '\\"', '"\\\\', "[", "]", ",", '"\\"', '{"":'];

test.each(EXPENSIVE)("counting eight MiB of %j takes no longer than reading them", (piece) => {
  const text = Buffer.from(piece.repeat(FRAME_BYTES_MAX / piece.length));
  const quoted = Buffer.concat([Buffer.from('"'), text]);
  const start = performance.now();
  for (const bytes of [text, quoted]) {
    try {
      countJsonValues(bytes);
    } catch {
      // Too deep, which is an answer as well.
    }
  }
  // A second look at what lies behind, for each byte, would take minutes.
  expect(performance.now() - start).toBeLessThan(3000);
});
