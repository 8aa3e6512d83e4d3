/**
 * Docker and gVisor, measured as Debian delivers them: an engine of its own, in a tree and in
 * namespaces of its own, beside whatever the host runs. Ending its first process ends all of it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listProcesses, listProcessTree } from "../support/host.ts";
import {
  type CallTable,
  type LiveAnswers,
  liveProbe,
  parseLiveAnswers,
  readPrograms,
  type Surface,
  surfaceDirectory,
  surfaceOf,
} from "./surface.ts";

const SUITE = "trixie";
const PACKAGES = ["docker.io", "docker-cli", "runsc", "python3"];
const VERSIONED = ["docker.io", "runc", "libseccomp2", "runsc"];
const START_TIMEOUT_MS = 60_000;
const CGROUP_PARENT = "surface-peers";
const IMAGE = "surface";
const MEBIBYTE = 2 ** 20;

/** Without a network, like a sandbox of Glovebox; the platform is named so that it cannot change. */
const ENGINE_SETTINGS = {
  runtimes: {
    gvisor: { path: "/usr/bin/runsc", runtimeArgs: ["--platform=systrap", "--network=none"] },
  },
};

/** What a container with Python needs of the tree. */
const IMAGE_PATHS =
  "bin lib lib64 etc/passwd usr/bin/python3* usr/lib/python3* usr/lib/x86_64-linux-gnu usr/lib64";

const CONTAINERS = {
  docker: [],
  dockerHardened: ["--cap-drop", "ALL", "--user", "1000", "--security-opt", "no-new-privileges"],
  gvisor: ["--runtime", "gvisor"],
} as const;

type ContainerName = keyof typeof CONTAINERS;

export interface PeerMeasurement {
  readonly surface: Surface;
  readonly live: LiveAnswers;
}

export interface GvisorMeasurement extends PeerMeasurement {
  /** For each helper process that runs the guest's own instructions. */
  readonly stubs: readonly Surface[];
}

export interface PeerMeasurements {
  readonly versions: Readonly<Record<string, string>>;
  readonly docker: PeerMeasurement;
  readonly dockerHardened: PeerMeasurement;
  readonly gvisor: GvisorMeasurement;
}

/** Builds the tree of the peers where it is missing; throws with what mmdebstrap said. */
export function installPeers(tree: string): void {
  if (existsSync(tree)) return;
  if (spawnSync("mmdebstrap", ["--version"]).status !== 0) {
    throw new Error(
      "mmdebstrap is missing: apt-get install mmdebstrap, or measure with --no-peers",
    );
  }
  console.error(`Building ${tree} with Debian's ${PACKAGES.join(", ")} (about a minute, 450 MB)`);
  const unfinished = `${tree}.building-${process.pid}`;
  mkdirSync(unfinished, { recursive: true, mode: 0o755 });
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const build = spawnSync(
    "unshare",
    [
      ...namespaces,
      "mmdebstrap",
      "--quiet",
      "--variant=minbase",
      "--mode=root",
      "--format=directory",
      '--aptopt=APT::Install-Recommends "false"',
      `--include=${PACKAGES.join(",")}`,
      SUITE,
      unfinished,
    ],
    { encoding: "utf8", maxBuffer: 64 * MEBIBYTE },
  );
  if (build.status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(
      `Docker and gVisor could not be installed: ${build.stderr.slice(-2_000)}\n` +
        "Check that a Debian mirror can be reached, or measure with --no-peers.",
    );
  }
  mkdirSync(join(unfinished, "etc/docker"), { recursive: true });
  writeFileSync(join(unfinished, "etc/docker/daemon.json"), JSON.stringify(ENGINE_SETTINGS));
  renameSync(unfinished, tree);
}

export async function measurePeers(tree: string, table: CallTable): Promise<PeerMeasurements> {
  const engine = await Engine.start(tree);
  try {
    engine.importImage();
    const docker = engine.measure("docker", table);
    const dockerHardened = engine.measure("dockerHardened", table);
    const gvisor = engine.measureGvisor(table);
    return { versions: engine.versions(), docker, dockerHardened, gvisor };
  } finally {
    await engine.stop();
  }
}

class Engine {
  readonly #tree: string;
  readonly #child: ChildProcess;
  readonly #log: () => string;

  private constructor(tree: string, child: ChildProcess, log: () => string) {
    this.#tree = tree;
    this.#child = child;
    this.#log = log;
  }

