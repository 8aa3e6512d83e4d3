/**
 * Attackers and honest clients together for minutes. At the end nothing may have grown, no answer may have been
 * wrong, and the service must have answered /health all the time.
 */
import { Random } from "../fuzz/random.ts";
import { probeHealth } from "../support/health.ts";
import { asKey, startServer, type TestServer } from "../support/server.ts";
import { attackOnce } from "./attackers.ts";
import {
  churn,
  expire,
  type HonestWork,
  keepCounter,
  plot,
  runChildren,
  runStateless,
} from "./honest.ts";
import { type HostileClients, startHostileClients } from "./hostile-clients.ts";
import { makeKey, ONE_SESSION, SMALLEST } from "./key-holders.ts";
import { annoyOnce } from "./nuisances.ts";
import { type Figure, figures, processorSeconds, type Sample, takeSample } from "./resources.ts";
import { bringBackToRest, bringToRest, compareRests } from "./rest.ts";
import {
  abandonStreams,
  answerInput,
  askQuestions,
  followIdly,
  readStreams,
  resumeStreams,
} from "./streams.ts";
import { carryFiles, carryInline, runNotebooks, watchFiles } from "./transfers.ts";
import { judgeTrend, percentile } from "./trend.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly attackers: number;
  /** Clients with keys of the smallest quotas, who use up what no quota counts. */
  readonly keyHolders: number;
  /** Clients that follow a run which says nothing, all the time. */
  readonly idleStreams: number;
  readonly healthP99MsMax: number;
  /** What may grow may grow by so many times as much: heaps still fill in short runs. */
  readonly growthFactor: number;
  readonly onProgress?: (line: string) => void;
}

export interface SoakReport {
  readonly table: string;
  /** What is wrong, a line each; empty is a pass. */
  readonly faults: readonly string[];
}

const SERVER_ENV = {
  MAX_SESSIONS: "60",
  POOL_SIZE: "4",
  // Sessions that attackers leave behind.
  SESSION_TTL: "3",
  // So that zygotes are replaced a few times within ten minutes.
  ZYGOTE_MAX_FORKS: "700",
  ACQUIRE_TIMEOUT: "25",
  // What sessions keep of past runs fills for minutes otherwise, which looks like a leak. Floods push out what
  // others keep, but not what is seconds old.
  MAX_HISTORY_MB: "64",
};
const HONEST_PAUSE_MS = 60;
/** The part of the attacks that is made by a way of asking, and not by code alone. */
const NUISANCES = 0.4;
const SAMPLES = 150;
const SAMPLE_MS_MIN = 2000;
const FAULTS_SHOWN = 20;

class Soak {
  readonly #server: TestServer;
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #deadline: number;
  readonly samples: Sample[] = [];
  readonly faults: string[] = [];
  answers = 0;
  #codeAttacks = 0;
  #hostile: HostileClients | undefined;

  constructor(server: TestServer, options: SoakOptions) {
    this.#server = server;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#deadline = performance.now() + options.seconds * 1000;
  }

  get attacks(): number {
    return this.#codeAttacks + (this.#hostile?.attacks ?? 0);
  }

