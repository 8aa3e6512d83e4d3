import { afterEach, describe, expect, test, vi } from "vitest";
import { ServiceError } from "../errors.js";
import {
  NO_EVENTS,
  type Sandbox,
  type SandboxDriver,
  type SandboxEnd,
} from "../sandbox/sandbox.js";
import { type Lease, Pool, type PoolOptions } from "./pool.js";

class MemorySandbox implements Sandbox {
  alive = true;
  readonly limits = { memoryBytes: 2 ** 29, cpuCores: 0.5 };
  readonly ended: Promise<SandboxEnd>;
  destroyedFor: string | undefined;
  #end!: (end: SandboxEnd) => void;

  constructor(readonly id: string) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** The kernel is gone; what it left behind is still being collected. */
  stopAnswering(): void {
    this.alive = false;
  }

  die(): void {
    this.alive = false;
    this.#end({ reason: "sandbox_died", outOfMemory: false, detail: "died" });
  }

  async destroy(reason: string): Promise<void> {
    this.destroyedFor ??= reason;
    this.alive = false;
    this.#end({ reason: "destroyed", outOfMemory: false, detail: reason });
  }

  execute(): void {}
  answerInput(): boolean {
    return false;
  }
  ask(): Promise<never> {
    return Promise.reject(new Error("this one is never asked"));
  }
  pauseOutput(): void {}
  resumeOutput(): void {}
  watchOutput(): void {}
  interrupt(): void {}
  async setLimits(): Promise<void> {}
  async mount(): Promise<void> {}
  beginMeasuring(): number {
    return 0;
  }
  endMeasuring() {
    return { cpuSeconds: 0, memoryPeakBytes: 0 };
  }
  newEvents() {
    return NO_EVENTS;
  }
  cpuSeconds(): number {
    return 0;
  }
  usage() {
    return { cpuSeconds: 0, memoryBytes: 0, memoryPeakBytes: 0, processes: 0 };
  }
  /** What the look at hand-out finds. */
  fault: string | null = null;
  problem(): string | null {
    return this.fault;
  }
  files = vi.fn<Sandbox["files"]>();
}

class MemoryDriver implements SandboxDriver {
  readonly name = "memory";
  readonly made: MemorySandbox[] = [];
  failure: Error | undefined;
  startMs = 1;
  starting = 0;
  startingMost = 0;

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  panic = vi.fn<SandboxDriver["panic"]>();
  verify = vi.fn<SandboxDriver["verify"]>();

  async create(): Promise<Sandbox> {
    this.startingMost = Math.max(this.startingMost, ++this.starting);
    await new Promise((resolve) => setTimeout(resolve, this.startMs));
    this.starting--;
    if (this.failure) throw this.failure;
    const sandbox = new MemorySandbox(`s${this.made.length}`);
    this.made.push(sandbox);
    return sandbox;
  }
}

const pools: Pool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
});

async function poolOf(options: Partial<PoolOptions> = {}) {
  const driver = new MemoryDriver();
  const onStartFailed = vi.fn();
  const onFaulty = vi.fn();
  const pool = new Pool(driver, {
    size: 2,
    leasesMax: 4,
    acquireTimeoutMs: 1000,
    startsMax: 2,
    onStartFailed,
    onFaulty,
    ...options,
  });
  pools.push(pool);
  await pool.start();
  return { pool, driver, onStartFailed, onFaulty };
}

const idle = (pool: Pool, count: number) =>
  vi.waitFor(() => expect(pool.status().idle).toBe(count), { interval: 2 });

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ServiceError);
  return (error as ServiceError).code;
}

describe("suspending", () => {
  test("destroys what is warm, refuses who waits and who comes, and starts nothing", async () => {
    const { pool, driver } = await poolOf({ size: 2, leasesMax: 1 });
    await idle(pool, 2);
    const lease = await pool.acquire();
    const waiting = codeOf(pool.acquire());
    pool.suspend();
    expect(await waiting).toBe("PANICKED");
    expect(await codeOf(pool.acquire())).toBe("PANICKED");
    const made = driver.made.length + pool.status().starting;
    await lease.release("over");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(pool.status()).toMatchObject({ idle: 0, starting: 0, leased: 0 });
    expect(driver.made).toHaveLength(made);
    expect(driver.made.every((sandbox) => sandbox.destroyedFor !== undefined)).toBe(true);
  });

  test("destroys a sandbox that was being made, and hands out again after resuming", async () => {
    const { pool, driver } = await poolOf({ size: 2 });
    await idle(pool, 2);
    driver.startMs = 20;
    await pool.acquire();
    const waiting = pool.acquire();
    await waiting;
    pool.suspend();
    await vi.waitFor(() => expect(pool.status().starting).toBe(0));
    expect(pool.status().idle).toBe(0);
    pool.resume();
    await idle(pool, 2);
    await pool.acquire();
  });
});

