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

interface Timed {
  readonly name: string;
  readonly ms: number;
}

export class RunReport implements Reporter {
  readonly #directory = mkdtempSync(join(tmpdir(), "glovebox-run-"));
  readonly #starts = join(this.#directory, "server-starts");
  #root = "";

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root;
    writeFileSync(this.#starts, "");
    // Workers inherit it.
    process.env[SERVER_COUNT_VARIABLE] = this.#starts;
    vitest.onClose(() => rmSync(this.#directory, { recursive: true, force: true }));
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
    const servers = readServerStarts(this.#starts);
    console.log(slowest("Slowest files", files));
    console.log(slowest("Slowest tests", tests.map(timeOf)));
    console.log(`Servers started: ${servers.count}, in ${(servers.ms / 1000).toFixed(1)} s\n`);
  }
}

function count(tests: readonly TestCase[], state: "passed" | "failed"): number {
  return tests.filter((test) => test.result().state === state).length;
}

function timeOf(test: TestCase): Timed {
  return { name: test.fullName, ms: test.diagnostic()?.duration ?? 0 };
}

function slowest(title: string, timed: readonly Timed[]): string {
  const top = [...timed].sort((a, b) => b.ms - a.ms).slice(0, SHOWN);
  const lines = top.map(({ name, ms }) => `${(ms / 1000).toFixed(1).padStart(8)} s  ${name}`);
  return `${title}\n${lines.join("\n")}\n`;
}
