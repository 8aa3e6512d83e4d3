/** A short `npm run faults`. */
import { expect, test } from "vitest";
import { injectFaults } from "../faults/faults.ts";
import { KINDS } from "../faults/injector.ts";
import { injureInTheMiddle, MOMENTS } from "../faults/moments.ts";
import { chosenSeed } from "../fuzz/random.ts";

test("whichever process is killed or stopped, sessions keep what was promised", async () => {
  const seed = chosenSeed();
  const { faults, summary } = await injectFaults({ seconds: 25, seed, kinds: KINDS });
  expect(faults, `with FUZZ_SEED=${seed}:\n${summary}`).toEqual([]);
}, 180_000);

/** `npm run faults` has all of them. */
test("clients get an end when a process dies in the middle, the workspace is full, the server stops", async () => {
  const chosen = [
    ...["kill the porter during upload", "kill the porter during download"],
    ...[
      "kill the porter during watch",
      "kill the warden during input",
      "kill the kernel during question",
    ],
  ];
  const moments = MOMENTS.filter(({ activity, victim, injury }) =>
    chosen.includes(`${injury} the ${victim} during ${activity}`),
  );
  expect(moments).toHaveLength(chosen.length);
  const { faults, summary } = await injureInTheMiddle(moments);
  expect(faults, summary).toEqual([]);
}, 180_000);
