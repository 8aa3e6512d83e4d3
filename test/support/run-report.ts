/**
 * Closes a run of the tests with what it spent its time on, so that it does not grow unseen: the
 * slowest files and tests, and the number of servers. Where RUN_REPORT_FILE is set, the numbers of
 * tests that passed and failed are written there for scripts/test.mjs.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";
import { readServerStarts, SERVER_COUNT_VARIABLE } from "./server-count.ts";

const SHOWN = 10;
const SLOW_MS = 300;

interface Timed {
  readonly name: string;
  readonly ms: number;
}

export class RunReport implements Reporter {
  #root = "";
  #directory = "";

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root;
  }

  onTestRunStart(): void {
    this.#directory = mkdtempSync(join(tmpdir(), "glovebox-run-"));
    const starts = join(this.#directory, "server-starts");
    writeFileSync(starts, "");
    // Workers inherit it.
    process.env[SERVER_COUNT_VARIABLE] = starts;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const counts = { passed: count(tests, "passed"), failed: 0 };
    for (const module of modules) {
      const failed = count([...module.children.allTests()], "failed");
      // A file that cannot be loaded, or whose hooks fail, counts as a failed test.
      counts.failed += failed === 0 && module.state() === "failed" ? 1 : failed;
    }
    const { RUN_REPORT_FILE } = process.env;
    if (RUN_REPORT_FILE !== undefined) writeFileSync(RUN_REPORT_FILE, JSON.stringify(counts));

    const files = modules.map((module) => ({
      name: relative(this.#root, module.moduleId),
      ms: module.diagnostic().duration,
    }));
    const servers = readServerStarts(join(this.#directory, "server-starts"));
    rmSync(this.#directory, { recursive: true, force: true });
    const spent = [
      ...slowest("Slowest files", files),
      ...slowest("Slowest tests", tests.map(timeOf)),
      `Servers started: ${servers.count}, in ${(servers.ms / 1000).toFixed(1)} s`,
    ];
    console.log(`${spent.join("\n")}\n`);
  }
}

function count(tests: readonly TestCase[], state: "passed" | "failed"): number {
  return tests.filter((test) => test.result().state === state).length;
}

function timeOf(test: TestCase): Timed {
  return { name: test.fullName, ms: test.diagnostic()?.duration ?? 0 };
}

function slowest(title: string, timed: readonly Timed[]): string[] {
  const slow = timed.filter(({ ms }) => ms >= SLOW_MS).sort((a, b) => b.ms - a.ms);
  const lines = slow
    .slice(0, SHOWN)
    .map(({ name, ms }) => `${(ms / 1000).toFixed(1).padStart(8)} s  ${name}`);
  return lines.length === 0 ? [] : [title, ...lines, ""];
}
