/**
 * `npm run bench`: starts Glovebox, a bare Fastify route and Debian's jupyter-server one after the
 * other, measures them by the same scenarios, prints one table and stops everything it started.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BareSystem } from "./bare-system.js";
import { measureLargeFile, measureSmallFiles } from "./file-scenarios.js";
import {
  measureChat,
  measureGenerate,
  measureGenerateAtOnce,
  modelEnvironment,
  startBenchModel,
} from "./generate-scenarios.js";
import { GloveboxSystem } from "./glovebox-system.js";
import { measureCompletion, measureVariables } from "./interact-scenarios.js";
import { FacadeSystem, installJupyter, JupyterSystem } from "./jupyter-system.js";
import { measureMany } from "./many-scenario.js";
import { type Options, readOptions, type Scenario, USAGE } from "./options.js";
import { memoryAvailableBytes } from "./process-memory.js";
import { type Measure, Report } from "./report.js";
import {
  describe,
  type Figures,
  type LoadPlan,
  type LoadResult,
  measureFirstResult,
  measureLoad,
  measureMemory,
  measurePlot,
  measureTenAtOnce,
  medianLoad,
} from "./scenarios.js";
import { measureFirstByte, measureIdleStreams, measureStreamed } from "./stream-scenarios.js";
import type { System, SystemName } from "./system.js";

const POOL_SIZE = 16;
/** What a session with pandas takes, generously. */
const SESSION_BYTES = 12e6;
const LOAD_WARM_UP: LoadPlan = { users: 30, requests: 400 };

interface Rounds {
  load: number;
  oneUserRequests: number;
  first: number;
  tenAtOnce: number;
  plot: number;
  sessionsInMemory: number;
  streamed: number;
  manySessions: number;
}

const GLOVEBOX_ROUNDS = {
  full: {
    load: 3,
    oneUserRequests: 2_000,
    first: 50,
    tenAtOnce: 15,
    plot: 30,
    sessionsInMemory: 20,
    streamed: 4_000,
    manySessions: 1_000,
  },
  quick: {
    load: 1,
    oneUserRequests: 500,
    first: 30,
    tenAtOnce: 5,
    plot: 5,
    sessionsInMemory: 10,
    streamed: 1_000,
    manySessions: 100,
  },
} satisfies Record<string, Rounds>;

/** A kernel takes hundreds of milliseconds to start, so the peer gets fewer rounds of everything. */
const JUPYTER_ROUNDS = {
  full: { load: 1, oneUserRequests: 100, first: 30, tenAtOnce: 5, plot: 10, sessionsInMemory: 10 },
  quick: { load: 1, oneUserRequests: 20, first: 3, tenAtOnce: 1, plot: 2, sessionsInMemory: 3 },
} satisfies Record<string, Omit<Rounds, "streamed" | "manySessions">>;
const JUPYTER_LOAD = {
  full: { users: 30, requests: 20 },
  quick: { users: 10, requests: 20 },
} satisfies Record<string, LoadPlan>;

const stops: (() => Promise<void>)[] = [];
let isInterrupted = false;

/** Takes over the stopping of a server; one that starts during the clean-up goes at once. */
function adopt(stop: () => Promise<void>): void {
  stops.push(stop);
  if (isInterrupted) void stopEverything();
}

async function main(options: Options): Promise<void> {
  const report = new Report(await measureBusyPercent());
  const directory = await mkdtemp(join(os.tmpdir(), "glovebox-bench-"));
  // The part of Glovebox without privilege has to reach its own state below this directory.
  chmodSync(directory, 0o711);
  cleanUpOnInterrupt(directory);
  const bench = new Bench(options, report, directory);
  try {
    await bench.measureGloveboxBesideBare();
    await bench.measureGeneration();
    await bench.measureFacade();
    await bench.measureWithoutPool();
    await bench.measureMany();
    if (options.withPeers) await bench.measureJupyter();
  } finally {
    for (const error of await stopEverything()) report.fail("glovebox", "stop", error);
  }
  console.log(`\n${report.toTable()}`);
  if (options.jsonFile) writeFileSync(options.jsonFile, report.toJson());
  if (report.hasFailures) {
    console.error(`The logs of the servers are kept in ${directory}`);
    process.exitCode = 1;
  } else {
    await rm(directory, { recursive: true });
  }
}

class Bench {
  readonly #options: Options;
  readonly #report: Report;
  readonly #directory: string;
  readonly #rounds: Rounds;

  constructor(options: Options, report: Report, directory: string) {
    this.#options = options;
    this.#report = report;
    this.#directory = directory;
    this.#rounds = GLOVEBOX_ROUNDS[options.quick ? "quick" : "full"];
  }

