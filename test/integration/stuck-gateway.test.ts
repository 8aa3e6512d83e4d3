/**
 * A gateway that stands still, as one does whose event loop is held up: what runs ends by its deadline all the
 * same, and a gateway that does not come back is replaced. SIGSTOP needs no hook in the product.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/host.ts";
import { findRoles, findSandboxes } from "../support/roles.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";

const WATCHDOG_S = 9;
/** After the deadline: the gateway's own grace, what the keeper adds, and twice its look. */
const ENDED_AFTER_MS_MAX = 5000;
const BURN = "while True: pass";
/** It takes an interrupt and goes on, as hostile code does. */
const HOLD_ON = `while True:
  try:
    while True: pass
  except BaseException: pass`;

let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    env: { WATCHDOG_TIMEOUT: String(WATCHDOG_S), POOL_SIZE: "1", MAX_EXECUTION_TIME: "20" },
  });
});

afterAll(async () => {
  for (const { pid } of [findRoles(server).gateway, findRoles(server).keeper].filter(
    (one) => !!one,
  )) {
    process.kill(pid, "SIGCONT");
  }
  await server?.stop();
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The sandbox of a session, by what its host is called. */
async function sandboxOf(session_id: string): Promise<string> {
  const code = "import os; print(os.uname().nodename.removeprefix('sandbox-'))";
  return (await server.execute({ session_id, code })).stdout.trim();
}

function lives(sandbox: string): boolean {
  return findSandboxes(server).some(({ id }) => id.startsWith(sandbox));
}

function gatewayPid(): number {
  const pid = findRoles(server).gateway?.pid;
  if (pid === undefined) throw new Error("there is no gateway");
  return pid;
}

/** Until it is gone, from now. */
async function msUntilGone(sandbox: string): Promise<number> {
  const start = performance.now();
  await eventually(() => (lives(sandbox) ? "the sandbox lives" : undefined), 8000);
  return performance.now() - start;
}

test("what runs ends by its deadline while the gateway is stopped, and is told as timed out", async () => {
  const ids = {
    ...{ burning: uniqueId("burning"), holding: uniqueId("holding") },
    ...{ asked: uniqueId("asked"), idle: uniqueId("idle") },
  };
  // The answer is a fork's, and this lets none be made.
  const code = "import os; os.register_at_fork(before=lambda: [None for _ in iter(int, 1)])";
  await server.execute({ session_id: ids.asked, code });
  const burning = await sandboxOf(ids.burning);
  const holding = await sandboxOf(ids.holding);
  const asked = await sandboxOf(ids.asked);
  const idle = await sandboxOf(ids.idle);
  const runs = [
    server.tryExecute({ session_id: ids.burning, code: BURN, timeout: 1 }),
    server.tryExecute({ session_id: ids.holding, code: HOLD_ON, timeout: 1 }),
  ];
  const question = server.request(`/sessions/${ids.asked}/complete`, { body: { code: "a." } });
  await pause(300);
  const gateway = gatewayPid();
  process.kill(gateway, "SIGSTOP");
  try {
    // From 0.3 s after the beginning of a second.
    expect(await msUntilGone(burning)).toBeLessThan(700 + ENDED_AFTER_MS_MAX);
    await msUntilGone(holding);
    await msUntilGone(asked);
  } finally {
    process.kill(gateway, "SIGCONT");
  }
  for (const run of runs) {
    const { body } = await run;
    expect(body.status).toBe("timeout");
    expect(body.error?.ename).toBe("ExecutionTimeout");
    expect(body.exit_code).toBe(124);
  }
  const answer = await question;
  expect(answer.status).toBe(409);
  expect(answer.text).toContain("QUESTION_UNANSWERED");
  // Nobody's else was touched: sessions between two runs, warm sandboxes, the gateway itself.
  expect(await sandboxOf(ids.idle)).toBe(idle);
  expect(gatewayPid()).toBe(gateway);
  const again = await server.execute({ session_id: ids.burning, code: "print(6 * 7)" });
  expect(again.stdout).toBe("42\n");
  const health = await server.request<{ event_loop_delay_ms: { p99: number; max: number } }>(
    "/health",
  );
  expect(health.body.event_loop_delay_ms.max).toBeGreaterThan(1000);
  expect(server.log()).toContain("ran past its deadline");
}, 60_000);

test("what root holds in common with the gateway carries bytes in one direction", () => {
  const gateway = gatewayPid();
  const at = (descriptor: number) => `/proc/${gateway}/fd/${descriptor}`;
  // A terminal, if root has one, is not this session's.
  const [, , , session, terminal] = statOf(gateway);
  expect([session, terminal]).toEqual([String(gateway), "0"]);
  for (const [descriptor, access] of [
    [0, 0o400],
    [3, 0o200],
  ] as const) {
    expect(statSync(at(descriptor)).isFIFO()).toBe(true);
    // Links of /proc have the rights with which a descriptor was opened.
    expect(lstatSync(at(descriptor)).mode & 0o600, String(descriptor)).toBe(access);
  }
  const socketsOf = (pid: number) =>
    readdirSync(`/proc/${pid}/fd`)
      // Where both print is what the server was started with.
      .filter((name) => name !== "1" && name !== "2")
      .map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))
      .filter((name) => name.startsWith("socket:"));
  const roots = new Set(socketsOf(server.pid));
  expect(roots.size).toBeGreaterThan(0);
  expect(socketsOf(gateway).filter((name) => roots.has(name))).toEqual([]);
});

function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

test("a gateway that stays silent is replaced, and deadlines outlive the keeper that knew them", async () => {
  const session_id = uniqueId("silent");
  const sandbox = await sandboxOf(session_id);
  const run = server.tryExecute({ session_id, code: HOLD_ON, timeout: 1 }).catch(() => "cut");
  await pause(200);
  const gateway = gatewayPid();
  const start = performance.now();
  process.kill(gateway, "SIGSTOP");
  process.kill(findRoles(server).keeper?.pid ?? 0, "SIGKILL");
  await pause(800);
  expect(lives(sandbox)).toBe(true);
  await msUntilGone(sandbox);
  expect(gatewayPid()).toBe(gateway);
  await eventually(() => {
    const now = findRoles(server).gateway?.pid;
    return now !== undefined && now !== gateway ? undefined : "it is the same one";
  }, 30_000);
  expect(performance.now() - start).toBeGreaterThan((WATCHDOG_S - 2) * 1000);
  expect(await run).toBe("cut");
  await eventually(async () => {
    const answer = await server.request("/health").catch(() => undefined);
    return answer?.status === 200 ? undefined : "nobody answers";
  }, 30_000);
  expect((await server.execute({ session_id, code: "print(6 * 7)" })).stdout).toBe("42\n");
  expect(server.log()).toContain("the gateway has been silent for");
}, 120_000);
