/**
 * Brings a machine from a fresh clone to ready: `setUp()` is called by `npm start` and `npm test`,
 * and `node scripts/setup.mjs` runs it alone. Every step looks first and does nothing when there
 * is nothing to do, so an interrupted set-up is simply run again.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InterruptedError, quick, run, SetupError, withLock, withProgress } from "./process.mjs";
import { ensureRootfs } from "./rootfs.mjs";
import { readSettings, repositoryDir } from "./settings.mjs";

const NODE_MAJOR_MIN = 20;
const SERVICE_USER = "glovebox";
const HOST_PACKAGES = [
  "mmdebstrap",
  "debian-archive-keyring",
  "distro-info-data",
  "util-linux",
  "mount",
  "passwd",
];
const NAMESPACES = ["user", "mount", "pid", "net", "ipc", "uts", "cgroup"];

/** @returns {Promise<{stateDir: string, rootfsDir: string}>} the places that are ready for use */
export async function setUp() {
  const settings = readSettings();
  // A root shell made by plain `su` lacks the folders of administration tools.
  process.env.PATH = `${process.env.PATH ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`;
  requirePlatform();
  requireRoot();
  requireNamespaces();
  await installNpmPackages();
  await installHostPackages(HOST_PACKAGES);
  createServiceUser();
  await compile();
  showProgramToServiceUser();
  await ensureRootfs(settings);
  return settings;
}

function requirePlatform() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new SetupError(
      `Glovebox needs Linux on x86_64; this is ${process.platform} on ${process.arch}.`,
      "run it on a Debian or Ubuntu machine, a virtual one will do.",
    );
  }
  const major = Number(process.versions.node.split(".")[0]);
  if (major < NODE_MAJOR_MIN) {
    throw new SetupError(
      `Glovebox needs Node.js ${NODE_MAJOR_MIN} or newer; this is ${process.version}.`,
      `install Node.js ${NODE_MAJOR_MIN} or newer.`,
    );
  }
  for (const tool of ["apt-get", "dpkg-query"]) {
    if (quick(tool, ["--version"]).status !== 0) {
      throw new SetupError(
        `${tool} is missing: set-up installs Debian packages on the host and in the sandbox.`,
        "run Glovebox on Debian 12, Debian 13 or Ubuntu.",
      );
    }
  }
}

function requireRoot() {
  if (process.getuid() !== 0) {
    throw new SetupError(
      `Glovebox must be started by root; this is uid ${process.getuid()}. Root is needed to make namespaces, mounts and cgroups; the HTTP side gives it up.`,
      "run the same command as root, for example with sudo.",
    );
  }
}

/** Tried without a user namespace first: inside of one, even a powerless root may make the rest. */
function requireNamespaces() {
  const rest = NAMESPACES.filter((name) => name !== "user");
  const trials = [rest, NAMESPACES].map(tryNamespaces);
  const failed = trials.find(({ status }) => status !== 0);
  if (failed === undefined) return;
  if (failed.status === 127) {
    throw new SetupError("unshare is missing.", "apt-get install util-linux");
  }
  const refused = NAMESPACES.filter((name) => tryNamespaces([name]).status !== 0);
  throw new SetupError(
    `This machine refuses to make ${refused.join(", ") || "combined"} namespaces: ${failed.stderr.trim()}`,
    "inside a container, start it with full privileges (docker run --privileged); on a machine of its own, see that the limits in /proc/sys/user/max_*_namespaces are above 0.",
  );
}

function tryNamespaces(names) {
  return quick("unshare", ["--fork", ...names.map((name) => `--${name}`), "true"]);
}

async function installNpmPackages() {
  const lockPath = join(repositoryDir, "package-lock.json");
  const stampPath = join(repositoryDir, "node_modules/.glovebox-set-up");
  const wanted = createHash("sha256")
    .update(readFileSync(lockPath))
    .update(`${process.arch} ${process.versions.modules}`)
    .digest("hex");
  const isInstalled = () => existsSync(stampPath) && readFileSync(stampPath, "utf8") === wanted;
  if (isInstalled()) return;
  await withLock(lockPath, async () => {
    if (isInstalled()) return;
    await withProgress("Installing npm packages", installFromLock);
    writeFileSync(stampPath, wanted);
  });
}

