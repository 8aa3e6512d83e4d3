/**
 * What one holder of the smallest key can do to everybody: each way to take more than the key gives, tried
 * while an honest key works, and all of them together. The long version is `npm run soak`.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { chosenSeed, Random } from "../fuzz/random.ts";
import {
  abuseOnce,
  abuses,
  type KeyQuotas,
  makeKey,
  ONE_SESSION,
  SMALLEST,
} from "../soak/key-holders.ts";
import { bringBackToRest, bringToRest, compareRests } from "../soak/rest.ts";
import { percentile } from "../soak/trend.ts";
import { type HealthProbe, probeHealth } from "../support/health.ts";
import { asKey, startServer, type TestServer, uniqueId } from "../support/server.ts";

/** A machine of its own answers in a few; the rest is for the attackers of this process beside it. */
const HEALTH_LATE_MS = 200;
/** Of all answers; of a few dozen, one. */
const LATE_PART_MAX = 0.03;
const HEALTH_MS_MAX = 1000;
const TOGETHER_MS = 10_000;

let server: TestServer;
let probe: HealthProbe;
const random = new Random(chosenSeed());

beforeAll(async () => {
  server = await startServer({ env: { MAX_SESSIONS: "20" } });
});

afterAll(async () => {
  await server?.stop();
});

/** Runs, results and files of an honest key until it is told to stop. Resolves with how many there were. */
async function honestly(isOver: () => boolean): Promise<number> {
  const honest = asKey(server, await makeKey(server, "honest"));
  const session_id = uniqueId("honest");
  let runs = 0;
  await honest.execute({ session_id, code: "runs = 0" });
  do {
    runs += 1;
    const answer = await honest.execute({ session_id, code: "runs += 1\nprint(runs)" });
    expect(answer.stdout).toBe(`${runs}\n`);
    const kept = await honest.request<{ stdout: string }>(
      `/sessions/${session_id}/executions/${runs + 1}`,
    );
    expect(kept.status, kept.text).toBe(200);
    const { stdout } = await honest.execute({ code: "print(6 * 7)" });
    expect(stdout).toBe("42\n");
    await new Promise((resolve) => setTimeout(resolve, 30));
  } while (!isOver());
  return runs;
}

async function besideHonestWork(abuse: () => Promise<void>): Promise<void> {
  let over = false;
  const work = honestly(() => over);
  probe = probeHealth(server);
  try {
    await abuse();
  } finally {
    over = true;
  }
  expect(await work).toBeGreaterThan(0);
  await probe.stop();
  const { answersMs } = probe;
  const most = percentile(answersMs, 1);
  expect(Math.min(...answersMs), "/health was not answered").toBeGreaterThanOrEqual(0);
  const late = answersMs.filter((ms) => ms >= HEALTH_LATE_MS);
  const allowed = Math.max(1, Math.floor(answersMs.length * LATE_PART_MAX));
  expect(late.length, `of ${answersMs.length}: ${late} ms`).toBeLessThanOrEqual(allowed);
  expect(most).toBeLessThan(HEALTH_MS_MAX);
}

const holder = async (quotas: KeyQuotas) => ({
  server,
  secret: await makeKey(server, "holder", quotas),
  random: new Random(random.seed()),
});

test.each(Object.keys(abuses))("%s costs the key that does it, and nobody else", async (name) => {
  const smallest = await holder(SMALLEST);
  const oneSession = await holder(ONE_SESSION);
  await besideHonestWork(async () => {
    for (const one of [smallest, oneSession, oneSession]) await abuseOnce(one, name);
  });
});

test("all of it at once leaves the service as it was", async () => {
  const before = await bringToRest(server);
  const holders = [await holder(SMALLEST), await holder(ONE_SESSION)];
  const end = performance.now() + TOGETHER_MS;
  await besideHonestWork(async () => {
    await Promise.all(
      holders.map(async (one) => {
        while (performance.now() < end) await abuseOnce(one);
      }),
    );
  });
  expect(compareRests(before, await bringBackToRest(server, before))).toEqual([]);
});
