/** `npm run faults`: exits with 0 when every promise was kept. */
import { parseArgs } from "node:util";
import { parseSeed, Random } from "../fuzz/random.ts";
import { injectFaults } from "./faults.ts";

const USAGE = `npm run faults -- [options]
  --minutes N     how long, 5 without it
  --seed S        the seed that an earlier run has printed`;

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(USAGE);
  process.exit(2);
}
const seed = values.seed === undefined ? new Random(Date.now()).seed() : parseSeed(values.seed);
console.log(`seed ${seed}`);
const { summary, faults } = await injectFaults({
  seconds: minutes * 60,
  seed,
  onProgress: (line) => console.log(line),
});
console.log(summary);
process.exitCode = faults.length === 0 ? 0 : 1;
