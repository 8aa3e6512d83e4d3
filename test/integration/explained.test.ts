/**
 * Real failures on a real server: each says in plain words which limit or rule it met. The status
 * comes from what the kernel counts, however the code tries to look like something else.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/host.ts";
import {
  type ExecutionResponse,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    env: { MAX_WORKSPACE_MB: "20", MAX_PACKAGES_MB: "24", MAX_MEMORY_MB: "256" },
  });
});

afterAll(async () => {
  await server?.stop();
});

/** The hint stands in its field, and is the last line of everything that a model may be shown. */
function expectHint(response: ExecutionResponse, expected: RegExp): void {
  const told = `${response.status}: ${response.stderr.slice(-2000)}`;
  expect(response.error?.hint, told).toMatch(expected);
  const line = `Glovebox: ${response.error?.hint}`;
  expect(response.stderr.endsWith(`\n${line}\n`) || response.stderr === `${line}\n`, told).toBe(
    true,
  );
  expect(response.result_text).toContain(line);
  expect(response.error?.traceback.at(-1)).toBe(line);
  const output = response.outputs.at(-1);
  expect(output?.output_type === "error" && output.traceback.at(-1)).toBe(line);
  expect(Object.keys(output ?? {}).sort()).toEqual(["ename", "evalue", "output_type", "traceback"]);
}

const NETWORK = /no network access/;
const PROCESSES = /limit of 50 processes and threads/;
const DISK = /20 MB in 2560 files/;
const MEMORY = /256 MB for everything/;
const SYSCALL =
  "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n" +
  "def call(*numbers):\n    if libc.syscall(*numbers) < 0:\n" +
  "        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))\n";

