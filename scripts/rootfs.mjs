/**
 * Builds the root filesystem that every sandbox shares.
 *
 * ROOTFS_DIR holds one tree per recipe, named by the recipe's hash, a marker `<hash>.complete`
 * beside each finished tree, and the link `current` to the one in use. A tree is built under the
 * name `.building-<pid>` and is renamed only when it is finished and on disk; it counts as complete
 * only when its marker exists, which is written after that. So whatever moment a build is
 * interrupted at, the next one finds either a complete tree or rubbish that it removes. The empty
 * folders of `.mountpoints` are the second layer that an overlay without a writable layer asks for.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { InterruptedError, run, SetupError, withLock, withProgress } from "./process.mjs";
import { repositoryDir } from "./settings.mjs";

const SUITE = "trixie";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Where sandboxes get what does not lie in the tree. */
const MOUNT_POINTS = ["data", "opt/wheels"];
const TREE_NAME = /^[0-9a-f]{16}$/;
const FREE_BYTES_MIN = 3 * 2 ** 30;
const EXCLUDED_PATHS = [
  "/usr/share/man/*",
  "/usr/share/locale/*",
  "/usr/share/info/*",
  "/usr/share/lintian/*",
  "/usr/share/doc/*",
  // What a browser would load to show widgets. Whoever shows them brings it.
  "/usr/share/jupyter/*",
  "/usr/lib/python3/dist-packages/widgetsnbextension/static/*",
];
const INCLUDED_PATHS = ["/usr/share/doc/*/copyright"];
/** The build gets namespaces of its own: its mounts and processes end with it, however it ends. */
export const OWN_NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

const PHASES = {
  "Get:": "downloading",
  "Unpacking ": "unpacking packages",
  "Setting up ": "setting up packages",
};

/** @returns {string[]} the packages of rootfs/packages.txt */
export function parsePackages(text) {
  return text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

/** @returns {string[]} mmdebstrap's options for a small tree with these packages */
export function installOptions(packages) {
  return [
    "--variant=minbase",
    "--mode=root",
    "--format=directory",
    `--keyring=${KEYRING}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Retries "3"',
    ...EXCLUDED_PATHS.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...INCLUDED_PATHS.map((path) => `--dpkgopt=path-include=${path}`),
    `--include=${[...packages].sort().join(",")}`,
  ];
}

/** Everything that decides what the tree contains, except what Debian's mirror offers that day. */
export function readRecipe() {
  const packages = parsePackages(readFileSync(join(repositoryDir, "rootfs/packages.txt"), "utf8"));
  const finish = readFileSync(join(repositoryDir, "rootfs/finish.py"), "utf8");
  const options = installOptions(packages);
  const hash = createHash("sha256")
    .update(JSON.stringify([SUITE, options, finish]))
    .digest("hex")
    .slice(0, 16);
  return { packages, finish, options, hash };
}

/** Makes ROOTFS_DIR/current lead to a complete tree of today's recipe. */
export async function ensureRootfs({ rootfsDir, mirror }) {
  const recipe = readRecipe();
  if (isSettled(rootfsDir, recipe.hash)) return;
  mkdirSync(rootfsDir, { recursive: true, mode: 0o755 });
  await withLock(join(rootfsDir, ".lock"), async () => {
    removeUnfinished(rootfsDir);
    for (const place of MOUNT_POINTS) {
      mkdirSync(join(rootfsDir, ".mountpoints", place), { recursive: true, mode: 0o755 });
    }
    if (!isComplete(rootfsDir, recipe.hash)) await build(rootfsDir, recipe, mirror);
    select(rootfsDir, recipe.hash);
    removeOutdated(rootfsDir, recipe.hash);
  });
}

export function isComplete(rootfsDir, hash) {
  return (
    existsSync(join(rootfsDir, `${hash}.complete`)) && existsSync(join(rootfsDir, hash, "usr"))
  );
}

function isSettled(rootfsDir, hash) {
  return (
    isComplete(rootfsDir, hash) &&
    linkTarget(join(rootfsDir, "current")) === hash &&
    MOUNT_POINTS.every((place) => existsSync(join(rootfsDir, ".mountpoints", place))) &&
    outdatedTrees(rootfsDir, hash).length === 0
  );
}

function outdatedTrees(rootfsDir, hash) {
  return readdirSync(rootfsDir).filter((name) => TREE_NAME.test(name) && name !== hash);
}

function linkTarget(path) {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Only called under the lock, so whatever is unfinished belongs to a build that is dead.
 * @returns {string[]} the names of what was removed
 */
export function removeUnfinished(rootfsDir) {
  const names = readdirSync(rootfsDir).filter(
    (name) =>
      name.startsWith(".building-") || (TREE_NAME.test(name) && !isComplete(rootfsDir, name)),
  );
  for (const name of names) removeTree(join(rootfsDir, name));
  return names;
}

async function build(rootfsDir, recipe, mirror) {
  requireSpace(rootfsDir);
  const tree = join(rootfsDir, `.building-${process.pid}`);
  try {
    const title = "Building the sandbox's root filesystem (two to three minutes)";
    await withProgress(title, async (progress) => {
      progress.phase("preparing");
      await installDebian(tree, recipe.options, mirror, progress);
      progress.phase("adding users, byte code and the font cache");
      await finish(tree, recipe);
      progress.phase("writing to disk");
      await run("sync", ["--file-system", tree], { failure: "The tree was not written to disk." });
      commit(rootfsDir, tree, recipe.hash);
    });
  } catch (error) {
    removeTree(tree);
    throw error instanceof InterruptedError ? error : withDiskHint(error, rootfsDir);
  }
}

function requireSpace(rootfsDir) {
  if (freeBytes(rootfsDir) < FREE_BYTES_MIN) {
    throw new SetupError(
      `${rootfsDir} has ${gigabytes(freeBytes(rootfsDir))} free; the sandbox's root filesystem needs ${gigabytes(FREE_BYTES_MIN)} while it is built.`,
      "free some space, or set STATE_DIR to a folder on a larger disk.",
    );
  }
}

