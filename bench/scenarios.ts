/**
 * The measurements. Each takes any System and returns plain numbers, and each checks every answer:
 * a wrong one is a failure, not a fast success.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type MemoryTotals, memoryAvailableBytes, memoryOf } from "./process-memory.js";
import { medianBy, type Summary, summarize } from "./stats.js";
import type { Answer, Session, System } from "./system.js";

export type Figures = Record<string, number>;

const FIRST_CODE = "print(6 * 7)";
const FIRST_TEXT = "42\n";
const PLOT_CODE = `import pandas
import matplotlib.pyplot as plt
frame = pandas.DataFrame({"x": range(50), "y": [v * v for v in range(50)]})
plt.plot(frame["x"], frame["y"])
plt.title("squares")
print(len(frame))`;
const PLOT_TEXT = "50\n";
const IMPORT_CODE = "import numpy, pandas, matplotlib\nprint(6 * 7)";
const IDLE_MS_BEFORE_MEMORY = 1_000;

// (a) Load

export interface LoadPlan {
  users: number;
  requests: number;
}

export interface LoadResult {
  figures: Figures;
  /** What went wrong first, or null. */
  firstFailure: string | null;
}

/**
 * Users run side by side, the requests of one user one after the other. Opening the sessions is not
 * part of the time; scenario (b) measures it.
 */
export async function measureLoad(system: System, plan: LoadPlan): Promise<LoadResult> {
  const users = await openUsers(system, plan.users);
  await system.settle();
  const latencies = new Float64Array(plan.users * plan.requests);
  const outcome = { answered: 0, correct: 0, firstFailure: null as string | null };
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  await Promise.all(users.map((user) => sendRequests(user, plan.requests, latencies, outcome)));
  const wallMs = performance.now() - start;
  const cpu = process.cpuUsage(cpuBefore);
  await Promise.all(users.map((user) => user.session.close()));
  await system.settle();
  const total = plan.users * plan.requests;
  return {
    figures: {
      users: plan.users,
      requests_per_user: plan.requests,
      requests_per_second: outcome.correct / (wallMs / 1000),
      success_percent: (100 * outcome.correct) / total,
      ms_per_run: wallMs / (total / plan.users),
      generator_cpu_us_per_request: (cpu.user + cpu.system) / total,
      ...latencyFigures(summarize(latencies.subarray(0, outcome.answered))),
    },
    firstFailure: outcome.firstFailure,
  };
}

interface User {
  name: string;
  session: Session;
  expect(run: number): string;
}

async function openUsers(system: System, count: number): Promise<User[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const name = `user-${String(index).padStart(2, "0")}`;
      const session = await system.newSession();
      await session.run(`a = 0; me = "${name}"`);
      // The bare route runs nothing, so its answer is the same every time.
      const expect =
        system.name === "bare_fastify"
          ? () => "user-00 1000\n"
          : (run: number) => `${name} ${run}\n`;
      return { name, session, expect };
    }),
  );
}

async function sendRequests(
  user: User,
  requests: number,
  latencies: Float64Array,
  outcome: { answered: number; correct: number; firstFailure: string | null },
): Promise<void> {
  for (let run = 1; run <= requests; run += 1) {
    const start = performance.now();
    try {
      const { text } = await user.session.run("a += 1; print(me, a)");
      latencies[outcome.answered] = performance.now() - start;
      outcome.answered += 1;
      if (text === user.expect(run)) outcome.correct += 1;
      else outcome.firstFailure ??= `${user.name}, run ${run}: ${JSON.stringify(text)}`;
    } catch (error) {
      outcome.firstFailure ??= `${user.name}, run ${run}: ${describe(error)}`;
    }
  }
}

/** The round in the middle by throughput, so that one hiccup of the machine decides nothing. */
export function medianLoad(rounds: readonly LoadResult[]): LoadResult {
  const failed = rounds.find((round) => round.firstFailure !== null);
  return failed ?? medianBy(rounds, (round) => round.figures.requests_per_second ?? 0);
}

// (b) New session to first result

