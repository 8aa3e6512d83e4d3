/** `npm run soak` in short, to see that it works and that nothing leaks fast. */
import { expect, test } from "vitest";
import { chosenSeed } from "../fuzz/random.ts";
import { manySessions } from "../soak/many-sessions.ts";
import { soak } from "../soak/soak.ts";

test("attackers and honest sessions together: nothing grows, no answer is wrong", async () => {
  const seed = chosenSeed();
  const report = await soak({
    seconds: 30,
    seed,
    attackers: 3,
    keyHolders: 2,
    idleStreams: 100,
    growthFactor: 3,
    healthP99MsMax: 2000,
  });
  expect(report.faults, `with FUZZ_SEED=${seed}:\n${report.table}`).toEqual([]);
}, 180_000);

test("more sessions at once than small descriptor numbers would serve: every answer is right", async () => {
  const report = await manySessions(550);
  expect(report.faults, report.table).toEqual([]);
}, 180_000);