describe("warm sandboxes", () => {
  test("are looked at when they are handed out, and a faulty one is destroyed and told", async () => {
    const { pool, driver, onFaulty } = await poolOf({ size: 2 });
    await idle(pool, 2);
    const [first, second] = driver.made;
    if (first) first.fault = "no filter";
    const lease = await pool.acquire();
    expect(lease.sandbox).toBe(second);
    expect(first?.destroyedFor).toBe("no filter");
    expect(onFaulty).toHaveBeenCalledWith(first, "no filter");
    expect(pool.list()).toEqual([{ sandbox: second, leased: true }]);
  });

  test("are filled up to the size and no further", async () => {
    const { pool, driver } = await poolOf({ size: 3 });
    await idle(pool, 3);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(driver.made).toHaveLength(3);
    expect(pool.status()).toEqual({
      size: 3,
      idle: 3,
      starting: 0,
      leased: 0,
      leases_max: 4,
      waiting: 0,
    });
  });

  test("are handed out at once, the oldest first, and refilled in the background", async () => {
    const { pool, driver } = await poolOf();
    await idle(pool, 2);
    driver.startMs = 10_000;
    const lease = await pool.acquire();
    expect(lease.sandbox).toBe(driver.made[0]);
    expect(pool.status()).toMatchObject({ idle: 1, leased: 1 });
    await vi.waitFor(() => expect(pool.status().starting).toBe(1), { interval: 2 });
    await lease.release("done");
  });

  test("are started a few at a time", async () => {
    const { pool, driver } = await poolOf({ size: 6, startsMax: 2 });
    await idle(pool, 6);
    expect(driver.startingMost).toBe(2);
  });

  test("a pool of size 0 keeps none and starts one for each that is asked for", async () => {
    const { pool, driver } = await poolOf({ size: 0 });
    expect(pool.status().idle).toBe(0);
    expect(driver.made[0]?.destroyedFor).toBeDefined();
    const lease = await pool.acquire();
    expect(lease.sandbox.alive).toBe(true);
    expect(driver.made).toHaveLength(2);
  });

  test("a start that fails at first is told to whoever starts the pool", async () => {
    const driver = new MemoryDriver();
    driver.failure = new ServiceError("SANDBOX_START_FAILED");
    const pool = new Pool(driver, {
      size: 1,
      leasesMax: 1,
      acquireTimeoutMs: 10,
      startsMax: 1,
      onStartFailed: () => undefined,
      onFaulty: () => undefined,
    });
    expect(await codeOf(pool.start())).toBe("SANDBOX_START_FAILED");
  });
});

describe("a leased sandbox", () => {
  test("is destroyed on release and never handed out again", async () => {
    const { pool } = await poolOf();
    const seen = new Set<Sandbox>();
    for (let round = 0; round < 20; round++) {
      const lease = await pool.acquire();
      expect(seen.has(lease.sandbox)).toBe(false);
      seen.add(lease.sandbox);
      await lease.release("used");
      expect((lease.sandbox as MemorySandbox).destroyedFor).toBe("used");
    }
  });

  test("is released once, however often that is asked", async () => {
    const { pool } = await poolOf();
    const lease = await pool.acquire();
    const other = await pool.acquire();
    await Promise.all([lease.release("one"), lease.release("two")]);
    expect((lease.sandbox as MemorySandbox).destroyedFor).toBe("one");
    expect(pool.status().leased).toBe(1);
    await other.release("done");
  });

  test("belongs to one holder only, also when many ask at once", async () => {
    const { pool } = await poolOf({ leasesMax: 20 });
    const leases = await Promise.all(Array.from({ length: 20 }, () => pool.acquire()));
    expect(new Set(leases.map((lease) => lease.sandbox)).size).toBe(20);
    await Promise.all(leases.map((lease) => lease.release("done")));
  });
});

