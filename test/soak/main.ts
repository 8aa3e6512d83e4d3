/** `npm run soak`: exits with 0 when nothing has grown and no answer was wrong. */
import { parseArgs } from "node:util";
import { parseSeed, Random } from "../fuzz/random.ts";
import { manySessions } from "./many-sessions.ts";
import { soak } from "./soak.ts";

const USAGE = `npm run soak -- [options]
  --minutes N     how long, 10 without it
  --attackers N   attacks at a time, 4 without it
  --key-holders N clients with keys of the smallest quotas, 2 without it
  --health MS     what 99 of 100 answers of /health may take, 200 without it
  --idle N        clients that follow a run which says nothing, 1000 without it
  --seed S        the seed that an earlier run has printed
  --sessions N    instead of all this: N sessions alive at once, each used, then stopped`;
const PROGRESS_EVERY = 10;
const FAULTS_SHOWN = 20;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    attackers: { type: "string", default: "4" },
    "key-holders": { type: "string", default: "2" },
    health: { type: "string", default: "200" },
    idle: { type: "string", default: "1000" },
    seed: { type: "string" },
    sessions: { type: "string" },
  },
});
if (values.sessions !== undefined) await runManySessions(Number(values.sessions));
const minutes = Number(values.minutes);
const [attackers, keyHolders, idleStreams, healthP99MsMax] = [
  values.attackers,
  values["key-holders"],
  values.idle,
  values.health,
].map(Number) as [number, number, number, number];
const areCounts = [attackers, keyHolders, idleStreams, healthP99MsMax].every(
  (count) => Number.isInteger(count) && count >= 0,
);
if (!(minutes > 0) || !areCounts) {
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
  keyHolders,
  idleStreams,
  growthFactor: 1,
  healthP99MsMax,
  onProgress: (line) => {
    if (samples++ % PROGRESS_EVERY === 0) console.log(line);
  },
});
console.log(`\n${table}`);
process.exitCode = faults.length === 0 ? 0 : 1;

async function runManySessions(sessions: number): Promise<never> {
  if (!Number.isInteger(sessions) || sessions < 1) {
    console.error(USAGE);
    process.exit(2);
  }
  const { faults } = await manySessions(sessions, (line) => console.log(line));
  for (const fault of faults.slice(0, FAULTS_SHOWN)) console.error(fault);
  process.exit(faults.length === 0 ? 0 : 1);
}
