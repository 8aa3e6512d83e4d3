/** `npm run corpus`: public programs inside and outside of a sandbox, and where and why their results differ. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseSeed, Random } from "../fuzz/random.ts";
import { startServer } from "../support/server.ts";
import { collections } from "./collections.ts";
import { unpacked } from "./fetch.ts";
import { runInside } from "./inside.ts";
import { type Judgement, judge } from "./judge.ts";
import type { Outcome } from "./outcome.ts";
import { runOutside } from "./outside.ts";
import { draw, type Program, programsOf } from "./programs.ts";

const USAGE = `npm run corpus -- [options]
  --limit N     how many programs, 300 without it
  --only A,B    collections: ${collections.map(({ name }) => name).join(", ")}
  --seconds N   for each program, 60 without it
  --seed S      the seed that an earlier run has printed, for the same programs`;
const AT_ONCE = 2;

const { values } = parseArgs({
  options: {
    limit: { type: "string", default: "300" },
    only: { type: "string" },
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
  },
});
const [limit, seconds] = [Number(values.limit), Number(values.seconds)];
const wanted = values.only?.split(",") ?? collections.map(({ name }) => name);
const isKnown = wanted.every((one) => collections.some(({ name }) => name === one));
if (!Number.isInteger(limit) || !(limit > 0) || !(seconds > 0) || !isKnown) {
  console.error(USAGE);
  process.exit(2);
}
const seed = values.seed === undefined ? new Random(Date.now()).seed() : parseSeed(values.seed);
console.log(`seed ${seed}`);

const { STATE_DIR = "/var/lib/glovebox", DEBIAN_MIRROR } = process.env;
const directory = join(STATE_DIR, "cache", "corpus");
mkdirSync(directory, { recursive: true });
const all = collections
  .filter(({ name }) => wanted.includes(name))
  .flatMap((one) => programsOf(one, unpacked(one, { directory, mirror: DEBIAN_MIRROR })));
const chosen = draw(all, limit, new Random(seed));
console.log(`${chosen.length} of ${all.length} programs`);

const server = await startServer({
  env: { MAX_EXECUTION_TIME: String(seconds), MAX_MEMORY_MB: "1024" },
});
const judged: { readonly program: Program; readonly judgement: Judgement }[] = [];

async function work(): Promise<void> {
  for (let program = chosen.pop(); program; program = chosen.pop()) {
    const one = program;
    const outside = { rootfsDir: server.rootfsDir, timeoutMs: seconds * 1000 };
    const here = await runInside(server, one).catch(refused);
    const there = await runOutside(one, outside);
    const judgement = await judge(here, there, () => runOutside(one, outside));
    judged.push({ program: one, judgement });
    const { verdict, kind, why } = judgement;
    if (verdict !== "works") console.log(`${verdict} (${kind})  ${one.name}\n    ${why}`);
  }
}

/** What the service does not take at all is ours to explain. */
function refused(error: Error): Outcome {
  return {
    ...{ end: "error", stdout: "", pictures: 0 },
    error: { name: "refused", message: error.message },
  };
}

try {
  await Promise.all(Array.from({ length: AT_ONCE }, work));
} finally {
  await server.stop();
}
const counts = new Map<string, number>();
for (const { judgement } of judged) {
  const name =
    judgement.kind === null ? judgement.verdict : `${judgement.verdict} (${judgement.kind})`;
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
console.log(`\n${judged.length} programs`);
for (const [name, count] of [...counts].sort(([, a], [, b]) => b - a)) {
  console.log(`${String(count).padStart(5)}  ${name}`);
}
const ours = judged.filter(
  ({ judgement }) => judgement.verdict === "differs" && judgement.kind === "ours",
);
process.exitCode = ours.length === 0 ? 0 : 1;
