import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, type HostProcess, listFilesBelow } from "../support/host.ts";
import { findSandboxes } from "../support/roles.ts";
import {
  type ExecutionResponse,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";
import { startServersPerTest } from "../support/servers.ts";

const start = startServersPerTest();

async function expectNothingLeft(...servers: TestServer[]): Promise<void> {
  const list = (): string => servers.flatMap((server) => server.leftovers()).join("\n");
  await eventually(() => list() || undefined, 5_000);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * The zygote is a fork of the keeper and carries its name; it differs from the sandboxes beside it
 * by being the one that is still root.
 */
function zygoteOf(server: TestServer): HostProcess | undefined {
  const keeper = server.findProcess(/python3 .*keeper/);
  return server
    .processes()
    .find((candidate) => candidate.parentPid === keeper.pid && candidate.uid === 0);
}

/** Stops a server that is in use, and keeps what the claims below are about. */
async function stopInUse(server: TestServer, signal: "SIGTERM" | "SIGINT") {
  const startedAt = performance.now();
  const ended = server.end(signal);
  await pause(300);
  const late = await server
    .tryExecute({ code: "1" })
    // A closed port is a refusal too.
    .catch(() => undefined);
  return { status: await ended, ms: performance.now() - startedAt, late };
}

async function leaveIdleSessions(server: TestServer): Promise<void> {
  await server.execute({ session_id: "idle", code: "open('f', 'w').write('x' * 1000)" });
  await server.execute({
    session_id: "children",
    code: "import subprocess\np = subprocess.Popen(['sleep', '600'], start_new_session=True)",
  });
}

describe("stopping", () => {
  let server: TestServer;
  let stopped: Awaited<ReturnType<typeof stopInUse>>;
  let running: ExecutionResponse;

  beforeAll(async () => {
    server = await startServer();
    await leaveIdleSessions(server);
    const hostile =
      "import os, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n" +
      "for _ in range(5):\n    if os.fork() == 0:\n        while True: pass\n";
    await server.execute({ session_id: "hostile", code: hostile });
    const silent = connect(Number(new URL(server.baseUrl).port), "127.0.0.1");
    await once(silent, "connect");
    const answer = server.execute({
      session_id: "draining",
      code: "import time\ntime.sleep(2)\nprint('finished')",
    });
    await pause(500);
    stopped = await stopInUse(server, "SIGTERM");
    running = await answer;
    silent.destroy();
  });

  afterAll(() => rmSync(server.stateDir, { recursive: true, force: true }));

  const expectSoonEnd = () => {
    expect(stopped.status).toBe(0);
    expect(stopped.ms).toBeLessThan(10_000);
  };

  test("SIGTERM with idle sessions leaves nothing", async () => {
    expectSoonEnd();
    await expectNothingLeft(server);
  });

  test("SIGINT with idle sessions leaves nothing", async () => {
    const other = await start();
    await leaveIdleSessions(other);
    const { status, ms } = await stopInUse(other, "SIGINT");
    expect(status).toBe(0);
    expect(ms).toBeLessThan(10_000);
    await expectNothingLeft(other);
  });

  test("SIGTERM lets a running request finish and then leaves nothing", async () => {
    expect(running.stdout).toBe("finished\n");
    expect(stopped.status).toBe(0);
    expect(server.log().match(/SIGTERM: stopping/g)).toHaveLength(1);
    await expectNothingLeft(server);
  });

  test("new work is refused while the server drains", () => {
    expect([undefined, 503]).toContain(stopped.late?.status);
    expect(stopped.status).toBe(0);
  });

  test("a connection that has sent nothing does not hold up the stop", expectSoonEnd);

  test("hostile sessions do not hold up the stop", async () => {
    expectSoonEnd();
    await expectNothingLeft(server);
  });

  test("temporary files of the state directory are gone, the token stays away", () => {
    const sockets = listFilesBelow(server.stateDir).filter((path) =>
      /\.(sock|pid|tmp)$/.test(path),
    );
    expect(sockets).toEqual([]);
    // The token came from the environment, so nothing has a reason to write it down.
    expect(existsSync(`${server.stateDir}/admin-token`)).toBe(false);
  });
});

describe("crashes", () => {
  // These follow one another on one server, which has to stop in order in the end.
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({ env: { POOL_SIZE: "1" } });
  });

  afterAll(async () => {
    await server.end("SIGTERM");
    rmSync(server.stateDir, { recursive: true, force: true });
  });

  test("a killed sandbox costs its own session only", async () => {
    await server.execute({ session_id: "victim", code: "x = 1" });
    await server.execute({ session_id: "neighbour", code: "x = 2" });
    await server.execute({
      session_id: "victim",
      code: "import subprocess\nchild = subprocess.Popen(['sleep', '31.4159'])",
    });
    const child = server.findProcess(/sleep 31\.4159/);
    const kernel = server.processes().find((candidate) => candidate.pid === child.parentPid);
    expect(kernel).toBeDefined();
    process.kill(kernel?.pid ?? child.pid, "SIGKILL");
    const neighbour = await server.execute({ session_id: "neighbour", code: "print(x)" });
    expect(neighbour.stdout).toBe("2\n");
    await eventually(async () => {
      const response = await server.tryExecute({ session_id: "victim", code: "print('again')" });
      return response.body.stdout === "again\n" ? undefined : response.text;
    }, 10_000);
  });

  test("a process of ours that fails says why, in the log and in the run's error", async () => {
    const session_id = uniqueId("fault");
    const named = await server.execute({
      session_id,
      code: "import socket; print(socket.gethostname())",
    });
    const id = named.stdout.trim().replace("sandbox-", "");
    const sandbox = findSandboxes(server).find((one) => one.id.startsWith(id));
    const code = "import time; print('begins'); time.sleep(20)";
    const running = server.execute({ session_id, code, timeout: 15 });
    await pause(300);
    // A warden that may have no descriptor can neither wait nor look at its sockets.
    execFileSync("prlimit", ["--nofile=0:0", "--pid", String(sandbox?.warden)]);
    const { status, error } = await running;
    expect([status, error?.ename]).toEqual(["killed", "KernelDied"]);
    expect(error?.evalue).toMatch(/warden failed \(OSError: \[Errno 2[24]\]/);
    const broken = `import sys
sys.modules["_glovebox.kernel.kernel"].workspace.Observer.changes = lambda self: 1 / 0`;
    const failed = await server.execute({ session_id, code: broken });
    expect([failed.status, failed.error?.ename]).toEqual(["killed", "KernelDied"]);
    expect(failed.error?.evalue).toContain("kernel failed (ZeroDivisionError: division by zero");
    const log = server.log();
    expect([log.includes('"process":"warden"'), log.includes('"process":"kernel"')]).toEqual([
      true,
      true,
    ]);
    expect((await server.execute({ session_id, code: "print(1)" })).stdout).toBe("1\n");
  });

  test("after kill -9 of the zygote live sessions go on and new ones can be made", async () => {
    await server.execute({ session_id: "live", code: "kept = 42" });
    const zygote = zygoteOf(server);
    if (zygote === undefined) throw new Error("there is no zygote below the keeper");
    process.kill(zygote.pid, "SIGKILL");
    const live = await server.execute({ session_id: "live", code: "print(kept)" });
    expect(live.stdout).toBe("42\n");
    await eventually(async () => {
      const response = await server.tryExecute({ session_id: uniqueId("new"), code: "print(1)" });
      return response.status === 200 ? undefined : `${response.status}: ${response.text}`;
    }, 20_000);
    const still = await server.execute({ session_id: "live", code: "print(kept)" });
    expect(still.stdout).toBe("42\n");
    // The new session may have come from the pool, before there was another zygote.
    await eventually(() => {
      const now = zygoteOf(server);
      return now && now.pid !== zygote.pid ? undefined : "there is no other zygote";
    }, 10_000);
  });

  test("after kill -9 of the keeper live sessions go on and new ones can be made", async () => {
    await server.execute({ session_id: "live", code: "kept = 42" });
    const keeper = server.findProcess(/python3 .*keeper/);
    process.kill(keeper.pid, "SIGKILL");
    await eventually(async () => {
      const response = await server.tryExecute({ session_id: uniqueId("new"), code: "print(1)" });
      return response.status === 200 ? undefined : `${response.status}: ${response.text}`;
    }, 20_000);
    const live = await server.execute({ session_id: "live", code: "print(kept)" });
    expect(live.stdout).toBe("42\n");
  });

  test("after all of them the stop is in order and leaves nothing", async () => {
    expect(await server.end("SIGTERM")).toBe(0);
    await expectNothingLeft(server);
  });

  test("a worn zygote is replaced, with a new hash seed, while live sessions go on", async () => {
    const server = await start({ env: { POOL_SIZE: "0", ZYGOTE_MAX_FORKS: "2" } });
    await server.execute({ session_id: "live", code: "kept = 42" });
    const seeds = new Set<string>();
    await eventually(async () => {
      const run = await server.execute({ code: "print(hash('seed'))" });
      seeds.add(run.stdout);
      return seeds.size > 1 ? undefined : "every sandbox has the same hash seed";
    }, 30_000);
    const live = await server.execute({ session_id: "live", code: "print(kept)" });
    expect(live.stdout).toBe("42\n");
    const crash = await server.execute({ session_id: "live", code: "import os\nos._exit(5)" });
    expect(crash.stderr).toContain("exit code 5");
    expect(await server.end("SIGTERM")).toBe(0);
    await expectNothingLeft(server);
  });

  const crashes: [string, (server: TestServer) => HostProcess[]][] = [
    [
      "the process that was started",
      (server) => server.processes().filter((candidate) => candidate.pid === server.pid),
    ],
    [
      "every node process",
      (server) => server.processes().filter((candidate) => candidate.commandLine.includes("node")),
    ],
    [
      "the whole tree but the sandboxes' own processes",
      (server) => server.processes().filter((candidate) => candidate.uid < 65_536),
    ],
  ];

  test.each(crashes)("after kill -9 of %s the next start reclaims", async (_, choose) => {
    const first = await start();
    await first.execute({
      session_id: "lost",
      code: "import subprocess\np = subprocess.Popen(['sleep', '600'], start_new_session=True)",
    });
    for (const victim of choose(first)) {
      try {
        process.kill(victim.pid, "SIGKILL");
      } catch {
        // It may have ended with its parent between the listing and the signal.
      }
    }
    await first.end("SIGKILL");
    const second = await start({ stateDir: first.stateDir });
    const answer = await second.execute({ session_id: "lost", code: "print('fresh')" });
    expect(answer.stdout).toBe("fresh\n");
    expect(await second.end("SIGTERM")).toBe(0);
    await expectNothingLeft(first, second);
  });
});

describe("time to live", () => {
  test("an idle session expires and takes its processes along", async () => {
    const server = await start({ env: { SESSION_TTL: "1" } });
    await server.execute({
      session_id: "idle",
      code: "import subprocess\np = subprocess.Popen(['sleep', '27.1828'], start_new_session=True)",
    });
    await eventually(
      async () => {
        const { status } = await server.request("/sessions/idle");
        return status === 404 || status === 410 ? undefined : `GET answers ${status}`;
      },
      15_000,
      200,
    );
    await eventually(
      () =>
        server.processes().some((candidate) => candidate.commandLine.includes("27.1828"))
          ? "the child is alive"
          : undefined,
      3_000,
    );
    const again = await server.execute({ session_id: "idle", code: "print('p' in globals())" });
    expect(again.stdout).toBe("False\n");
  });

  test("a session in use does not expire", async () => {
    const server = await start({ env: { SESSION_TTL: "1.5" } });
    await server.execute({ session_id: "busy", code: "kept = 1" });
    const long = await server.execute({
      session_id: "busy",
      code: "import time\ntime.sleep(3)\nprint(kept)",
    });
    expect(long.stdout).toBe("1\n");
    const next = await server.execute({ session_id: "busy", code: "print(kept)" });
    expect(next.stdout).toBe("1\n");
  });
});

describe("starting", () => {
  test("a configuration that makes no sense stops the start and names the variable", async () => {
    for (const [name, value] of [
      ["MAX_MEMORY_MB", "lots"],
      ["POOL_SIZE", "-1"],
      ["MAX_EXECUTION_TIME", "0"],
      ["AUTH", "perhaps"],
    ] as const) {
      const failure = await startServer({ env: { [name]: value } }).then(
        async (server) => {
          await server.end("SIGTERM");
          return "the server started";
        },
        (error: unknown) => String(error),
      );
      expect(failure, name).toContain(name);
    }
  });

  test("a generated token lies in a file that only its owner reads, and is not printed", async () => {
    const server = await start({ env: { AUTH_TOKEN: "" } });
    const path = `${server.stateDir}/admin-token`;
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const token = readFileSync(path, "utf8").trim();
    expect(token.length).toBeGreaterThan(20);
    expect(server.log()).not.toContain(token);
    expect(server.log()).toContain(path);
    const response = await server.request("/execute", {
      authenticated: false,
      headers: { "x-auth-token": token },
      body: { code: "1" },
    });
    expect(response.status).toBe(200);
  });
});
