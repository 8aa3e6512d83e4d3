/**
 * `npm test`: set-up, then every test but the long random runs. With a name (`unit`, `integration`,
 * `attack`, `long`, or `all`) only those run; the guest's Python tests belong to the unit tests and
 * run beside Vitest. All runners run even when another one fails, and any failure, no test at all
 * included, fails the whole. The last line sums them up: "2257 passed, 0 failed".
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestTestCommand } from "./guest-tests.mjs";
import { SetupError } from "./process.mjs";
import { repositoryDir } from "./settings.mjs";
import { installHostPackages, runMain, setUp } from "./setup.mjs";
import { guestCounts, projectArguments, sumUp } from "./test-runs.mjs";

/** The Python client's tests run in a folder of packages that Debian's Python makes. */
const TEST_PACKAGES = ["python3-venv"];

await runMain(async () => {
  const [project, ...vitestArguments] = process.argv.slice(2);
  const selection = projectArguments(project);
  if (selection === undefined) throw new SetupError(`No tests are called ${project}.`);
  const { rootfsDir } = await setUp();
  await installHostPackages(TEST_PACKAGES).catch((error) => {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`The Python client's tests may be left out: ${error.message}\n`);
  });
  const guest = selection.withGuest ? runGuest(rootfsDir) : [];
  const vitest = runVitest([...selection.projects, ...vitestArguments]);
  return close((await Promise.all([vitest, guest])).flat());
});

/** Its output is shown when it has ended, so that two runners do not write into each other's lines. */
async function runGuest(rootfsDir) {
  const { status, output } = await run(guestTestCommand(rootfsDir), "pipe");
  console.log(`\nguest (Python)\n${output}`);
  return [{ name: "guest (Python)", status, ...guestCounts(output) }];
}

async function runVitest(args) {
  const directory = mkdtempSync(join(tmpdir(), "glovebox-tests-"));
  const report = join(directory, "report.json");
  const vitest = join(repositoryDir, "node_modules/.bin/vitest");
  try {
    const env = { ...process.env, RUN_REPORT_FILE: report };
    const { status } = await run([vitest, "run", ...args], "inherit", env);
    return [{ name: "vitest", status, ...readCounts(report) }];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Without a report the runner has died, which its status tells. */
function readCounts(report) {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { passed: 0, failed: 0 };
  }
}

function run([command, ...args], output, env = process.env) {
  return new Promise((resolve, reject) => {
    const stdio = ["inherit", output, output];
    const child = spawn(command, args, { cwd: repositoryDir, stdio, env });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
    }
    // Signals reach the runner as well; waiting for it lets it end its servers first.
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
    child.once("error", reject);
    child.once("close", (status) => resolve({ status: status ?? 1, output: text }));
  });
}

function close(results) {
  console.log();
  for (const { name, status } of results) {
    const outcome = status === 0 ? `passed  ${name}` : `FAILED  ${name} (${status})`;
    console.log(outcome);
  }
  const { passed, failed } = sumUp(results);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
