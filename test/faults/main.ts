/** `npm run faults`: exits with 0 when every promise was kept. */
import { parseArgs } from "node:util";
import { parseSeed, Random } from "../fuzz/random.ts";
import { injectFaults } from "./faults.ts";
import { KINDS } from "./injector.ts";

const USAGE = `npm run faults -- [options]
  --minutes N     how long, 5 without it
  --kill A,B      only these: zygote, keeper, gateway, warden, kernel
  --seed S        the seed that an earlier run has printed`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    kill: { type: "string", default: KINDS.join(",") },
    seed: { type: "string" },
  },
});
const minutes = Number(values.minutes);
const kinds = values.kill.split(",").map((name) => KINDS.find((kind) => kind === name));
if (!(minutes > 0) || kinds.includes(undefined)) {
  console.error(USAGE);
  process.exit(2);
}
const seed = values.seed === undefined ? new Random(Date.now()).seed() : parseSeed(values.seed);
console.log(`seed ${seed}`);
const { summary, faults } = await injectFaults({
  seconds: minutes * 60,
  seed,
  kinds: kinds.filter((kind) => kind !== undefined),
  onProgress: (line) => console.log(line),
});
console.log(summary);
process.exitCode = faults.length === 0 ? 0 : 1;
