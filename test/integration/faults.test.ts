/** What `npm run faults` has found; short runs of it are in `test/long`. */
import { expect, test } from "vitest";
import { abuseKeeper } from "../faults/hostile-gateway.ts";
import { chosenSeed, Random, withSeed } from "../fuzz/random.ts";
import { takeSample } from "../soak/resources.ts";
import { eventually } from "../support/host.ts";
import { findRoles, findSandboxes } from "../support/roles.ts";
import { startServer, type TestServer } from "../support/server.ts";

test("a gateway in wrong hands neither ends the keeper nor holds it up", () => {
  const seed = chosenSeed();
  return withSeed(seed, async () => {
    const { operations } = await abuseKeeper(new Random(seed), 2);
    expect(operations).toBeGreaterThan(100);
  });
}, 180_000);

/** A zygote imports for seconds before it can serve again, and for many on a machine with other work. */
const TIMEOUT_MS = 180_000;

async function withServer(work: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer({ env: { POOL_SIZE: "0" } });
  try {
    await work(server);
    await server.stop();
  } finally {
    await server.end("SIGTERM");
  }
}

/** Who tells the end of a process when those who would know are dead as well? */
test.each([
  ["keeper", "kernel"],
  ["keeper", "warden"],
  ["zygote", "kernel"],
] as const)("a run ends when %s and its own %s are killed together", (service, own) =>
  withServer(async (server) => {
    await server.execute({ session_id: "own", code: "kept = 1" });
    const run = server.execute({ session_id: "own", code: "import time\ntime.sleep(25)" });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const roles = findRoles(server);
    const victims = [
      service === "keeper" ? roles.keeper?.pid : roles.zygotes[0]?.pid,
      findSandboxes(server)[0]?.[own],
    ];
    for (const pid of victims) {
      expect(pid).toBeGreaterThan(1);
      process.kill(pid ?? 0, "SIGKILL");
    }
    const answer = await run;
    expect(answer.status).toBe("killed");
    expect(answer.usage.wall_time).toBeLessThan(15);
    await eventually(async () => {
      const code = "print('kept' in globals())";
      const next = await server.tryExecute({ session_id: "own", code });
      return next.body.stdout === "False\n" ? undefined : next.text;
    }, 15_000);
  }),
);

test(
  "a session whose sandbox dies while it is idle gives its place back",
  () =>
    withServer(async (server) => {
      await server.execute({ session_id: "idle", code: "kept = 1" });
      process.kill(findSandboxes(server)[0]?.warden ?? 0, "SIGKILL");
      await eventually(
        () => (findSandboxes(server).length === 0 ? undefined : "the sandbox lives"),
        5000,
      );
      // Its end has to be known before the session is used, so that nobody waits for it.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const fresh = await server.execute({
        session_id: "idle",
        code: "print('kept' in globals())",
      });
      expect(fresh.stdout).toBe("False\n");
      await server.request("/sessions/idle", { method: "DELETE" });
      await eventually(async () => {
        const { body } = await server.request<{ pool: { leased: number } }>("/status");
        return body.pool.leased === 0 ? undefined : `${body.pool.leased} places are taken`;
      }, 10_000);
    }),
  TIMEOUT_MS,
);

test(
  "starts that fail leave no descriptor behind in the gateway",
  () =>
    withServer(async (server) => {
      await server.execute({ code: "1" });
      const before = takeSample(server)["gateway descriptors"];
      for (let round = 0; round < 2; round++) {
        const runs = Array.from({ length: 4 }, () => server.tryExecute({ code: "1" }));
        // With a pool of none these are starts under way, whose kernels only a zygote can make.
        const { zygotes } = findRoles(server);
        process.kill(zygotes[0]?.pid ?? 0, "SIGSTOP");
        await new Promise((resolve) => setTimeout(resolve, 300));
        process.kill(zygotes[0]?.pid ?? 0, "SIGKILL");
        for (const { status } of await Promise.all(runs)) expect([200, 503]).toContain(status);
        await server.execute({ code: "1" });
      }
      await eventually(async () => {
        const { body } = await server.request<{ pool: { idle: number } }>("/status");
        // What was made for those who got a 503 waits for the next, and has descriptors too.
        if (body.pool.idle > 0) await server.execute({ code: "1" });
        const after = takeSample(server)["gateway descriptors"];
        return after <= before + 1 ? undefined : `${after} descriptors, ${before} before`;
      }, 20_000);
    }),
  TIMEOUT_MS,
);