describe("when all places are taken", () => {
  async function exhausted(options: Partial<PoolOptions> = {}) {
    const made = await poolOf({ leasesMax: 2, ...options });
    const held = await Promise.all([made.pool.acquire(), made.pool.acquire()]);
    return { ...made, held };
  }

  test("those who wait are served in the order of asking", async () => {
    const { pool, held } = await exhausted();
    const served: number[] = [];
    const waiting = [0, 1, 2, 3].map(async (number) => {
      const lease = await pool.acquire();
      served.push(number);
      await lease.release("done");
    });
    expect(pool.status().waiting).toBe(4);
    await (held[0] as Lease).release("done");
    await Promise.all(waiting);
    expect(served).toEqual([0, 1, 2, 3]);
  });

  test("nobody overtakes those who wait", async () => {
    const { pool, held } = await exhausted({ leasesMax: 2 });
    const first = pool.acquire();
    const released = (held[0] as Lease).release("done");
    const second = pool.acquire();
    await released;
    const lease = await first;
    expect(pool.status().waiting).toBe(1);
    await lease.release("done");
    await (await second).release("done");
  });

  test("whoever waits too long gets POOL_EXHAUSTED with a time to retry", async () => {
    const { pool } = await exhausted({ acquireTimeoutMs: 20 });
    const refused = pool.acquire();
    expect(await codeOf(refused)).toBe("POOL_EXHAUSTED");
    await expect(refused).rejects.toMatchObject({ retryAfterMs: 1000 });
    expect(pool.status().waiting).toBe(0);
  });

  test("one that gave up takes no place from the others", async () => {
    const { pool, held } = await exhausted({ acquireTimeoutMs: 30 });
    const impatient = codeOf(pool.acquire());
    await new Promise((resolve) => setTimeout(resolve, 20));
    const patient = pool.acquire();
    expect(await impatient).toBe("POOL_EXHAUSTED");
    await (held[0] as Lease).release("done");
    expect((await patient).sandbox.alive).toBe(true);
  });

  test("beyond a thousand waiters the next is refused at once", async () => {
    const { pool } = await exhausted({ acquireTimeoutMs: 60_000 });
    const waiting = Array.from({ length: 1000 }, () => codeOf(pool.acquire()));
    expect(await codeOf(pool.acquire())).toBe("POOL_EXHAUSTED");
    await pool.stop();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["SHUTTING_DOWN"]));
  });
});

describe("an idle sandbox that dies", () => {
  test("is destroyed and replaced", async () => {
    const { pool, driver } = await poolOf();
    await idle(pool, 2);
    driver.made[0]?.die();
    await vi.waitFor(() => expect(driver.made).toHaveLength(3), { interval: 2 });
    await idle(pool, 2);
    expect(driver.made[0]?.destroyedFor).toBeDefined();
  });

  test("is not handed out", async () => {
    const { pool, driver } = await poolOf();
    await idle(pool, 2);
    driver.made[0]?.die();
    expect((await pool.acquire()).sandbox).toBe(driver.made[1]);
  });

  test("is destroyed also when a hand-out skipped it before its end was told", async () => {
    const { pool, driver } = await poolOf();
    await idle(pool, 2);
    driver.made[0]?.stopAnswering();
    expect((await pool.acquire()).sandbox).toBe(driver.made[1]);
    driver.made[0]?.die();
    await vi.waitFor(() => expect(driver.made[0]?.destroyedFor).toBeDefined(), { timeout: 200 });
  });
});

describe("starts that fail", () => {
  test("are told to those who wait after three in a row, and to the log each", async () => {
    const { pool, driver, onStartFailed } = await poolOf({ size: 0, startsMax: 1 });
    driver.failure = new ServiceError("SANDBOX_START_FAILED", "no memory");
    const started = performance.now();
    expect(await codeOf(pool.acquire())).toBe("SANDBOX_START_FAILED");
    expect(onStartFailed).toHaveBeenCalledTimes(3);
    // Retries are spaced out: 100 and then 200 milliseconds.
    expect(performance.now() - started).toBeGreaterThan(290);
  });

  test("are retried, and a later success serves those who wait", async () => {
    const { pool, driver } = await poolOf({ size: 0, startsMax: 1 });
    driver.failure = new Error("for a moment");
    const waiting = pool.acquire();
    await new Promise((resolve) => setTimeout(resolve, 20));
    driver.failure = undefined;
    expect((await waiting).sandbox.alive).toBe(true);
  });
});

describe("stop", () => {
  test("destroys what is warm, refuses those who wait and whoever comes later", async () => {
    const { pool, driver } = await poolOf({ leasesMax: 1 });
    await idle(pool, 2);
    const lease = await pool.acquire();
    const waiting = codeOf(pool.acquire());
    await pool.stop();
    expect(await waiting).toBe("SHUTTING_DOWN");
    expect(await codeOf(pool.acquire())).toBe("SHUTTING_DOWN");
    expect(pool.status()).toMatchObject({ idle: 0, waiting: 0, leased: 1 });
    expect((lease.sandbox as MemorySandbox).destroyedFor).toBeUndefined();
    await lease.release("done");
    expect(driver.made.every((sandbox) => sandbox.destroyedFor !== undefined)).toBe(true);
  });

  test("destroys a sandbox whose start was under way", async () => {
    const { pool, driver } = await poolOf({ size: 1 });
    driver.startMs = 20;
    await pool.acquire();
    await vi.waitFor(() => expect(driver.starting).toBe(1), { interval: 2 });
    await pool.stop();
    await vi.waitFor(() => expect(driver.made.at(-1)?.destroyedFor).toBeDefined());
    expect(driver.made).toHaveLength(2);
  });
});
