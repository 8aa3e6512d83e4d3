/** `npm run fuzz`: the fuzzers of the tests, for as long as one likes. */
import { parseArgs } from "node:util";
import { abuseKeeper } from "../faults/hostile-gateway.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { checkChannel } from "./channel-properties.ts";
import { fuzzGuest } from "./guest.ts";
import { fuzzHttp } from "./http.ts";
import { checkPorter } from "./porter.ts";
import { parseSeed, Random, withSeed } from "./random.ts";
import { checkGuestReader, checkRoundTrip } from "./round-trip.ts";
import { fuzzSession } from "./session-requests.ts";

const USAGE = `npm run fuzz -- [options]
  --seconds N     how long each target is fuzzed, 60 without it
  --seed S        the seed that an earlier run has printed
  --only A,B      these targets only: channel, porter, http, session, guest, keeper`;

const FUZZ_ENV = { MAX_SESSIONS: "20", MAX_EXECUTION_TIME: "5", ACQUIRE_TIMEOUT: "2" };
const ROUND_TRIPS = 500;

function fuzzChannel(random: Random, seconds: number): { rounds: number } {
  const deadline = performance.now() + seconds * 1000;
  let rounds = 0;
  while (performance.now() < deadline) {
    for (let count = 0; count < 1000; count++) checkChannel(random);
    checkRoundTrip(random, ROUND_TRIPS);
    checkGuestReader(random, ROUND_TRIPS);
    rounds += 1000;
  }
  return { rounds };
}

async function fuzzPorter(random: Random, seconds: number): Promise<{ rounds: number }> {
  const deadline = performance.now() + seconds * 1000;
  let rounds = 0;
  for (; performance.now() < deadline; rounds++) await checkPorter(random);
  return { rounds };
}

async function withServer<T>(work: (server: TestServer) => Promise<T>): Promise<T> {
  const server = await startServer({ env: FUZZ_ENV });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

const { values } = parseArgs({
  options: { seconds: { type: "string" }, seed: { type: "string" }, only: { type: "string" } },
});
const seconds = Number(values.seconds ?? 60);
const seed = values.seed === undefined ? new Random(Date.now()).seed() : parseSeed(values.seed);
const targets: Readonly<Record<string, (random: Random) => Promise<object>>> = {
  channel: async (random: Random) => fuzzChannel(random, seconds),
  porter: (random: Random) => fuzzPorter(random, seconds),
  http: (random: Random) => withServer((server) => fuzzHttp(server, random, seconds)),
  session: (random: Random) => withServer((server) => fuzzSession(server, random, seconds)),
  guest: (random: Random) => withServer((server) => fuzzGuest(server, random, seconds)),
  // It has a server of its own, whose gateway is stopped.
  keeper: (random: Random) => abuseKeeper(random, seconds),
};
const chosen = values.only?.split(",") ?? Object.keys(targets);
if (!(seconds > 0) || chosen.some((name) => !(name in targets))) {
  console.error(USAGE);
  process.exit(2);
}
console.log(`seed ${seed}`);
for (const name of chosen) {
  const fuzz = targets[name];
  if (fuzz) console.log(name, await withSeed(seed, () => fuzz(new Random(seed))));
}
