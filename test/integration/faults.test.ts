/** A short `npm run faults`. */
import { expect, test } from "vitest";
import { injectFaults } from "../faults/faults.ts";
import { KINDS } from "../faults/injector.ts";
import { chosenSeed } from "../fuzz/random.ts";

test("whichever process is killed or stopped, sessions keep what was promised", async () => {
  const seed = chosenSeed();
  const { faults, summary } = await injectFaults({ seconds: 25, seed, kinds: KINDS });
  expect(faults, `with FUZZ_SEED=${seed}:\n${summary}`).toEqual([]);
}, 180_000);
