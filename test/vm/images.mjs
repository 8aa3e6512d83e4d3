/**
 * The virtual machine's two disks: Debian with its kernel, and the sandboxes' root file system.
 * Each lies in a directory below STATE_DIR/vm that is named by a hash of what it is made from. It
 * is built under the name `.building-<pid>` and renamed when it is on disk, so that what is there is complete.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { run, withLock, withProgress } from "../../scripts/process.mjs";
import { installDebian, installOptions, OWN_NAMESPACES } from "../../scripts/rootfs.mjs";
import { repositoryDir } from "../../scripts/settings.mjs";

const PACKAGES = [
  "apparmor",
  "initramfs-tools",
  "kmod",
  "linux-image-amd64",
  "procps",
  "systemd-sysv",
  "udev",
  "zstd",
  "libstdc++6", // Node's.
  // What set-up installs on a host, so that `glovebox doctor` finds nothing missing.
  "debian-archive-keyring",
  "distro-info-data",
  "mmdebstrap",
  "mount",
  "passwd",
  "util-linux",
];
const UNIT_NAME = "glovebox-tests.service";
const UNIT = join(repositoryDir, "test/vm/system", UNIT_NAME);
/** The file is sparse: it takes what is in it. */
const DISK_SIZE = "6G";

/** @returns {Promise<{kernel: string, initrd: string, system: string, rootfs: string}>} */
export async function ensureImages({ stateDir, rootfsDir, mirror }) {
  const folder = join(stateDir, "vm");
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const options = installOptions(PACKAGES);
  const system = `system-${digest([options, readFileSync(UNIT, "utf8"), process.version])}`;
  const rootfs = `rootfs-${readlinkSync(join(rootfsDir, "current"))}`;
  await withLock(join(folder, ".lock"), async () => {
    for (const name of readdirSync(folder)) {
      if (![".lock", system, rootfs].includes(name)) removeTree(join(folder, name));
    }
    await ensure(folder, system, "Debian", (parts, progress) =>
      buildSystem(parts, options, mirror, progress),
    );
    await ensure(folder, rootfs, "the sandboxes' root file system", (parts, progress) =>
      makeDisk(rootfsDir, join(parts, "disk.ext4"), progress),
    );
  });
  return {
    kernel: join(folder, system, "vmlinuz"),
    initrd: join(folder, system, "initrd.img"),
    system: join(folder, system, "disk.ext4"),
    rootfs: join(folder, rootfs, "disk.ext4"),
  };
}

function digest(content) {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16);
}

async function ensure(folder, name, what, build) {
  if (existsSync(join(folder, name))) return;
  const parts = join(folder, `.building-${process.pid}`);
  mkdirSync(parts);
  try {
    await withProgress(`Making the virtual machine's disk with ${what}`, async (progress) => {
      await build(parts, progress);
      await run("sync", ["--file-system", parts], { failure: "The disk was not written." });
    });
    renameSync(parts, join(folder, name));
  } finally {
    removeTree(parts);
  }
}

async function buildSystem(parts, options, mirror, progress) {
  const tree = join(parts, "tree");
  await installDebian(tree, options, mirror, progress);
  await addServiceUser(tree);
  // The one that runs this: Debian 13's own cannot give up root, see docs/operations.md.
  copyFileSync(process.execPath, join(tree, "usr/local/bin/node"));
  enableTests(tree);
  copyFileSync(join(tree, "vmlinuz"), join(parts, "vmlinuz"));
  copyFileSync(join(tree, "initrd.img"), join(parts, "initrd.img"));
  await makeDisk(tree, join(parts, "disk.ext4"), progress);
  removeTree(tree);
}

/** As set-up makes it on a host. */
async function addServiceUser(tree) {
  const identity = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"];
  const command = ["useradd", ...identity, "--shell", "/usr/sbin/nologin", "glovebox"];
  await run("unshare", [...OWN_NAMESPACES, "chroot", tree, ...command], {
    failure: "The service user could not be made in the virtual machine.",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
}

function enableTests(tree) {
  const units = join(tree, "etc/systemd/system");
  const wants = join(units, "multi-user.target.wants");
  mkdirSync(wants, { recursive: true });
  copyFileSync(UNIT, join(units, UNIT_NAME));
  symlinkSync(`../${UNIT_NAME}`, join(wants, UNIT_NAME));
  for (const mountPoint of ["srv/repository", "srv/glovebox", "srv/exchange", "srv/rootfs"]) {
    mkdirSync(join(tree, mountPoint), { recursive: true });
  }
}

async function makeDisk(directory, disk, progress) {
  progress.phase("writing the file system");
  await run("mke2fs", ["-q", "-t", "ext4", "-d", directory, disk, DISK_SIZE], {
    failure: `No file system could be made from ${directory}.`,
  });
}

function removeTree(path) {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