export async function measureFirstResult(system: System, rounds: number): Promise<Figures> {
  return latencyFigures(
    await timeNewSessions(system, rounds, FIRST_CODE, ({ text }) => expectText(text, FIRST_TEXT)),
  );
}

export async function measureTenAtOnce(system: System, rounds: number): Promise<Figures> {
  const walls: number[] = [];
  // The first round opens connections and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    await system.settle();
    const start = performance.now();
    const sessions = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const session = await system.newSession();
        expectText((await session.run(FIRST_CODE)).text, FIRST_TEXT);
        return session;
      }),
    );
    if (round > 0) walls.push(performance.now() - start);
    await Promise.all(sessions.map((session) => session.close()));
  }
  await system.settle();
  return latencyFigures(summarize(walls));
}

// (c) New session, libraries and a plot

export async function measurePlot(system: System, rounds: number): Promise<Figures> {
  let pngBytes = 0;
  const summary = await timeNewSessions(system, rounds, PLOT_CODE, ({ text, png }) => {
    expectText(text, PLOT_TEXT);
    pngBytes = expectPng(png);
  });
  return { ...latencyFigures(summary), png_bytes: pngBytes };
}

async function timeNewSessions(
  system: System,
  rounds: number,
  code: string,
  check: (answer: Answer) => void,
): Promise<Summary> {
  const times: number[] = [];
  // The first round opens connections and fills caches, and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    await system.settle();
    const start = performance.now();
    const session = await system.newSession();
    const answer = await session.run(code);
    if (round > 0) times.push(performance.now() - start);
    check(answer);
    await session.close();
  }
  await system.settle();
  return summarize(times);
}

// (d) Memory

/**
 * Memory of idle live sessions: what the processes hold that were not there before the sessions.
 * A forked process counts the pages it shares with its parent as shared, so the private bytes are
 * what one more session costs, and the proportional set size includes a part of what is shared.
 */
export async function measureMemory(
  system: System,
  count: number,
): Promise<{ bare: Figures; libraries: Figures }> {
  await system.settle();
  await sleep(IDLE_MS_BEFORE_MEMORY);
  const others = system.sessionPids();
  const availableBefore = memoryAvailableBytes();
  const sessions = await Promise.all(Array.from({ length: count }, () => system.newSession()));
  const measureAfter = async (code: string): Promise<Figures> => {
    for (const session of sessions) expectText((await session.run(code)).text, FIRST_TEXT);
    await sleep(IDLE_MS_BEFORE_MEMORY);
    const added = [...system.sessionPids()].filter((pid) => !others.has(pid));
    const totals = memoryOf(added);
    if (totals.processes < count) throw new Error("The processes of the sessions were not found.");
    return perSession(totals, availableBefore - memoryAvailableBytes(), count);
  };
  const bare = await measureAfter(FIRST_CODE);
  const libraries = await measureAfter(IMPORT_CODE);
  await Promise.all(sessions.map((session) => session.close()));
  await system.settle();
  return { bare, libraries };
}

function perSession(totals: MemoryTotals, systemBytes: number, count: number): Figures {
  const megabytes = (bytes: number) => bytes / count / 1e6;
  return {
    sessions: count,
    processes: totals.processes / count,
    private_mb: megabytes(totals.private_bytes),
    pss_mb: megabytes(totals.pss_bytes),
    system_mb: megabytes(systemBytes),
  };
}

// Checks

export function expectText(text: string, expected: string): void {
  if (text !== expected) {
    throw new Error(`Expected ${JSON.stringify(expected)}, got ${JSON.stringify(text)}.`);
  }
}

/** Returns the size; the first and the last chunk are looked at, so a cut image does not pass. */
function expectPng(base64: string | null): number {
  const image = Buffer.from(base64 ?? "", "base64");
  const slice = (start: number, end: number) => image.subarray(start, end).toString("latin1");
  const hasMagic = slice(0, 8) === "\x89PNG\r\n\x1a\n";
  if (!hasMagic || slice(12, 16) !== "IHDR" || slice(-8, -4) !== "IEND") {
    throw new Error(`Expected a PNG, got ${image.length} other bytes.`);
  }
  return image.length;
}

export function latencyFigures(summary: Summary): Figures {
  return { ...summary };
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