describe("an exception", () => {
  test.each<[string, RegExp, string]>([
    ["a name", NETWORK, "import socket\nsocket.getaddrinfo('example.org', 80)"],
    ["an address", NETWORK, "import socket\nsocket.create_connection(('1.1.1.1', 80))"],
    ["requests", NETWORK, "import requests\nrequests.get('https://example.org')"],
    ["pandas", NETWORK, "import pandas\npandas.read_csv('https://example.org/x.csv')"],
    ["asyncio", NETWORK, "import asyncio\nawait asyncio.open_connection('example.org', 80)"],
    [
      "an exception raised from another",
      NETWORK,
      "import socket\ntry: socket.getaddrinfo('a.example', 1)\nexcept OSError as e: raise RuntimeError('no data') from e",
    ],
    [
      "a local server",
      /own loopback/,
      "import socket\nsocket.create_connection(('127.0.0.1', 5432))",
    ],
    [
      "a system call that seccomp refuses",
      /refuses privileged operations/,
      `${SYSCALL}call(101, 0, 0, 0, 0)`,
    ],
    ["a system call that nobody knows", /is not available/, `${SYSCALL}call(435, 0, 0)`],
    ["a new namespace", /refuses privileged operations/, "import os\nos.unshare(os.CLONE_NEWUSER)"],
    [
      "a raw socket",
      /raw and rare/,
      "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    ],
    ["another owner", /one user/, "import os\nopen('f', 'w').close()\nos.chown('f', 0, 0)"],
    ["a low port", /ports below 1024/, "import socket\nsocket.socket().bind(('127.0.0.1', 80))"],
    ["the root file system", /read-only. Write to \/workspace/, "open('/etc/x', 'w')"],
    ["a full /workspace", DISK, "open('x', 'wb').write(bytes(30_000_000))"],
    ["a full /tmp", DISK, "open('/tmp/x', 'wb').write(bytes(30_000_000))"],
    [
      "a full home",
      /^\/tmp\/home is full: it holds at most 24 MB in 3072 files/,
      "for n in range(9999): open(f'/tmp/home/{n}', 'w').close()",
    ],
    [
      "too many files",
      /^\/workspace is full/,
      "for n in range(9999): open(f'/workspace/{n}', 'w').close()",
    ],
    ["an array on a full disk", DISK, "import numpy\nnumpy.save('x.npy', numpy.zeros(5_000_000))"],
    ["open files", /1024 files/, "held = []\nfor _ in range(2000): held.append(open('/dev/null'))"],
    [
      "threads",
      PROCESSES,
      "import threading, time\nfor _ in range(99): threading.Thread(target=time.sleep, args=(2,)).start()",
    ],
    [
      "processes",
      PROCESSES,
      "import subprocess\nc = [subprocess.Popen(['sleep', '9']) for _ in range(99)]",
    ],
    ["an array too large to be", MEMORY, "import numpy\nnumpy.zeros(10**13)"],
    ["input", /Nobody can answer/, "input('name? ')"],
    ["a package that is not there", /^tensorflow is not installed/, "import tensorflow"],
  ])("of %s is explained", async (_, expected, code) => {
    const response = await server.execute({ code });
    expect(response.status).toBe("error");
    expectHint(response, expected);
  });

  test("a file or a program that is not there", async () => {
    const session_id = uniqueId("missing");
    const files = [{ path: "real.csv", content: "a" }];
    const read = "import pandas as pd\npd.read_csv('data.csv')";
    const missing = await server.execute({ session_id, files, code: read });
    expectHint(missing, /^data\.csv is not there; \/workspace has real\.csv\./);
    const program = "import subprocess\nsubprocess.run(['git', 'status'])";
    expectHint(await server.execute({ code: program }), /no program git in the sandbox/);
    const shell = await server.execute({ code: "!git status" });
    expect(shell.stderr + shell.stdout).toMatch(/Glovebox: There is no program git/);
  });

  test("a library that asks the network again and again until the deadline", async () => {
    const code =
      "import time, urllib.request\nwhile True:\n    try: urllib.request.urlopen('http://example.org')\n    except OSError: time.sleep(0.3)";
    const response = await server.execute({ code, timeout: 2 });
    expect(response.status).toBe("timeout");
    expectHint(response, /no network access.*again until it was stopped/);
  });

  test("that the code itself is to blame for is left alone", async () => {
    const response = await server.execute({ code: "{}['x']" });
    expect(response.error).toMatchObject({ ename: "KeyError", hint: null });
    expect(response.stderr).not.toContain("Glovebox");
  });
});

describe("what the code or a library made unrecognisable", () => {
  test("threads that were refused are seen from outside", async () => {
    const response = await server.execute({
      code:
        "import threading, time\ntry:\n" +
        "    for _ in range(99): threading.Thread(target=time.sleep, args=(2,)).start()\n" +
        "except RuntimeError: pass\nraise ValueError('the pool is broken')",
    });
    expect(response.error?.ename).toBe("ValueError");
    expectHint(response, PROCESSES);
  });

  test("a shell that could not fork", async () => {
    const response = await server.execute({
      code: "import subprocess\nsubprocess.run(['sh', '-c', 'for i in $(seq 99); do sleep 9 & done'], check=True)",
    });
    expect(response.error?.ename).toBe("CalledProcessError");
    expectHint(response, PROCESSES);
  });

  test("a limit that an earlier run met is not blamed for a later failure", async () => {
    const session_id = uniqueId("explained");
    const met = await server.execute({
      session_id,
      code:
        "import threading\nstop = threading.Event()\ntry:\n" +
        "    for _ in range(99): threading.Thread(target=stop.wait).start()\n" +
        "except RuntimeError: stop.set()",
    });
    expect(met.status).toBe("ok");
    const later = await server.execute({ session_id, code: "{}['x']" });
    expect(later.error).toMatchObject({ ename: "KeyError", hint: null });
  });

  test("pip as a child process, and as a command whose failure ends nothing", async () => {
    const checked = await server.execute({
      code: "import subprocess\nsubprocess.check_call(['pip', 'install', '--retries', '0', 'cowsay'])",
    });
    expectHint(checked, NETWORK);
    expectHint(await server.execute({ code: "%pip install --retries 0 cowsay" }), NETWORK);
    const command = await server.execute({ code: "!pip install --retries 0 cowsay" });
    expect(command).toMatchObject({ status: "ok", error: null });
    expect(command.stderr).toMatch(/\nGlovebox: This sandbox has no network access.*\n$/);
    expect(command.result_text).toContain("\nGlovebox: ");
  });
});

const HOG = "b'x' * 20_000_000 for _ in range(50)";
const CHILD_HOG = `import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'x = [${HOG.replaceAll("'", '"')}]']).returncode)`;

describe("a run that was stopped", () => {
  test("by its deadline", async () => {
    const response = await server.execute({ timeout: 0.5, code: "while True: pass" });
    expect(response.status).toBe("timeout");
    expectHint(response, /after 0.5 s; "timeout" may be up to 30 s/);
  });

  test("by a flood of output", async () => {
    const response = await server.execute({
      code: "import os\nwhile True: os.write(1, b'x' * 65536)",
    });
    expect(response.status).toBe("output_limit");
    expectHint(response, /display less/);
  });

  test.each<[string, RegExp, string]>([
    ["a segmentation fault", /Native code crashed/, "import ctypes\nctypes.string_at(0)"],
    ["an abort", /Native code crashed/, "import os\nos.abort()"],
    ["os._exit", /sys\.exit\(\)/, "import os\nos._exit(3)"],
    ["SIGKILL", /Memory did not run out/, "import os\nos.kill(os.getpid(), 9)"],
  ])("by %s", async (_, expected, code) => {
    const response = await server.execute({ code });
    expect(response.status).toBe("killed");
    expectHint(response, expected);
  });

  test("by memory, with the limit that was in force", async () => {
    const response = await server.execute({ code: `x = [${HOG}]`, memory_limit: "64m" });
    expect(response.status).toBe("out_of_memory");
    expectHint(response, /are lost\. The sandbox used up to 64 MB\. The limit is 64 MB/);
    expect(response.error?.hint).toContain('"memory_limit", up to 256 MB');
  });
});

const ROUNDS = 10;

describe("out of memory or killed", () => {
  test("a child that memory ended leaves the session as it was", async () => {
    const session_id = uniqueId("explained");
    await server.execute({ session_id, code: "kept = 42" });
    const response = await server.execute({ session_id, code: CHILD_HOG });
    expect(response).toMatchObject({ status: "out_of_memory", exit_code: 137, stdout: "-9\n" });
    expectHint(response, /A child process was ended/);
    const after = await server.execute({ session_id, code: "kept" });
    expect(after).toMatchObject({ status: "ok", result_text: "42\n" });
  });

  test("is told apart in every one of many runs", async () => {
    const statuses: string[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      const session_id = uniqueId("explained");
      const run = async (code: string, memory_limit = "256m") => {
        const { status, stdout } = await server.execute({ session_id, code, memory_limit });
        statuses.push(`${status} ${stdout}`.trim());
      };
      // The kernel's counter is not zero any more when the interpreter is killed by something else.
      await run(CHILD_HOG);
      await run("import os\nos.kill(os.getpid(), 9)");
      await run(`x = [${HOG}]`, "64m");
      await run("import os\nos.kill(os.getpid(), 9)");
      await server.request(`/sessions/${session_id}`, { method: "DELETE" });
    }
    const round = ["out_of_memory -9", "killed", "out_of_memory", "killed"];
    expect(statuses).toEqual(Array.from({ length: ROUNDS }, () => round).flat());
  }, 120_000);

  test("memory that a background process runs out of between two runs is none of the next one's", async () => {
    const session_id = uniqueId("explained");
    const marker = uniqueId("hog");
    await server.execute({
      session_id,
      code: `import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1); x = [${HOG.replaceAll("'", '"')}]', '${marker}'])`,
    });
    const hog = () => server.processes().some((one) => one.commandLine.includes(marker));
    expect(hog()).toBe(true);
    await eventually(() => (hog() ? "the hog is alive" : undefined), 20_000);
    const next = await server.execute({
      session_id,
      code: "print(child.wait(20))",
    });
    expect(next).toMatchObject({ status: "ok", stdout: "-9\n" });
  });
});
