/**
 * As many sessions as a large class has, all alive at once: pandas is imported and used in each, then each runs a
 * cell that prints and takes longer than the kernel reads its output alone. Every answer has to be right.
 */
import { readdirSync, readFileSync } from "node:fs";
import { probeHealth } from "../support/health.ts";
import { findRoles } from "../support/roles.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { percentile } from "./trend.ts";

export interface ManySessionsReport {
  readonly table: string;
  /** What is wrong, a line each; empty is a pass. */
  readonly faults: readonly string[];
}

/** Requests under way at a time: a class does not press the key in the same instant. */
const AT_ONCE = 16;
const SETTLE_MS = 1000;
const FAULTS_SHOWN = 20;

/** What a session computes differs, so that an answer of another one is a wrong one. */
const USE_PANDAS = (number: number) =>
  `import pandas as pd
frame = pd.DataFrame({"a": range(${number + 100})})
print(int(frame["a"].sum()))`;
const PRINT_AND_WAIT = `import time
print("begins")
time.sleep(0.1)
print(int(frame["a"].sum()))`;
const sumUpTo = (number: number) => ((number + 100) * (number + 99)) / 2;

export async function manySessions(
  sessions: number,
  onProgress: (line: string) => void = () => undefined,
): Promise<ManySessionsReport> {
  const server = await startServer({
    env: { MAX_SESSIONS: String(sessions + 10), POOL_SIZE: "2", ACQUIRE_TIMEOUT: "60" },
  });
  const faults: string[] = [];
  const lines: string[] = [];
  const note = (line: string) => {
    lines.push(line);
    onProgress(line);
  };
  try {
    const availableBefore = availableMib();
    const probe = probeHealth(server);
    const imports = await inEach(server, sessions, faults, USE_PANDAS, (n) => `${sumUpTo(n)}\n`);
    note(`${sessions} sessions with pandas: ${describe(imports)}`);
    await pause(SETTLE_MS);
    const each = ((availableBefore - availableMib()) * 1.048576) / sessions;
    note(
      `memory for each: ${each.toFixed(1)} MB; the keeper holds ${keeperDescriptors(server)} descriptors`,
    );
    const expected = (n: number) => `begins\n${sumUpTo(n)}\n`;
    const cells = await inEach(server, sessions, faults, () => PRINT_AND_WAIT, expected);
    note(`a cell of 100 ms that prints, in each: ${describe(cells)}`);
    await probe.stop();
    const health = probe.answersMs;
    if (health.some((ms) => ms < 0)) faults.push("/health had no answer");
    note(`/health: p50 ${rounded(health, 0.5)} ms, p99 ${rounded(health, 0.99)} ms`);
    const stopsAt = performance.now();
    await server.stop();
    note(`stop: ${((performance.now() - stopsAt) / 1000).toFixed(1)} s`);
  } finally {
    await server.end("SIGTERM");
  }
  note(faults.length === 0 ? "passed" : `FAILED: ${faults.length} faults`);
  return { table: [...lines, ...faults.slice(0, FAULTS_SHOWN)].join("\n"), faults };
}

interface Round {
  readonly seconds: number;
  readonly answersMs: readonly number[];
}

async function inEach(
  server: TestServer,
  sessions: number,
  faults: string[],
  codeOf: (number: number) => string,
  expectedOf: (number: number) => string,
): Promise<Round> {
  const answersMs: number[] = [];
  const startedAt = performance.now();
  let next = 0;
  async function work(): Promise<void> {
    for (let number = next++; number < sessions; number = next++) {
      const sentAt = performance.now();
      const answer = await server.tryExecute({
        session_id: `many-${number}`,
        code: codeOf(number),
      });
      answersMs.push(performance.now() - sentAt);
      const { status, stdout } = answer.body;
      if (status !== "ok" || stdout !== expectedOf(number)) {
        faults.push(`session ${number} answered ${answer.text.slice(0, 300)}`);
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { seconds: (performance.now() - startedAt) / 1000, answersMs };
}

function describe({ seconds, answersMs }: Round): string {
  const [p50, p99] = [rounded(answersMs, 0.5), rounded(answersMs, 0.99)];
  return `${seconds.toFixed(1)} s, p50 ${p50} ms, p99 ${p99} ms`;
}

const rounded = (values: readonly number[], part: number) => Math.round(percentile(values, part));

function availableMib(): number {
  const line = /^MemAvailable: +(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"));
  return Number(line?.[1] ?? 0) / 1024;
}

function keeperDescriptors(server: TestServer): number {
  const { keeper } = findRoles(server);
  return keeper ? readdirSync(`/proc/${keeper.pid}/fd`).length : 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
