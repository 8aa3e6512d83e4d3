import { expect, test, vi } from "vitest";
import { configVariables, loadConfig } from "../config.js";
import type { Pool } from "../pool/pool.js";
import type { Sandbox } from "../sandbox/sandbox.js";
import type { Admit } from "./caller.js";
import { boundsOf } from "./explanation.js";
import { Session } from "./session.js";

/** None of these sessions ever asks for a sandbox. */
const unusedPool = {
  acquire: () => Promise.reject(new Error("no sandbox is needed here")),
} as unknown as Pool;

const everything: Admit = { run: () => undefined, change: () => undefined };

function sessionWith(ttlMs: number, pool: Pool = unusedPool, admit = everything) {
  const onOver = vi.fn();
  const session = new Session(pool, {
    owner: "o",
    id: "s",
    admit,
    limits: { memoryBytes: 2 ** 29, cpuCores: 0.5 },
    ttlMs,
    mounts: [],
    preparation: undefined,
    queuedMax: 1,
    onCpuUsed: () => undefined,
    bounds: boundsOf(loadConfig({}, "/nonexistent")),
    onOver,
    historyBudget: undefined,
  });
  return { session, onOver };
}

test("a session expires after its ttl without use", async () => {
  const { session, onOver } = sessionWith(10);
  await vi.waitFor(() => expect(onOver).toHaveBeenCalledOnce());
  await session.close("test");
});

test("a closed session does not expire", async () => {
  const { session, onOver } = sessionWith(10);
  await session.close("test");
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(onOver).not.toHaveBeenCalled();
});

test("the longest SESSION_TTL that the configuration takes does not expire at once", async () => {
  expect(configVariables.map(({ name }) => name)).toContain("SESSION_TTL");
  const { sessionTtlMs } = loadConfig({ SESSION_TTL: "31536000" }, "/nonexistent");
  const { session, onOver } = sessionWith(sessionTtlMs);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(onOver).not.toHaveBeenCalled();
  await session.close("test");
});

test("a sandbox that ends while its limits are set is replaced, once", async () => {
  const asked: object[] = [];
  /** Ends over it as often as is said. */
  function poolOf(ends: number): Pool {
    async function acquire() {
      const sandbox = {
        alive: true,
        limits: { memoryBytes: 1, cpuCores: 1 },
        cpuSeconds: () => 0,
        async setLimits() {
          asked.push(this);
          if (asked.length > ends) return;
          this.alive = false;
          throw new Error("the sandbox has ended");
        },
      };
      return { sandbox: sandbox as unknown as Sandbox, release: async () => undefined };
    }
    return { acquire } as unknown as Pool;
  }
  const { session } = sessionWith(1000, poolOf(1));
  await session.warm();
  expect(asked.length).toBe(2);
  await session.close("test");

  asked.length = 0;
  const { session: unlucky } = sessionWith(1000, poolOf(9));
  await expect(unlucky.warm()).rejects.toThrow("the sandbox has ended");
  expect(asked.length).toBe(2);
  await unlucky.close("test");
});

test("a run that is cancelled while it waits for a sandbox never has one", async () => {
  let give!: (lease: unknown) => void;
  const release = vi.fn(async () => undefined);
  const given = new Promise((resolve) => {
    give = resolve;
  });
  const pool = { acquire: () => given } as unknown as Pool;
  const { session, onOver } = sessionWith(60_000, pool);
  const request = { code: "1", timeoutMs: 1000, outputBytesMax: 1000, allowInput: false };
  const execution = session.start(request, {});
  const second = session.start(request, {});
  expect(session.describe()).toMatchObject({ state: "busy", queued: 1 });
  expect(second.cancel("test")).toBe(true);
  expect(session.describe()).toMatchObject({ state: "busy", queued: 0 });
  expect(execution.cancel("test")).toBe(true);
  await expect(execution.outcome).rejects.toMatchObject({ code: "EXECUTION_CANCELLED" });
  expect(execution.cancel("again")).toBe(false);
  // Nobody uses the session now, so whoever keeps it ends it.
  expect(onOver).toHaveBeenCalledOnce();
  await session.close("test");
  give({ sandbox: { alive: true }, release });
  await vi.waitFor(() => expect(release).toHaveBeenCalled());
  expect(session.describe().executionCount).toBe(0);
});