/**
 * `npm ci` insists that the lock lists the builds of a package for every platform, which a lock
 * made behind a partial registry mirror does not. `npm install` takes the same versions from the
 * same lock and is content with the builds for this platform.
 */
async function installFromLock() {
  const npm = (args) =>
    run("npm", [...args, "--include=dev", "--no-progress"], {
      cwd: repositoryDir,
      failure: "The npm packages could not be installed.",
      remedy: "check that this machine reaches an npm registry and run it again.",
    });
  try {
    await npm(["ci"]);
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    await npm(["install", "--no-save"]);
  }
}

/** Installs those of the Debian packages that are missing, and says so. */
export async function installHostPackages(names) {
  const missing = missingPackages(names);
  if (missing.length === 0) return;
  await withProgress(`Installing Debian packages on the host (${missing.join(", ")})`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const patience = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
    // A foreign source that fails to update is no reason to stop: the installation decides.
    const update = await run("apt-get", [...patience, "update"], { env, failure: "update" }).catch(
      (error) => error,
    );
    if (update instanceof InterruptedError) throw update;
    await run("apt-get", [...patience, "install", "-y", "--no-install-recommends", ...missing], {
      env,
      failure: `${update === undefined ? "" : `apt-get update: ${update.message}\n`}The Debian packages ${missing.join(", ")} could not be installed.`,
      remedy:
        "check the machine's package sources (on Ubuntu `universe` is needed) and run it again.",
    });
  });
}

function missingPackages(names) {
  const { stdout } = quick("dpkg-query", [
    "-W",
    "-f",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is dpkg-query's own syntax.
    "${Package} ${db:Status-Status}\n",
    ...names,
  ]);
  const installed = new Set(
    stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** The HTTP side runs as this user, who owns nothing and cannot log in. */
function createServiceUser() {
  if (quick("getent", ["passwd", SERVICE_USER]).status === 0) return;
  const existingGroup = quick("getent", ["group", SERVICE_USER]).status === 0;
  const group = existingGroup ? ["--gid", SERVICE_USER] : ["--user-group"];
  const identity = ["--system", "--no-create-home", "--home-dir", "/nonexistent"];
  const shell = ["--shell", "/usr/sbin/nologin"];
  const { status, stderr } = quick("useradd", [...identity, ...shell, ...group, SERVICE_USER]);
  if (status !== 0) {
    throw new SetupError(`The system user ${SERVICE_USER} could not be made: ${stderr.trim()}`);
  }
  console.log(`Made the system user ${SERVICE_USER} for the unprivileged HTTP side.`);
}

/** tsc compares sources and outputs itself, in less time than a progress line is worth. */
async function compile() {
  await withLock(join(repositoryDir, "package-lock.json"), () =>
    run(join(repositoryDir, "node_modules/.bin/tsc"), ["-b"], {
      cwd: repositoryDir,
      failure: "The sources do not compile.",
    }),
  );
}

/**
 * The HTTP side is an ordinary user and loads the program by itself. A clone that was made with a
 * strict umask is readable for root only, and so is what npm and tsc have written under it.
 */
function showProgramToServiceUser() {
  const samples = [".", "package.json", "packages/server/dist/cli/main.js", "node_modules/pino"];
  const isReadable = (path) => (statSync(join(repositoryDir, path)).mode & 0o004) !== 0;
  if (samples.every(isReadable)) return;
  const paths = ["package.json", "packages", "node_modules"].map((name) =>
    join(repositoryDir, name),
  );
  for (const args of [[repositoryDir], ["-R", ...paths]]) {
    const { status, stderr } = quick("chmod", ["a+rX", ...args]);
    if (status !== 0) throw new SetupError(`The program cannot be made readable: ${stderr.trim()}`);
  }
  console.log("Made the program readable for the service user.");
}

/** Runs a command line's main function; an explained failure ends it without a stack trace. */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = error.exitCode ?? 1;
  }
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await runMain(async () => {
    const { stateDir } = await setUp();
    console.log(`Set-up is complete (state in ${stateDir}).`);
  });
}
