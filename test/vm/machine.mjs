/**
 * The virtual machine. It sees the repository through a read-only share, and a directory made for
 * this run, where the command comes from and its status goes to. What the command prints goes through
 * a second serial port to our standard output; the kernel's console goes to a file that is shown when the
 * machine ends without a status. It has no network.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InterruptedError, run, SetupError } from "../../scripts/process.mjs";
import { repositoryDir } from "../../scripts/settings.mjs";

const MEMORY = "4G";
const PROCESSORS = "2";
const TRIAL_LIMIT = "30s";
const TIME_LIMIT = "240m";
const CONSOLE_LINES_SHOWN = 40;

/**
 * Emulation counts a nanosecond for each instruction. So the machine's clock goes as slowly as the
 * emulation does, and a test that allows two seconds for something allows it two seconds' worth of
 * instructions, on a slow or busy host as well.
 */
const ACCELERATORS = {
  kvm: ["-accel", "kvm", "-cpu", "max,arch-capabilities=off"],
  emulation: ["-accel", "tcg", "-icount", "shift=0", "-cpu", "max"],
};

/** @returns {Promise<number>} the command's exit status */
export async function runInMachine(images, command) {
  const accelerator = (await kvmWorks(images)) ? "kvm" : "emulation";
  console.log(`The virtual machine starts (${accelerator}); its output follows.`);
  const print = (line) => console.log(line);
  return boot(images, command, { accelerator, timeLimit: TIME_LIMIT, onLine: print });
}

/** A device alone is no promise: some clouds offer one that cannot run an ordinary kernel. */
async function kvmWorks(images) {
  if (!existsSync("/dev/kvm")) return false;
  try {
    await boot(images, ["true"], { accelerator: "kvm", timeLimit: TRIAL_LIMIT });
    return true;
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    console.log(`/dev/kvm exists, but a machine does not start with it within ${TRIAL_LIMIT}.`);
    return false;
  }
}

async function boot(images, command, { accelerator, timeLimit, onLine }) {
  const exchange = mkdtempSync(join(tmpdir(), "glovebox-vm-"));
  try {
    writeFileSync(join(exchange, "command"), `${command.map(quoted).join(" ")}\n`);
    const machine = ["qemu-system-x86_64", ...ACCELERATORS[accelerator]];
    // Each of the two ends with its parent, so that nothing of the machine outlives us.
    const bounded = ["--signal=KILL", timeLimit, "setpriv", "--pdeathsig", "KILL", "--"];
    await run("timeout", [...bounded, ...machine, ...hardware(images, exchange)], {
      failure: `The virtual machine failed; it may take ${timeLimit} and needs ${MEMORY} of memory.`,
      onLine,
    });
    return readStatus(exchange);
  } finally {
    rmSync(exchange, { recursive: true, force: true });
  }
}

function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function hardware({ kernel, initrd, system, rootfs }, exchange) {
  return [
    ...["-nodefaults", "-no-reboot", "-display", "none", "-nic", "none"],
    ...["-machine", "q35", "-smp", PROCESSORS, "-m", MEMORY],
    ...["-kernel", kernel, "-initrd", initrd],
    ...["-append", "root=/dev/vda rw console=ttyS0 panic=-1 systemd.journald.forward_to_console=1"],
    ...["-drive", `file=${system},format=raw,if=virtio,snapshot=on`],
    ...["-drive", `file=${rootfs},format=raw,if=virtio,readonly=on`],
    ...share("repository", repositoryDir, ",readonly=on"),
    ...share("exchange", exchange, ""),
    ...["-device", "virtio-rng-pci"],
    ...["-serial", `file:${join(exchange, "console")}`],
    ...["-chardev", "stdio,id=output,signal=off", "-serial", "chardev:output"],
  ];
}

function share(name, path, options) {
  return ["-virtfs", `local,path=${path},mount_tag=${name},security_model=none${options}`];
}

function readStatus(exchange) {
  const status = readOrEmpty(join(exchange, "status"));
  if (/^\d+\n$/.test(status)) return Number(status);
  const lines = readOrEmpty(join(exchange, "console")).trimEnd().split(/\r?\n/);
  throw new SetupError(
    `The virtual machine ended before the command did. Its console:\n${lines.slice(-CONSOLE_LINES_SHOWN).join("\n")}`,
  );
}

function readOrEmpty(path) {
  return existsSync(path) ? readFileSync(path, "latin1") : "";
}