/** Installs Debian into the new directory `tree`; `options` are mmdebstrap's. */
export async function installDebian(tree, options, mirror, progress) {
  const positional = mirror === undefined ? [SUITE, tree] : [SUITE, tree, mirror];
  const command = ["mmdebstrap", "--verbose", ...options, ...positional];
  await run("unshare", [...OWN_NAMESPACES, ...command], {
    failure: `Debian's packages could not be installed into ${tree}.`,
    remedy:
      "check that this machine reaches a Debian mirror (DEBIAN_MIRROR=<address> chooses another one) and run it again.",
    onLine: packageCounter(progress),
  });
}

/** Turns what apt and dpkg say about each package into phases with a count. */
function packageCounter(progress) {
  const counts = new Map();
  return (line) => {
    const verb = /^(Get:|Unpacking |Setting up )/.exec(line)?.[1];
    if (verb === undefined) return;
    const phase = PHASES[verb];
    counts.set(phase, (counts.get(phase) ?? 0) + 1);
    progress.phase(phase, `${counts.get(phase)} so far`);
  };
}

/** The tree finishes itself, with its own Python and without a network. */
async function finish(tree, recipe) {
  await run("unshare", [...OWN_NAMESPACES, "--net", "chroot", tree, "python3", "-B", "-"], {
    failure: "The sandbox's root filesystem could not be finished.",
    input: recipe.finish,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/nonexistent" },
  });
}

function commit(rootfsDir, tree, hash) {
  renameSync(tree, join(rootfsDir, hash));
  const marker = join(rootfsDir, `${hash}.complete`);
  writeFileSync(marker, `${JSON.stringify({ hash, built_at: new Date().toISOString() })}\n`, {
    flush: true,
  });
}

function select(rootfsDir, hash) {
  const link = join(rootfsDir, `.current-${process.pid}`);
  rmSync(link, { force: true });
  symlinkSync(hash, link);
  renameSync(link, join(rootfsDir, "current"));
}

/** Keeps a tree that a running server still has mounted: its sandboxes would lose their files. */
function removeOutdated(rootfsDir, hash) {
  const outdated = outdatedTrees(rootfsDir, hash);
  if (outdated.length === 0) return;
  const inUse = namesInUse(outdated);
  for (const name of outdated.filter((each) => !inUse.has(each))) {
    rmSync(join(rootfsDir, `${name}.complete`), { force: true });
    removeTree(join(rootfsDir, name));
  }
}

/** Names that occur in the mount table or as the root of any process of this machine. */
function namesInUse(names) {
  const texts = readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => `${readOrEmpty(`/proc/${pid}/mountinfo`)}\n${linkTarget(`/proc/${pid}/root`)}`);
  return new Set(names.filter((name) => texts.some((text) => text.includes(name))));
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Processes of a killed build may need a moment to vanish, hence the retries. */
function removeTree(path) {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

function withDiskHint(error, rootfsDir) {
  if (freeBytes(rootfsDir) > 64 * 2 ** 20) return error;
  return new SetupError(`${error.message}\n  The disk of ${rootfsDir} is full.`);
}

function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function gigabytes(bytes) {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
