/**
 * `npm test`: set-up, then every test. With the name of a vitest project (`unit`, `integration`,
 * `attack`) only that project runs; the guest's Python tests belong to the unit tests. All runners
 * run even when an earlier one fails, and any failure, no test at all included, fails the whole.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { guestTestCommand } from "./guest-tests.mjs";
import { SetupError } from "./process.mjs";
import { repositoryDir } from "./settings.mjs";
import { runMain, setUp } from "./setup.mjs";

const PROJECTS = ["unit", "integration", "attack"];

await runMain(async () => {
  const [project, ...vitestArguments] = process.argv.slice(2);
  if (project !== undefined && !PROJECTS.includes(project)) {
    throw new SetupError(`No tests are called ${project}; there are ${PROJECTS.join(", ")}.`);
  }
  const settings = await setUp();
  const results = [];
  if (project === undefined || project === "unit") {
    results.push(["guest (Python)", await runVisibly(guestTestCommand(settings.rootfsDir))]);
  }
  const selection = project === undefined ? [] : ["--project", project];
  const vitest = join(repositoryDir, "node_modules/.bin/vitest");
  results.push(["vitest", await runVisibly([vitest, "run", ...selection, ...vitestArguments])]);
  return summarise(results);
});

function runVisibly([command, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: repositoryDir, stdio: "inherit" });
    // Signals reach the runner as well; waiting for it lets it end its servers first.
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
    child.once("error", reject);
    child.once("exit", (status) => resolve(status ?? 1));
  });
}

function summarise(results) {
  console.log();
  for (const [name, status] of results) {
    console.log(
      `${status === 0 ? "passed" : "FAILED"}  ${name}${status === 0 ? "" : ` (${status})`}`,
    );
  }
  return results.every(([, status]) => status === 0) ? 0 : 1;
}