  async measureGloveboxBesideBare(): Promise<void> {
    const { only } = this.#options;
    const scenarios: readonly Scenario[] = ["a", "b", "c", "s", "i", "f"];
    if (!scenarios.some((one) => only.has(one))) return;
    await this.#withSystem(
      "glovebox",
      () => GloveboxSystem.start(this.#directory, POOL_SIZE, adopt),
      async (glovebox) => {
        if (only.has("a")) {
          await this.#withSystem(
            "bare_fastify",
            () => BareSystem.start(this.#directory, adopt),
            (bare) => this.#measureLoadInTurns([bare, glovebox]),
          );
        }
        if (only.has("b")) await this.#measureNewSessions(glovebox, this.#rounds, "pool");
        if (only.has("c")) {
          await this.#attempt(glovebox, "plot", () => measurePlot(glovebox, this.#rounds.plot));
        }
        if (only.has("s")) await this.#measureStreams(glovebox);
        if (only.has("i")) await this.#measureInteraction(glovebox);
        if (only.has("f")) await this.#measureFiles(glovebox);
      },
    );
  }

  /** One server, asked by its own interface and by Jupyter's in turns. */
  async measureFacade(): Promise<void> {
    if (!this.#options.only.has("j")) return;
    await this.#withSystem(
      "glovebox",
      () => GloveboxSystem.start(this.#directory, POOL_SIZE, adopt, { FACADES: "jupyter" }),
      async (glovebox) => {
        const facade = new FacadeSystem(glovebox);
        const systems = [glovebox, facade];
        for (const system of systems) await measureLoad(system, LOAD_WARM_UP);
        const { load, oneUserRequests, first } = this.#rounds;
        const one = { users: 1, requests: oneUserRequests };
        await this.#attemptLoad(systems, "one_user_facade", one, load);
        await this.#attemptLoad(systems, "load_100_facade", { users: 30, requests: 100 }, load);
        for (const system of systems) {
          await this.#attempt(system, "first_result_facade", () =>
            measureFirstResult(system, first),
          );
        }
        await facade.stop();
      },
    );
  }