  static async start(tree: string): Promise<Engine> {
    const script = join(surfaceDirectory, "enter-peers.sh");
    const namespaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"];
    const child = spawn(
      "setpriv",
      ["--pdeathsig", "KILL", "unshare", ...namespaces, "--mount-proc", "sh", script, tree],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let printed = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      printed = (printed + chunk.toString("utf8")).slice(-8_000);
    });
    const engine = new Engine(tree, child, () => printed);
    try {
      await engine.#waitUntilReady();
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  async #waitUntilReady(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline && this.#child.exitCode === null) {
      await sleep(500);
      if (this.#firstProcess() !== undefined && this.#enter(["docker", "info"]).status === 0) {
        return;
      }
    }
    throw new Error(`Docker's engine did not start:\n${this.#log()}`);
  }

  importImage(): void {
    const command = `cd / && tar --create ${IMAGE_PATHS} | docker import - ${IMAGE}`;
    this.#run(["sh", "-c", command]);
  }

  measure(name: ContainerName, table: CallTable): PeerMeasurement {
    const pid = this.#startContainer(name);
    const surface = surfaceOf(readPrograms(pid, this.#tree), table);
    return { surface, live: this.#tryFromInside(name, table) };
  }

  /** Docker takes the Sentry, which serves the guest's calls, for the container's process. */
  measureGvisor(table: CallTable): GvisorMeasurement {
    const sentry = this.#startContainer("gvisor");
    const surface = surfaceOf(readPrograms(sentry, this.#tree), table);
    const stubs = listProcessTree(sentry)
      .filter(({ pid, state }) => pid !== sentry && state !== "Z")
      .map(({ pid }) => surfaceOf(readPrograms(pid, this.#tree), table));
    return { surface, stubs, live: this.#tryFromInside("gvisor", table) };
  }

  versions(): Record<string, string> {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is dpkg-query's own syntax.
    const format = "--showformat=${Package} ${Version}\\n";
    const lines = this.#run(["dpkg-query", "--show", format, ...VERSIONED])
      .trim()
      .split("\n");
    return Object.fromEntries(lines.map((line) => line.split(" ") as [string, string]));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    const first = this.#firstProcess();
    if (first !== undefined) {
      // Removing the containers first lets the engine remove their control groups itself.
      this.#enter(["docker", "rm", "--force", ...Object.keys(CONTAINERS)]);
      // Its parent reaps it and ends by itself.
      process.kill(first, "SIGKILL");
      await ended;
    }
    await removeControlGroups();
  }

  /** The process of a new container, as the host numbers it. */
  #startContainer(name: ContainerName): number {
    const idle = ["python3", "-I", "-c", "import time; time.sleep(3600)"];
    const options = ["--detach", "--name", name, "--network", "none", ...CONTAINERS[name]];
    this.#run(["docker", "run", ...options, IMAGE, ...idle]);
    const inside = this.#run(["docker", "inspect", "--format", "{{.State.Pid}}", name]).trim();
    const found = listProcessTree(this.#child.pid ?? 0).find(
      ({ pid }) => namespacePids(pid)[1] === inside,
    );
    if (found === undefined) throw new Error(`the process of the container ${name} is not found`);
    return found.pid;
  }

  #tryFromInside(name: ContainerName, table: CallTable): LiveAnswers {
    const command = ["docker", "exec", "--interactive", name, "python3", "-I", "-"];
    return parseLiveAnswers(this.#run(command, liveProbe(table)));
  }

  #run(command: readonly string[], input = ""): string {
    const { status, stdout, stderr } = this.#enter(command, input);
    if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr.trim()}\n${this.#log()}`);
    return stdout;
  }

  #enter(command: readonly string[], input = "") {
    const target = [
      "--target",
      String(this.#firstProcess()),
      "--mount",
      "--pid",
      "--net",
      "--root",
    ];
    return spawnSync("nsenter", [...target, "--wd=/", "--", ...command], {
      input,
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/tmp" },
      maxBuffer: 64 * MEBIBYTE,
    });
  }

  #firstProcess(): number | undefined {
    return listProcesses().find(({ parentPid }) => parentPid === this.#child.pid)?.pid;
  }
}

/** The numbers of a process in its namespaces, the host's first. */
function namespacePids(pid: number): string[] {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
}

/** The engine's parent groups stay when it is killed; processes may need a moment to leave them. */
async function removeControlGroups(): Promise<void> {
  const root = "/sys/fs/cgroup";
  const hierarchies = [root, ...readdirSync(root).map((name) => join(root, name))];
  for (const directory of hierarchies.map((path) => join(path, CGROUP_PARENT))) {
    for (let attempt = 0; existsSync(directory) && attempt < 20; attempt += 1) {
      if (attempt > 0) await sleep(100);
      removeGroup(directory);
    }
  }
}

function removeGroup(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(directory, entry.name));
  }
  try {
    rmdirSync(directory);
  } catch {
    // A process is still leaving it; the caller tries again.
  }
}
