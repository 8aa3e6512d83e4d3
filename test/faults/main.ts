/** `npm run faults`: exits with 0 when every promise was kept. */
import { parseArgs } from "node:util";
import { parseSeed, Random } from "../fuzz/random.ts";
import { ACTIVITIES } from "./activities.ts";
import { injectFaults } from "./faults.ts";
import { abuseKeeper } from "./hostile-gateway.ts";
import { KINDS } from "./injector.ts";
import { injureInTheMiddle, MOMENTS } from "./moments.ts";

const USAGE = `npm run faults -- [options]
  --only A,B      some of the three parts: random, middle, hostile
  --minutes N     how long the random part takes, 5 without it
  --kill A,B      only these: zygote, keeper, gateway, warden, kernel
  --during A,B    the middle of these only: ${ACTIVITIES.join(", ")}
  --seed S        the seed that an earlier run has printed`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    minutes: { type: "string", default: "5" },
    kill: { type: "string", default: KINDS.join(",") },
    during: { type: "string", default: ACTIVITIES.join(",") },
    seed: { type: "string" },
  },
});
const minutes = Number(values.minutes);
const kinds = values.kill.split(",").map((name) => KINDS.find((kind) => kind === name));
const PARTS = ["random", "middle", "hostile"];
const parts = values.only?.split(",") ?? PARTS;
const areParts = parts.every((name) => PARTS.includes(name));
const seed = values.seed === undefined ? new Random(Date.now()).seed() : parseSeed(values.seed);
const during = values.during.split(",");
const moments = MOMENTS.filter(({ activity }) => during.includes(activity));
if (!areParts || moments.length === 0 || !(minutes > 0) || kinds.includes(undefined)) {
  console.error(USAGE);
  process.exit(2);
}
console.log(`seed ${seed}`);
const faults: string[] = [];

async function run(part: Promise<{ summary: string; faults: readonly string[] }>): Promise<void> {
  const report = await part;
  console.log(report.summary);
  faults.push(...report.faults);
}

if (parts.includes("random")) {
  const options = {
    ...{ seconds: minutes * 60, seed, kinds: kinds.filter((kind) => kind !== undefined) },
    onProgress: (line: string) => console.log(line),
  };
  await run(injectFaults(options));
}
if (parts.includes("middle")) await run(injureInTheMiddle(moments));
if (parts.includes("hostile")) {
  const report = abuseKeeper(new Random(seed), minutes * 60).then(
    ({ summary }) => ({ summary, faults: [] }),
    (error: Error) => ({ summary: `FAILED: ${error.message}`, faults: [error.message] }),
  );
  await run(report);
}
process.exitCode = faults.length === 0 ? 0 : 1;