  async #measureStreams(glovebox: GloveboxSystem): Promise<void> {
    const { streamed, first } = this.#rounds;
    await this.#attempt(glovebox, "streamed", () => measureStreamed(glovebox, streamed));
    await this.#attempt(glovebox, "first_byte", () => measureFirstByte(glovebox, first));
    await this.#attempt(glovebox, "idle_streams", () => measureIdleStreams(glovebox, 200));
  }

  async #measureInteraction(glovebox: GloveboxSystem): Promise<void> {
    const { first } = this.#rounds;
    await this.#attempt(glovebox, "variables", () => measureVariables(glovebox, first));
    await this.#attempt(glovebox, "completion", () => measureCompletion(glovebox, first));
  }

  async #measureFiles(glovebox: GloveboxSystem): Promise<void> {
    const { plot } = this.#rounds;
    await this.#attempt(glovebox, "large_file", () => measureLargeFile(glovebox, plot));
    await this.#attempt(glovebox, "small_files", () => measureSmallFiles(glovebox, plot));
  }

  async measureGeneration(): Promise<void> {
    if (!this.#options.only.has("g")) return;
    const model = await startBenchModel();
    adopt(() => model.stop());
    const { first } = this.#rounds;
    await this.#withSystem(
      "glovebox",
      () => GloveboxSystem.start(this.#directory, POOL_SIZE, adopt, modelEnvironment(model)),
      async (glovebox) => {
        for (const kind of ["session", "stateless"] as const) {
          await this.#attempt(glovebox, `generate_${kind}`, () =>
            measureGenerate(glovebox, first, kind),
          );
        }
        await this.#attempt(glovebox, "chat_turn", () => measureChat(glovebox, first));
        await this.#attempt(glovebox, "generate_30", () => measureGenerateAtOnce(glovebox, 30));
      },
    );
  }

  /** Warm sandboxes would blur the memory of a session, so both need a server without a pool. */
  async measureWithoutPool(): Promise<void> {
    const { only } = this.#options;
    if (!only.has("b") && !only.has("d")) return;
    await this.#withSystem(
      "glovebox",
      () => GloveboxSystem.start(this.#directory, 0, adopt),
      async (glovebox) => {
        if (only.has("b")) await this.#measureNewSessions(glovebox, this.#rounds, "no_pool");
        if (only.has("d")) await this.#measureMemory(glovebox, this.#rounds);
      },
    );
  }

  async measureMany(): Promise<void> {
    const { only } = this.#options;
    if (!only.has("m")) return;
    // Half of a small machine's memory is left to everybody else.
    const room = Math.floor(memoryAvailableBytes() / 2 / SESSION_BYTES);
    const manySessions = Math.min(this.#rounds.manySessions, room);
    const environment = { MAX_SESSIONS: String(manySessions), ACQUIRE_TIMEOUT: "60" };
    await this.#withSystem(
      "glovebox",
      () => GloveboxSystem.start(this.#directory, 0, adopt, environment),
      (glovebox) =>
        this.#attempt(glovebox, "many_sessions", () => measureMany(glovebox, manySessions)),
    );
  }

  async measureJupyter(): Promise<void> {
    const { only, quick } = this.#options;
    const extent = quick ? "quick" : "full";
    const rounds = JUPYTER_ROUNDS[extent];
    await this.#withSystem(
      "jupyter_server",
      () => {
        installJupyter();
        return JupyterSystem.start(this.#directory, adopt);
      },
      async (jupyter) => {
        if (only.has("a")) {
          await this.#attemptLoad([jupyter], "load_100", JUPYTER_LOAD[extent], rounds.load);
          const one = { users: 1, requests: rounds.oneUserRequests };
          await this.#attemptLoad([jupyter], "one_user", one, 1);
        }
        if (only.has("b")) await this.#measureNewSessions(jupyter, rounds, "no_pool");
        if (only.has("c")) {
          await this.#attempt(jupyter, "plot", () => measurePlot(jupyter, rounds.plot));
        }
        if (only.has("d")) await this.#measureMemory(jupyter, rounds);
      },
    );
  }

  async #measureLoadInTurns(systems: System[]): Promise<void> {
    // Node compiles its hot paths during the first thousands of requests.
    for (const system of systems) {
      progress(system.name, "warm-up");
      await measureLoad(system, LOAD_WARM_UP).catch((error: unknown) =>
        this.#report.fail(system.name, "warm-up", error),
      );
    }
    const { load, oneUserRequests } = this.#rounds;
    await this.#attemptLoad(systems, "load_100", { users: 30, requests: 100 }, load);
    await this.#attemptLoad(systems, "load_1000", { users: 30, requests: 1_000 }, load);
    await this.#attemptLoad(systems, "one_user", { users: 1, requests: oneUserRequests }, load);
  }

  /** The systems take turns, so that a change of the machine's speed meets all of them. */
  async #attemptLoad(
    systems: System[],
    measure: Measure,
    plan: LoadPlan,
    rounds: number,
  ): Promise<void> {
    const results = new Map<System, LoadResult[]>(systems.map((system) => [system, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const system of systems) {
        progress(system.name, `${measure}, round ${round + 1} of ${rounds}`);
        try {
          results.get(system)?.push(await measureLoad(system, plan));
        } catch (error) {
          this.#report.fail(system.name, measure, error);
        }
      }
    }
    for (const [system, loads] of results) {
      if (loads.length === 0) continue;
      const { figures, firstFailure } = medianLoad(loads);
      this.#report.add(system.name, measure, figures);
      if (firstFailure !== null) this.#report.fail(system.name, measure, firstFailure);
    }
  }

  async #measureNewSessions(
    system: System,
    rounds: Omit<Rounds, "streamed" | "manySessions">,
    kind: "pool" | "no_pool",
  ): Promise<void> {
    await this.#attempt(system, `first_result_${kind}`, () =>
      measureFirstResult(system, rounds.first),
    );
    await this.#attempt(system, `ten_at_once_${kind}`, () =>
      measureTenAtOnce(system, rounds.tenAtOnce),
    );
  }

  async #measureMemory(
    system: System,
    rounds: Omit<Rounds, "streamed" | "manySessions">,
  ): Promise<void> {
    await this.#attempt(system, "memory_bare", async () => {
      const { bare, libraries } = await measureMemory(system, rounds.sessionsInMemory);
      this.#report.add(system.name, "memory_libraries", libraries);
      return bare;
    });
  }

  /** A scenario that fails is reported, and the others still run. */
  async #attempt(system: System, measure: Measure, run: () => Promise<Figures>): Promise<void> {
    progress(system.name, measure);
    try {
      this.#report.add(system.name, measure, await run());
    } catch (error) {
      this.#report.fail(system.name, measure, error);
    }
  }

  async #withSystem<T extends System>(
    name: SystemName,
    start: () => Promise<T>,
    use: (system: T) => Promise<void>,
  ): Promise<void> {
    progress(name, "start");
    try {
      const system = await start();
      try {
        await use(system);
      } finally {
        await system.stop();
      }
    } catch (error) {
      this.#report.fail(name, "start, use or stop", error);
    }
  }
}

/** A machine that is busy already gives figures that mean little, and the reader has to see it. */
async function measureBusyPercent(): Promise<number> {
  const read = () => {
    const times = os.cpus().map((cpu) => cpu.times);
    const total = times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.idle + t.irq, 0);
    return { total, idle: times.reduce((sum, { idle }) => sum + idle, 0) };
  };
  const before = read();
  await sleep(1_000);
  const after = read();
  return 100 * (1 - (after.idle - before.idle) / (after.total - before.total));
}

function cleanUpOnInterrupt(directory: string): void {
  const cleanUp = async () => {
    isInterrupted = true;
    await stopEverything();
    await rm(directory, { recursive: true, force: true });
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void cleanUp());
}

/** In reverse order, past failures; a server that has already ended is left alone. */
async function stopEverything(): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (let stop = stops.pop(); stop; stop = stops.pop()) {
    await stop().catch((error: unknown) => errors.push(error));
  }
  return errors;
}

function progress(system: SystemName, what: string): void {
  console.error(`${system}: ${what}`);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options) await main(options);
  else console.log(USAGE);
} catch (error) {
  console.error(`${describe(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
