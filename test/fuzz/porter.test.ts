/** A bounded run of the fuzzer of the porter's frames; `npm run fuzz` has longer ones. */
import { test } from "vitest";
import { checkPorter } from "./porter.ts";
import { chosenSeed, Random, withSeed } from "./random.ts";

const seed = chosenSeed();

test(
  "whatever a porter sends, it is read one way, everybody gets an end, and no file is half",
  () =>
    withSeed(seed, async () => {
      const random = new Random(seed);
      for (let round = 0; round < 300; round++) await checkPorter(random);
    }),
  60_000,
);
