/** `npm run soak`: exits with 0 when nothing has grown and no answer was wrong. */
import { parseArgs } from "node:util";
import { parseSeed, Random } from "../fuzz/random.ts";
import { soak } from "./soak.ts";

const USAGE = `npm run soak -- [options]
  --minutes N     how long, 10 without it
  --attackers N   attacks at a time, 4 without it
  --seed S        the seed that an earlier run has printed`;
const HEALTH_P99_MS_MAX = 200;
const PROGRESS_EVERY = 10;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    attackers: { type: "string", default: "4" },
    seed: { type: "string" },
  },
});
const [minutes, attackers] = [Number(values.minutes), Number(values.attackers)];
if (!(minutes > 0) || !Number.isInteger(attackers) || attackers < 0) {
  console.error(USAGE);
  process.exit(2);
}
const seed = values.seed === undefined ? new Random(Date.now()).seed() : parseSeed(values.seed);
console.log(`seed ${seed}`);
let samples = 0;
const { table, faults } = await soak({
  seconds: minutes * 60,
  seed,
  attackers,
  growthFactor: 1,
  healthP99MsMax: HEALTH_P99_MS_MAX,
  onProgress: (line) => {
    if (samples++ % PROGRESS_EVERY === 0) console.log(line);
  },
});
console.log(`\n${table}`);
process.exitCode = faults.length === 0 ? 0 : 1;