  get #isOver(): boolean {
    return performance.now() >= this.#deadline;
  }

  async run(): Promise<void> {
    const fork = () => new Random(this.#random.seed());
    const server = asKey(this.#server, await makeKey(this.#server, "honest"));
    const honest: HonestWork[] = [
      keepCounter(server, fork()),
      keepCounter(server, fork()),
      runStateless(server, fork()),
      plot(server, fork()),
      runChildren(server, fork()),
      churn(server, fork()),
      expire(server),
      readStreams(server, fork()),
      abandonStreams(server),
      resumeStreams(server, fork()),
      answerInput(server, fork()),
      askQuestions(server, fork()),
      followIdly(this.#server, this.#options.idleStreams),
      carryFiles(server, fork()),
      watchFiles(server, fork()),
      carryInline(server, fork()),
      runNotebooks(server, fork()),
    ];
    const attackers = Array.from({ length: this.#options.attackers }, () => this.#attack(fork()));
    await Promise.all([
      ...honest.map((work) => this.#repeat(work)),
      ...attackers,
      this.#abuse(fork),
      this.#sample(),
    ]);
  }

  /** Nothing more is to be learnt from a client whose idea of the state has been wrong once. */
  async #repeat(work: HonestWork): Promise<void> {
    try {
      while (!this.#isOver) {
        await work();
        this.answers++;
        await pause(HONEST_PAUSE_MS);
      }
    } catch (error) {
      this.faults.push(`a wrong answer: ${(error as Error).message}`);
    }
  }

  async #attack(random: Random): Promise<void> {
    while (!this.#isOver) {
      try {
        const attack = random.chance(NUISANCES) ? annoyOnce : attackOnce;
        await attack(this.#server, random);
      } catch (error) {
        this.faults.push(`an attacker's answer: ${(error as Error).message}`);
      }
      this.#codeAttacks++;
    }
  }

  /** Half of the holders get no further than the door, half have a session behind it. */
  async #abuse(fork: () => Random): Promise<void> {
    if (this.#options.keyHolders === 0) return;
    const holders = await Promise.all(
      Array.from({ length: this.#options.keyHolders }, async (_, at) => {
        const quotas = at % 2 === 0 ? SMALLEST : ONE_SESSION;
        return { secret: await makeKey(this.#server, `holder ${at}`, quotas), seed: fork().seed() };
      }),
    );
    this.#hostile = startHostileClients(this.#server, holders);
    await pause(this.#deadline - performance.now());
    await this.#hostile.stop();
    this.faults.push(...this.#hostile.faults.map((fault) => `a key holder's answer: ${fault}`));
  }

  async #sample(): Promise<void> {
    const intervalMs = Math.max(SAMPLE_MS_MIN, (this.#options.seconds * 1000) / SAMPLES);
    while (!this.#isOver) {
      this.samples.push(takeSample(this.#server));
      this.#options.onProgress?.(`${this.attacks} attacks, ${this.answers} honest answers`);
      await pause(intervalMs);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A server, a first short round that warms everything, the soak, and the server's end. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const server = await startServer({ env: SERVER_ENV });
  try {
    const warmUp = new Soak(server, { ...options, seconds: Math.min(10, options.seconds / 4) });
    await warmUp.run();
    const restBefore = await bringToRest(server);
    const probe = probeHealth(server);
    const main = new Soak(server, options);
    const before = processorSeconds(server);
    await main.run();
    const after = processorSeconds(server);
    await probe.stop();
    const restAfter = await bringBackToRest(server, restBefore);
    await server.stop();
    const [ran, waited] = [after.ran - before.ran, after.waited - before.waited].map(Math.round);
    const processor = `the gateway's event loop ran for ${ran} s, and waited ${waited} s for a processor`;
    const { table, faults } = report(
      options,
      [warmUp, main],
      restBefore,
      restAfter,
      probe.answersMs,
    );
    return { table: `${table}\n${processor}`, faults };
  } finally {
    await server.end("SIGTERM");
  }
}

function report(
  { seconds, healthP99MsMax, growthFactor }: SoakOptions,
  rounds: readonly Soak[],
  restBefore: Sample,
  restAfter: Sample,
  healthMs: readonly number[],
): SoakReport {
  const { samples, attacks, answers } = rounds.at(-1) as Soak;
  const rows = (Object.keys(figures) as Figure[]).map((name) => {
    const growthMax = figures[name].growthMax * growthFactor;
    const values = samples.map((sample) => sample[name]);
    return { name, growthMax, ...judgeTrend(values, growthMax) };
  });
  const unanswered = healthMs.filter((ms) => ms < 0).length;
  const [p50, p99, most] = [0.5, 0.99, 1].map((part) => Math.round(percentile(healthMs, part)));
  const faults = [
    ...rounds.flatMap((round) => round.faults),
    ...rows.filter(({ isFlat }) => !isFlat).map(({ name }) => `${name} has grown`),
    ...compareRests(restBefore, restAfter),
    ...(unanswered > 0 ? [`/health had no answer ${unanswered} times`] : []),
    ...((p99 ?? 0) > healthP99MsMax
      ? [`/health took ${p99} ms, ${healthP99MsMax} are allowed`]
      : []),
  ];
  const columns = ["figure", "first", "middle", "last", "may grow", "at rest before", "after", ""];
  const table = [
    columns,
    ...rows.map((row) => [
      row.name,
      ...[row.first, row.middle, row.last, row.growthMax].map(String),
      String(restBefore[row.name]),
      String(restAfter[row.name]),
      row.isFlat ? "flat" : "GROWS",
    ]),
  ];
  const slow = healthMs.filter((ms) => ms > 200).length;
  const text = [
    ...alignColumns(table),
    "",
    `${seconds} s, ${samples.length} samples, ${attacks} attacks, ${answers} honest answers`,
    `/health: ${healthMs.length} times, p50 ${p50} ms, p99 ${p99} ms, max ${most} ms, above 200 ms ${slow} times`,
    faults.length === 0 ? "passed" : `FAILED: ${faults.length} faults`,
    ...faults.slice(0, FAULTS_SHOWN),
  ];
  return { table: text.join("\n"), faults };
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}
