/** The commands that ask a server, as they are built, against a real one. */

import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CommandLine, commandLineOf } from "../support/command-line.ts";
import { eventually } from "../support/host.ts";
import { commandLinePath, startServer, type TestServer, uniqueId } from "../support/server.ts";

let server: TestServer;
let glovebox: CommandLine;
let directory: string;

beforeAll(async () => {
  server = await startServer();
  glovebox = commandLineOf(server);
});
afterAll(() => server.stop());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "glovebox-cli-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function program(code: string, name = "program.py"): string {
  const path = join(directory, name);
  writeFileSync(path, code);
  return path;
}

function runCode(code: string, ...options: string[]) {
  return glovebox.run(["run", program(code), ...options]);
}

async function sessionIds(): Promise<string[]> {
  const { body } = await server.request<{ sessions: { session_id: string }[] }>("/sessions");
  return body.sessions.map(({ session_id }) => session_id);
}

describe("glovebox run", () => {
  test("prints what the program prints, where it prints it", async () => {
    const code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7";
    expect(await runCode(code)).toEqual({ status: 0, stdout: "out\n42\n", stderr: "err\n" });
  });

  test.each([
    ["a program that ends well", "print()", [], 0],
    ["sys.exit(3)", "import sys; sys.exit(3)", [], 3],
    ["an exception", "1 / 0", [], 1],
    ["a syntax error", "def", [], 1],
    ["a timeout", "while True: pass", ["--timeout", "0.5"], 124],
    ["the end of the interpreter", "import os; os._exit(4)", [], 137],
    ["too much memory", "x = bytearray(10 ** 9)", ["--memory", "200m"], 137],
    ["KeyboardInterrupt", "raise KeyboardInterrupt", [], 130],
  ])("ends after %s with its exit code", async (_, code, options, status) => {
    expect(await runCode(code, ...options)).toMatchObject({ status });
  });

  test.each([
    [["run"], "name one program"],
    [["run", "/nowhere.py"], "there is no file /nowhere.py"],
    [["run", "-", "--bogus"], "--bogus"],
    [["run", "-", "--timeout", "soon"], "number of seconds"],
    [["run", "-", "--file", "/nowhere.csv"], "there is no file"],
    [["files", "list", "s"], "ls, get"],
    [["files", "rm", "s"], "does not take 0"],
    [["kill"], "name a session"],
    [["logs"], "name one session"],
  ])("%j is wrong usage and says why", async (args, message) => {
    const { status, stderr } = await glovebox.run(args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain(`glovebox help ${args[0]}`);
  });

  test("shows a traceback and its hint on standard error, without colours in a pipe", async () => {
    const { stdout, stderr } = await runCode(
      "import socket\nsocket.create_connection(('1.1.1.1', 80))",
    );
    expect(stdout).toBe("");
    expect(stderr).toContain("OSError");
    expect(stderr).toContain("network");
    expect(stderr).not.toContain("\u001b");
  });

  test("gives the program its arguments, as to a script", async () => {
    const code = "import sys\nprint(sys.argv, __file__, __name__, sys.path[0])";
    const { stdout } = await glovebox.run([
      ...["run", program(code, "tool.py"), "one", "two words", "--", "--flag"],
    ]);
    expect(stdout).toBe(
      "['tool.py', 'one', 'two words', '--flag'] /workspace/tool.py __main__ /workspace\n",
    );
    const piped = await glovebox.run(["run", "-", "x"], { input: "import sys; print(sys.argv)" });
    expect(piped.stdout).toBe("['-', 'x']\n");
  });

  test("gives the program variables of the environment", async () => {
    const code = "import os\nprint(os.environ['A'], os.environ['FROM_HERE'])\n!echo $A";
    const path = program(code);
    const args = ["run", path, "--env", "A=1=2", "--env", "FROM_HERE"];
    const { stdout } = await glovebox.run(args, { env: { FROM_HERE: "there" } });
    expect(stdout).toBe("1=2 there\n1=2\n");
    const missing = await glovebox.run(["run", path, "--env", "NOWHERE"]);
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining("NOWHERE")]);
  });

  test("puts a folder in place, with all that is in it", async () => {
    mkdirSync(join(directory, "data/deep"), { recursive: true });
    writeFileSync(join(directory, "data/a.txt"), "a");
    writeFileSync(join(directory, "data/deep/b.txt"), "b");
    const code = "from pathlib import Path\nprint(sorted(str(p) for p in Path().rglob('*.txt')))";
    const path = program(code);
    const own = await glovebox.run(["run", path, "--file", join(directory, "data")]);
    expect(own.stdout).toBe("['data/a.txt', 'data/deep/b.txt']\n");
    const other = await glovebox.run(["run", path, "--file", `${join(directory, "data")}:in/put`]);
    expect(other.stdout).toBe("['in/put/a.txt', 'in/put/deep/b.txt']\n");
  });

  test("reads the program from standard input", async () => {
    const { stdout } = await glovebox.run(["run", "-"], { input: "print('from a pipe')" });
    expect(stdout).toBe("from a pipe\n");
  });

  test("a program from standard input cannot ask it", async () => {
    const { status, stderr } = await glovebox.run(["run", "-"], { input: "input()" });
    expect(status).toBe(1);
    expect(stderr).toContain("EOFError");
  });

  test("prints as it happens, and answers input() from standard input", async () => {
    const code = "name = input('Who? ')\nprint('Hello', name)\nprint(input() + '!')";
    const command = glovebox.start(["run", program(code)]);
    await command.see("Who? ");
    command.type("World\nAgain\n");
    expect(await command.finished).toMatchObject({
      status: 0,
      stdout: "Who? Hello World\nAgain!\n",
    });
  });

  test("ends the program's standard input where its own has ended", async () => {
    const { status, stderr } = await runCode("input()");
    expect(status).toBe(1);
    expect(stderr).toContain("EOFError: EOF when reading a line");
  });

  test.each([
    ["import sys\nprint(len(sys.stdin.read()))", "10\n"],
    ["import sys\nprint(sum(int(line) for line in sys.stdin))", "15\n"],
    ["import sys\nprint(sys.stdin.buffer.read())", "b'1\\n2\\n3\\n4\\n5\\n'\n"],
    ["import sys\nprint(input() + input(), sys.stdin.read().split())", "12 ['3', '4', '5']\n"],
    ["import sys\nprint(sys.stdin.readline())", "1\n\n"],
  ])("is a filter: %j", async (code, stdout) => {
    const input = "1\n2\n3\n4\n5\n";
    const path = program(code);
    expect(await glovebox.run(["run", path], { input })).toEqual({ status: 0, stdout, stderr: "" });
  });

  test("passes on much standard input, whatever its bytes", async () => {
    const code =
      "import hashlib, sys\ndata = sys.stdin.buffer.read()\nprint(len(data), hashlib.sha256(data).hexdigest())";
    const bytes = randomBytes(3_000_000);
    const command = glovebox.start(["run", program(code)]);
    command.child.stdin?.end(bytes);
    const hash = createHash("sha256").update(bytes).digest("hex");
    expect(await command.finished).toMatchObject({ status: 0, stdout: `3000000 ${hash}\n` });
  });

  test("ends although the pipe to it stays open", async () => {
    const command = glovebox.start(["run", program("print(input())")]);
    command.type("first\n");
    expect(await command.finished).toMatchObject({ status: 0, stdout: "first\n" });
  });

  test("asks a person at a terminal, shows no secrets, and is interrupted in the midst", async () => {
    const code = `
import getpass
print(getpass.getpass('Word: ').upper())
try:
    input('More? ')
except KeyboardInterrupt:
    print('left', flush=True)
    raise`;
    const command = glovebox.onTerminal(["run", program(code)]);
    await command.see("Word: ");
    command.type("hunter2\r");
    await command.see(/HUNTER2[\s\S]*More\? /);
    expect(command.stdout).not.toContain("hunter2");
    command.type("half\u0003");
    const { status, stdout } = await command.finished;
    expect(status).toBe(130);
    expect(stdout).toContain("left");
  });

  test("has a session of its own, which ends with it", async () => {
    const { stdout } = await runCode(
      "import os; os.path.exists('x'); open('x', 'w').close()",
      "--json",
    );
    const { session_id } = JSON.parse(stdout);
    expect(session_id).toMatch(/./);
    expect(await sessionIds()).not.toContain(session_id);
  });

  test("uses a session by name, which stays", async () => {
    const session = uniqueId("cli");
    await runCode("x = 41", "--session", session);
    expect((await runCode("x + 1", "--session", session)).stdout).toBe("42\n");
    expect(await sessionIds()).toContain(session);
    await glovebox.run(["kill", session]);
  });

  test("with --json prints the server's answer and nothing else", async () => {
    const { status, stdout, stderr } = await runCode("print(1); 1 / 0", "--json");
    expect(status).toBe(1);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({
      status: "error",
      stdout: "1\n",
      error: { ename: "ZeroDivisionError" },
      saved: [],
    });
  });

  test("hostile output reaches a pipe as it is", async () => {
    const { stdout } = await runCode(String.raw`print('\x1b]52;c;aGk=\x07\x1b[6n')`);
    expect(stdout).toBe("\u001b]52;c;aGk=\u0007\u001b[6n\n");
  });

  test("hostile files and JSON do not reach a terminal", async () => {
    const session = uniqueId("cli");
    const input = "\u001b]52;c;aGk=\u0007\u009b6n";
    await glovebox.run(["files", "put", session, "-", "hostile"], { input });
    const shown = await glovebox.onTerminal(["files", "get", session, "hostile", "-"]).finished;
    expect(shown.stdout).toBe("␛]52;c;aGk=␇\\x9b6n");
    const raw = await glovebox.run(["files", "get", session, "hostile", "-"]);
    expect(raw.stdout).toBe(input);
    const code = "print(open('hostile').read())";
    const { stdout } = await runCode(code, "--session", session, "--json");
    expect(stdout.trimEnd()).not.toMatch(/\p{Cc}/u);
    expect(JSON.parse(stdout).stdout).toBe(`${input}\n`);
    await glovebox.run(["kill", session]);
  });

  test("hostile output does not reach a terminal", async () => {
    const code = String.raw`
import sys
print('\x1b]52;c;aGk=\x07', '\x1b[6n', '\x9b6n', '\x1b[31mred')
print('\x1b]0;title\x07', file=sys.stderr)
raise ValueError('\x1b]0;title\x07')`;
    const { stdout } = await glovebox.onTerminal(["run", program(code)]).finished;
    expect(stdout).toContain("\u001b[31mred");
    expect(stdout).toContain("␛]52;c;aGk=␇ ␛[6n \\x9b6n");
    const rest = stdout.replaceAll(/\p{Cc}\[[\d;]*[mAKJ]/gu, "").replaceAll(/[\r\n]/g, "");
    expect(rest).not.toMatch(/\p{Cc}/u);
  });
});

describe("Ctrl-C", () => {
  const endless = "print('begun', flush=True)\nimport time\nwhile True: time.sleep(0.01)";

  test("interrupts the program, and its session keeps its state", async () => {
    const session = uniqueId("cli");
    const command = glovebox.start(["run", program(`x = 7\n${endless}`), "--session", session]);
    await command.see("begun");
    command.child.kill("SIGINT");
    const { status, stderr } = await command.finished;
    expect(status).toBe(130);
    expect(stderr).toContain("KeyboardInterrupt");
    expect((await runCode("x", "--session", session)).stdout).toBe("7\n");
    await glovebox.run(["kill", session]);
  });

  test("twice kills a program that does not listen", async () => {
    const deaf = `import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n${endless}`;
    const command = glovebox.start(["run", program(deaf)]);
    await command.see("begun");
    command.child.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 300));
    command.child.kill("SIGINT");
    expect(await command.finished).toMatchObject({ status: 137 });
  });

  test("of one who waits for a session leaves the others alone", async () => {
    const session = uniqueId("cli");
    const first = glovebox.start(["run", program(endless, "a.py"), "--session", session]);
    await first.see("begun");
    const second = glovebox.start([
      "run",
      program("print('second')", "b.py"),
      "--session",
      session,
    ]);
    await eventually(async () => {
      const { body } = await server.request<{ queued: number }>(`/sessions/${session}`);
      return body.queued === 1 ? undefined : "nothing waits";
    }, 15_000);
    second.child.kill("SIGINT");
    expect(await second.finished).toMatchObject({ status: 130, stdout: "" });
    first.child.kill("SIGINT");
    expect(await first.finished).toMatchObject({ status: 130, stdout: "begun\n" });
    await glovebox.run(["kill", session]);
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s ends the command and its session", async (signal, status) => {
    const command = glovebox.start(["run", program(endless)]);
    await command.see("begun");
    command.child.kill(signal);
    expect(await command.finished).toMatchObject({ status });
    expect(await sessionIds()).toEqual([]);
  });

  test("a reader that goes away ends the run", async () => {
    const command = glovebox.start(["run", program("while True: print('x' * 1000)")]);
    await command.see("x");
    command.child.stdout?.destroy();
    expect((await command.finished).status).toBe(141);
    expect(await sessionIds()).toEqual([]);
  });
});

describe("files", () => {
  test("run puts inputs in place, and saves what was made under safe names only", async () => {
    const input = program("a,b\n1,2\n", "input.csv");
    const code = String.raw`
import os, shutil
shutil.copy('data/renamed.csv', 'copy.csv')
os.makedirs('sub')
open('sub/ü.txt', 'w').write('x')
open('.bashrc', 'w').write('evil')
open('turned \u202e', 'w').write('y')
open('new\nline \x1b[31m', 'w').write('y')
os.symlink('/etc/passwd', 'link')`;
    const out = join(directory, "out");
    const file = `${input}:data/renamed.csv`;
    const { status, stderr } = await runCode(code, "--file", file, "--out", out);
    expect(status).toBe(0);
    expect(readFileSync(join(out, "copy.csv"), "utf8")).toBe("a,b\n1,2\n");
    expect(readFileSync(join(out, "sub/ü.txt"), "utf8")).toBe("x");
    expect(readdirSync(out).sort()).toEqual(["copy.csv", "sub", "turned %E2%80%AE"]);
    expect(stderr).toContain("not saved: .bashrc");
    expect(stderr).toContain("not saved: new\\u000aline \\u001b[31m");
    expect(stderr).not.toContain("\u001b");
  });

  test("run saves images beside them", async () => {
    const out = join(directory, "out");
    const code = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);";
    const { stdout, stderr } = await runCode(code, "--out", out);
    expect(stdout).toBe("");
    expect(stderr).toContain(join(out, "image-1.png"));
    expect(readFileSync(join(out, "image-1.png")).subarray(1, 4).toString()).toBe("PNG");
  });

  test("run leaves what is there already as it is, and says so, unless it is forced", async () => {
    writeFileSync(join(directory, "Makefile"), "mine");
    const code = "open('Makefile', 'w').write('x'); open('new', 'w').write('x'); pass";
    const kept = await runCode(code, "--out", directory);
    expect(kept.status).toBe(0);
    expect(kept.stderr).toMatch(/not saved: Makefile: it is here already; --force/);
    expect(readFileSync(join(directory, "Makefile"), "utf8")).toBe("mine");
    expect(readFileSync(join(directory, "new"), "utf8")).toBe("x");
    await runCode(code, "--out", directory, "--force");
    expect(readFileSync(join(directory, "Makefile"), "utf8")).toBe("x");
  });

  test("are put, listed, got and removed", async () => {
    const session = uniqueId("cli");
    const files = (...args: string[]) => glovebox.run(["files", ...args], { cwd: directory });
    program("content", "local.txt");
    expect((await files("put", session, "local.txt", "deep/remote.txt")).status).toBe(0);
    await glovebox.run(["files", "put", session, "-", "piped.txt"], { input: "from a pipe" });
    expect((await files("ls", session)).stdout).toMatch(
      /directory .*deep\/\n11 bytes .*piped.txt\n/,
    );
    expect((await files("ls", session, "-r")).stdout).toContain("deep/remote.txt");
    expect((await files("get", session, "piped.txt", "-")).stdout).toBe("from a pipe");
    await files("get", session, "deep/remote.txt");
    expect(readFileSync(join(directory, "remote.txt"), "utf8")).toBe("content");
    await files("get", session, "", "all", "--recursive");
    expect(readFileSync(join(directory, "all/deep/remote.txt"), "utf8")).toBe("content");
    writeFileSync(join(directory, "all/deep/remote.txt"), "mine");
    const again = await files("get", session, "", "all", "--recursive");
    expect(again).toMatchObject({ status: 1 });
    expect(again.stderr).toMatch(/2 of 2 files are here already .*--force/);
    expect((await files("get", session, "deep/remote.txt", "all/deep/remote.txt")).status).toBe(1);
    expect(readFileSync(join(directory, "all/deep/remote.txt"), "utf8")).toBe("mine");
    expect((await files("get", session, "", "all", "-r", "--force")).status).toBe(0);
    expect(readFileSync(join(directory, "all/deep/remote.txt"), "utf8")).toBe("content");
    await files("mv", session, "piped.txt", "moved.txt");
    await files("mkdir", session, "empty/folder");
    const listed = JSON.parse((await files("ls", session, "--json")).stdout);
    expect(listed.entries.map(({ name }: { name: string }) => name).sort()).toEqual([
      "deep",
      "empty",
      "moved.txt",
    ]);
    expect((await files("rm", session, "deep")).status).toBe(1);
    expect((await files("rm", session, "deep", "moved.txt", "--recursive")).status).toBe(0);
    const missing = await files("get", session, "moved.txt");
    expect(missing).toMatchObject({ status: 1 });
    expect(missing.stderr).toContain("glovebox files ls");
    await glovebox.run(["kill", session]);
  });
});

describe("notebooks", () => {
  const cell = (source: string) => ({
    cell_type: "code",
    id: uniqueId("c").slice(0, 20),
    source,
    metadata: {},
    outputs: [],
    execution_count: null,
  });
  const notebook = (...sources: string[]) =>
    JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: sources.map(cell) });

  test("run cell by cell, and are saved with their outputs", async () => {
    const path = program(notebook("x = 20", "print('hi')\nx + 22"), "nb.ipynb");
    const out = join(directory, "out");
    const finished = await glovebox.run(["run", path, "--out", out]);
    expect(finished).toMatchObject({ status: 0, stdout: "hi\n42\n" });
    const executed = JSON.parse(readFileSync(join(out, "nb.ipynb"), "utf8"));
    expect(executed.cells[1].outputs).toHaveLength(2);
  });

  test("end with the exit code of the cell that failed", async () => {
    const path = program(notebook("import sys; sys.exit(3)", "print('not reached')"), "nb.ipynb");
    expect(await glovebox.run(["run", path])).toMatchObject({ status: 3, stdout: "" });
  });

  test("ask standard input, and nobody with --json", async () => {
    const path = program(notebook("print(input('Who? ') + '!')"), "nb.ipynb");
    const asked = await glovebox.run(["run", path], { input: "World\n" });
    expect(asked).toMatchObject({ status: 0, stdout: "Who? World!\n" });
    const { status, stdout } = await glovebox.run(["run", path, "--json"]);
    expect(status).toBe(1);
    expect(JSON.stringify(JSON.parse(stdout).notebook)).toContain("EOFError");
  });

  test("are interrupted in the cell that runs", async () => {
    const path = program(notebook("print('begun', flush=True)\nwhile True: pass", "1"), "nb.ipynb");
    const command = glovebox.start(["run", path]);
    await command.see("begun");
    command.child.kill("SIGINT");
    expect(await command.finished).toMatchObject({ status: 130, stdout: "begun\n" });
  });

  test("are what a prompt has run", async () => {
    const input = "6 * 7\n:save nb.ipynb\n";
    const { stdout } = await glovebox.run(["repl"], { input, cwd: directory });
    expect(stdout).toBe("42\nsaved nb.ipynb\n");
    expect(readFileSync(join(directory, "nb.ipynb"), "utf8")).toContain('"6 * 7"');
  });

  test("that are none are refused", async () => {
    expect(await glovebox.run(["run", program("print()", "nb.ipynb")])).toMatchObject({
      status: 2,
    });
    expect(await glovebox.run(["run", program("{}", "nb.ipynb")])).toMatchObject({ status: 125 });
  });
});

describe("what runs", () => {
  test("ps, logs and kill show it and end it", async () => {
    const session = uniqueId("cli");
    await runCode("print('first')\n6 * 7", "--session", session);
    const busy = glovebox.start([
      "run",
      program("print('second', flush=True)\nimport time; time.sleep(60)"),
      "--session",
      session,
    ]);
    await busy.see("second");
    const { stdout } = await glovebox.run(["ps"]);
    expect(stdout).toMatch(new RegExp(`${session} +busy .*print\\('second'`));
    const listed = JSON.parse((await glovebox.run(["ps", "--json"])).stdout);
    expect(listed.sessions[0].running).toContain("second");
    expect(listed.containers.map((one: { session_id: string }) => one.session_id)).toContain(
      session,
    );

    const follower = glovebox.start(["logs", session, "--follow"]);
    await follower.see("first\n42\nsecond\n");
    expect((await glovebox.run(["kill", session])).stdout).toBe(`killed session ${session}\n`);
    expect((await busy.finished).status).toBe(137);
    follower.child.kill("SIGINT");
    await follower.finished;
    expect(await glovebox.run(["kill", session])).toMatchObject({ status: 1 });
  });

  test("logs follow what others run later", async () => {
    const session = uniqueId("cli");
    await runCode("print('first')", "--session", session);
    const follower = glovebox.start(["logs", session, "--follow"]);
    await follower.see("first");
    await runCode("print('later')", "--session", session);
    await follower.see("later");
    follower.child.kill("SIGINT");
    expect((await follower.finished).status).toBe(0);
    const lines = (await glovebox.run(["logs", session, "--json"])).stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).result.stdout)).toEqual(["first\n", "later\n"]);
    const last = await glovebox.run(["logs", session, "--last", "1"]);
    expect(last).toMatchObject({ stdout: "later\n" });
    await glovebox.run(["kill", session]);
  });

  test("a sandbox is killed by its id", async () => {
    const session = uniqueId("cli");
    await runCode("x = 1", "--session", session);
    const { containers } = JSON.parse((await glovebox.run(["ps", "--json"])).stdout);
    const { id } = containers.find((one: { session_id: string }) => one.session_id === session);
    expect((await glovebox.run(["kill", id, "--json"])).stdout).toBe(
      `${JSON.stringify({ killed: [{ id, kind: "sandbox" }] })}\n`,
    );
    expect((await runCode("x", "--session", session)).status).toBe(1);
    await glovebox.run(["kill", session]);
  });

  test("panic refuses work until resume", async () => {
    const killed = await glovebox.run(["panic", "--reason", "a test"]);
    expect(killed).toMatchObject({ status: 0 });
    expect(killed.stdout).toMatch(/^killed \d+ sandboxes/);
    const status = await glovebox.run(["status"]);
    expect(status.status).toBe(1);
    expect(status.stdout).toMatch(/^panicked +since .*: a test$/m);
    expect(JSON.parse((await glovebox.run(["status", "--json"])).stdout)).toMatchObject({
      status: "panicked",
    });
    const refused = await runCode("1");
    expect(refused.status).toBe(125);
    expect(refused.stderr).toContain("glovebox resume");
    expect(JSON.parse((await glovebox.run(["resume", "--json"])).stdout)).toMatchObject({
      was_panicked: true,
    });
    expect(await glovebox.run(["status"])).toMatchObject({ status: 0 });
  });
});

describe("a server that cannot be asked", () => {
  test("that is not there is told, and what to do", async () => {
    const gone = await glovebox.run(["status", "--url", "http://127.0.0.1:9"]);
    expect(gone.status).toBe(1);
    expect(gone.stderr).toMatch(/127\.0\.0\.1:9.*--url/);
    const away = await glovebox.run(["run", "-"], { env: { STATE_DIR: directory } });
    expect(away.status).toBe(2);
    expect(away.stderr).toMatch(/no server runs.*glovebox serve.*GLOVEBOX_URL/);
  });

  test("with a wrong token is told, and what to do; in JSON as well", async () => {
    const env = { GLOVEBOX_TOKEN: "wrong-token-wrong-token" };
    const refused = await glovebox.run(["run", "-"], { env, input: "1" });
    expect(refused.status).toBe(125);
    expect(refused.stderr).toContain("GLOVEBOX_TOKEN_FILE");
    const json = await glovebox.run(["ps", "--json"], { env });
    expect(JSON.parse(json.stdout).error.code).toBe("UNAUTHENTICATED");
    expect(json.stderr).toBe("");
  });

  test.each([
    ["--url", ["--url", "localhost:8000"], {}],
    ["GLOVEBOX_URL", [], { GLOVEBOX_URL: "nonsense" }],
  ])(
    "by an address that is none is told, and where that came from: %s",
    async (source, options, env) => {
      const told = await glovebox.run(["ps", ...options], { env });
      expect(told.status).toBe(2);
      expect(told.stderr).toMatch(new RegExp(`${source} must be an address such as http://`));
    },
  );

  test("a token comes from a file, a variable or the machine, in this order", async () => {
    const path = join(directory, "token");
    writeFileSync(path, `${server.token}\n`);
    const url = ["--url", server.baseUrl];
    const wrong = { GLOVEBOX_TOKEN: "wrong-token-wrong-token" };
    expect((await glovebox.run(["ps", "--token-file", path, ...url], { env: wrong })).status).toBe(
      0,
    );
    const env = { GLOVEBOX_TOKEN_FILE: path, GLOVEBOX_URL: server.baseUrl };
    expect((await glovebox.run(["ps"], { env })).status).toBe(0);
    expect((await glovebox.run(["ps"], { env: { ...env, ...wrong } })).status).toBe(1);
  });

  test("the admin token of this machine is sent to no server that was named", async () => {
    const seen: IncomingMessage["headers"][] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers);
      response.writeHead(401).end("{}");
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    // A .env file of the directory that somebody stands in has no say either.
    writeFileSync(join(directory, ".env"), `GLOVEBOX_URL=${url}\n`);
    expect((await glovebox.run(["ps"], { cwd: directory })).status).toBe(0);
    expect(seen).toEqual([]);
    await glovebox.run(["ps", "--url", url]);
    other.close();
    expect(seen.length).toBeGreaterThan(0);
    expect(JSON.stringify(seen)).not.toContain(server.token);
  });
});

describe("the server of this machine", () => {
  test("writes down where it is, for everybody to read and root to write", () => {
    const path = join(server.stateDir, "server.json");
    const { mode, uid } = statSync(path);
    expect([mode & 0o777, uid]).toEqual([0o644, 0]);
    const { pid, url, auth, token_file } = JSON.parse(readFileSync(path, "utf8"));
    expect({ pid, url, auth, token_file }).toEqual({
      ...{ pid: server.pid, url: server.baseUrl, auth: "token", token_file: null },
    });
  });

  test("is found whatever PORT says, and whatever listens there", async () => {
    const env = { PORT: "9", HOST: "localhost" };
    expect((await glovebox.run(["status"], { env })).status).toBe(0);
    const { status, stderr } = await glovebox.run(["status"], { env: { AUTH_TOKEN: "" } });
    expect(status).toBe(2);
    expect(stderr).toMatch(/given its admin token by AUTH_TOKEN.*GLOVEBOX_TOKEN/);
  });

  test("is written down anew when its HTTP side has died, and not in between", async () => {
    const path = join(server.stateDir, "server.json");
    const before = statSync(path).ino;
    process.kill(server.findProcess(/ gateway$/).pid, "SIGKILL");
    await eventually(() => (existsSync(path) ? "it is still there" : undefined), 5_000, 1);
    await eventually(() => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found && found.ino !== before ? undefined : "it is not there";
    }, 30_000);
    expect((await glovebox.run(["status"])).status).toBe(0);
  });
});

describe("help", () => {
  test.each(["run", "repl", "ps", "logs", "files", "kill", "status", "panic", "resume"])(
    "tells of %s, in lines that fit",
    async (name) => {
      const { stdout } = await glovebox.run(["help", name]);
      expect(stdout).toMatch(new RegExp(`^Usage: glovebox ${name}`));
      expect(stdout).toContain("--token-file");
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(105);
      expect(await glovebox.run([name, "--help"])).toEqual({ status: 0, stdout, stderr: "" });
      expect((await glovebox.run(["help"])).stdout).toMatch(new RegExp(`^  ${name} +`, "m"));
    },
  );
});

describe("commands of the server's own machine", () => {
  test.each([
    [["config"], "PORT"],
    [["version"], "version"],
    [["keys", "list"], "keys"],
    [["audit", "verify"], "intact"],
    [["data", "list"], "folders"],
  ])("%s prints JSON with --json, its mistakes included", async (command, field) => {
    const { status, stdout } = await glovebox.run([...command, "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty(field);
    const wrong = await glovebox.run([...command, "--json", "--frobnicate"]);
    expect(wrong).toMatchObject({ status: 2, stderr: "" });
    expect(JSON.parse(wrong.stdout).error.message).toContain("--frobnicate");
    expect((await glovebox.run([...command, "--frobnicate"])).stdout).toBe("");
  });

  test("keys are made and revoked in JSON", async () => {
    const create = ["keys", "create", "--name", "ci", "--role", "execute", "--json"];
    const { id, key } = JSON.parse((await glovebox.run(create)).stdout);
    expect(key).toMatch(/^gbx_/);
    expect(JSON.parse((await glovebox.run(["keys", "revoke", id, "--json"])).stdout)).toEqual({
      revoked: id,
    });
    const again = await glovebox.run(["keys", "revoke", id, "--json"]);
    expect(again.status).toBe(1);
    expect(JSON.parse(again.stdout).error.code).toBe("KEY_NOT_FOUND");
  });

  test("end quietly when whoever reads their output is gone", async () => {
    const { child, finished } = glovebox.start(["config"]);
    child.stdout?.destroy();
    expect(await finished).toMatchObject({ status: 141, stderr: "" });
  });
});

describe("glovebox batch", () => {
  const lines = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));

  function tasks(...each: object[]): string {
    const path = join(directory, "tasks.jsonl");
    writeFileSync(path, each.map((task) => `${JSON.stringify(task)}\n`).join(""));
    return path;
  }

  test("writes a line for each program, and its exit code tells whether all went well", async () => {
    const path = tasks({ id: "one", code: "print(input())", stdin: "hello" }, { code: "print(2)" });
    const { status, stdout, stderr } = await glovebox.run(["batch", path]);
    expect(status, stderr).toBe(0);
    expect(stderr).toBe("glovebox batch: 2 ok, 0 failed\n");
    const results = lines(stdout).sort((a, b) => a.index - b.index);
    expect(results).toMatchObject([
      { index: 0, id: "one", state: "done", result: { stdout: "hello\n" } },
      { index: 1, id: null, result: { stdout: "2\n" } },
    ]);
    const failing = await glovebox.run(["batch", "-"], { input: '{"code": "1/0"}\n' });
    expect([failing.status, lines(failing.stdout)[0].result.status]).toEqual([1, "error"]);
  });

  test("goes on where it was stopped, and replaces nothing without being told", async () => {
    const path = tasks({ id: "a", code: "print(1)" }, { id: "b", code: "print(2)" });
    const out = join(directory, "results.jsonl");
    const done = { index: 0, id: "a", state: "done", result: null, error: null };
    writeFileSync(out, `${JSON.stringify(done)}\n{"index": 1, "id"`);
    const refused = await glovebox.run(["batch", path, "--out", out]);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("--resume")]);
    const resumed = await glovebox.run(["batch", path, "--out", out, "--resume"]);
    expect([resumed.status, resumed.stderr]).toEqual([
      0,
      "glovebox batch: 1 ok, 0 failed, 1 done before\n",
    ]);
    expect(lines(readFileSync(out, "utf8"))).toMatchObject([done, { index: 1, id: "b" }]);
  });

  test("leaves no file where no server answers, or it refuses the token", async () => {
    const path = tasks({ code: "print(1)" });
    const out = join(directory, "never.jsonl");
    const nobody = await glovebox.run(["batch", path, "--out", out, "--url", "http://127.0.0.1:9"]);
    expect([nobody.status, existsSync(out)]).toEqual([1, false]);
    const env = { GLOVEBOX_TOKEN: "wrong" };
    const refused = await glovebox.run(["batch", path, "--out", out], { env });
    expect([refused.status, existsSync(out)]).toEqual([1, false]);
    expect(refused.stderr).toContain("token");
  });

  test.each([
    ['{"code": 1}\n', "line 1: code must be text"],
    ['{"code": "1"}\n\n{"cod": "1"}\n', "line 3: there is no field cod"],
    ["print(1)\n", "line 1 is no JSON"],
    ["\n", "has no tasks"],
    ['{"code": "1", "id": "x"}\n{"code": "1", "id": "x"}\n', 'two tasks have the id "x"'],
  ])("%j is wrong usage and says where", async (input, message) => {
    const { status, stderr } = await glovebox.run(["batch", "-"], { input });
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe("glovebox repl", () => {
  const plain = (text: string) => text.replaceAll(/\p{Cc}(\[[\d;]*[A-Za-z]|[78])/gu, "");
  const prompt = (number: number) => new RegExp(`In \\[${number}\\]: [^\\n]*$`);

  test("is a prompt with colours, state, continuation and history", async () => {
    const repl = glovebox.onTerminal(["repl"], { cwd: directory });
    await repl.see(prompt(1));
    repl.type("x = 20 + 1\r");
    await repl.see(prompt(2));
    expect(repl.stdout).toContain("\u001b[36m20\u001b[0m");
    repl.type("for i in range(2):\r");
    await repl.see("...: ");
    repl.type("print('line', x * i)\r");
    await repl.see(/\.\.\.: [^\n]*\n[^\n]*\.\.\.: /);
    repl.type("\r");
    await repl.see(/line 0\r\nline 21\r\n/);
    await repl.see(prompt(3));
    repl.forget();
    repl.type("\u001b[A\u001b[A\u001b[A\r");
    await repl.see(prompt(4));
    expect(plain(repl.stdout)).toContain("x = 20 + 1");
    repl.type("\u0004");
    expect((await repl.finished).status).toBe(0);
    const history = join(server.stateDir, "client/glovebox/repl-history");
    expect(readFileSync(history, "utf8")).toContain("x = 20 + 1\n");
    expect(statSync(history).mode & 0o777).toBe(0o600);
    expect(await sessionIds()).toEqual([]);
  });

  test.each(["exit()", "quit", "exit ( ) "])("is left by %s", async (farewell) => {
    const repl = glovebox.onTerminal(["repl"], { cwd: directory });
    await repl.see(prompt(1));
    repl.type(`${farewell}\r`);
    expect((await repl.finished).status).toBe(0);
  });

  test("Ctrl-C takes back what is typed, interrupts what runs, and kills what does not listen", async () => {
    const repl = glovebox.onTerminal(["repl"], { cwd: directory });
    await repl.see(prompt(1));
    repl.type("x = 'taken' + ' back'\u0003");
    await repl.see(/In \[1\][\s\S]*In \[1\]: [^\n]*$/);
    repl.type("y = 5; print('be' + 'gun'); import time; time.sleep(60)\r");
    await repl.see("begun");
    repl.type("\u0003");
    await repl.see(/KeyboardInterrupt[\s\S]*In \[2\]: [^\n]*$/);
    repl.forget();
    repl.type("(y, 'x' in dir())\r");
    await repl.see("(5, False)");
    repl.forget();
    repl.type(
      "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('de' + 'af'); time.sleep(60)\r",
    );
    await repl.see("deaf\r\n");
    repl.type("\u0003");
    await repl.see("interrupting");
    repl.type("\u0003");
    await repl.see(/variables and files are gone[\s\S]*In \[1\]: [^\n]*$/);
    repl.type("\u0004");
    expect((await repl.finished).status).toBe(0);
  });

  test("answers input() at the prompt, and getpass() without showing or keeping it", async () => {
    const repl = glovebox.onTerminal(["repl"], { cwd: directory });
    await repl.see(prompt(1));
    repl.type("name = input('Who? ')\r");
    await repl.see(/Who\? [^\n]*$/);
    repl.type("World\r");
    await repl.see(prompt(2));
    repl.type("import getpass; word = getpass.getpass('Word: ')\r");
    await repl.see(/Word: [^\n]*$/);
    repl.forget();
    repl.type("hunter2\r");
    await repl.see(prompt(3));
    expect(repl.stdout).not.toContain("hunter2");
    repl.type("name + word.upper()\r");
    await repl.see("'WorldHUNTER2'");
    repl.type("\u0004");
    await repl.finished;
    const history = readFileSync(join(server.stateDir, "client/glovebox/repl-history"), "utf8");
    expect(history).not.toMatch(/hunter2|^World$/m);
  });

  test("completes, inspects, saves images, and has commands", async () => {
    const repl = glovebox.onTerminal(["repl"], { cwd: directory });
    await repl.see(prompt(1));
    repl.type("some_long_name = 1\r");
    await repl.see(prompt(2));
    repl.forget();
    // What comes after a tab in the same piece of input makes the tab a part of something pasted.
    repl.type("some_lo\t");
    await repl.see("ng_name");
    repl.type(" + 41\r");
    await repl.see("42\r\n");
    repl.type("len?\r");
    await repl.see(/number of items/);
    repl.type("import matplotlib.pyplot as plt; plt.plot([1, 2]);\r");
    await repl.see("[image: glovebox-images/image-1.png]");
    repl.type(":vars\r");
    await repl.see(/some_long_name +int/);
    repl.type("open('made.txt', 'w').write('abc')\r");
    await repl.see(/3\r\n/);
    repl.type(":files\r");
    await repl.see(/3 bytes +made.txt/);
    repl.type(":get made.txt\r");
    await repl.see("saved made.txt");
    repl.type(":nonsense\r");
    await repl.see("there is no :nonsense");
    repl.type(":quit\r");
    expect((await repl.finished).status).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(["glovebox-images", "made.txt"]);
  });

  test("reads cells from a pipe, and with --json answers each with a line", async () => {
    const input = "x = 20\nfor i in range(2):\n    print(x + i)\n\nx + 22\n1 / 0\nprint('on')\n";
    const finished = await glovebox.run(["repl"], { input, cwd: directory });
    expect(finished.stdout).toBe("20\n21\n42\non\n");
    expect(finished.stderr).toContain("ZeroDivisionError");
    const json = await glovebox.run(["repl", "--json"], { input: "6 * 7\n", cwd: directory });
    expect(JSON.parse(json.stdout)).toMatchObject({ status: "ok", result_text: "42\n" });
  });

  test("keeps a named session", async () => {
    const session = uniqueId("cli");
    await glovebox.run(["repl", "--session", session], { input: "z = 9\n", cwd: directory });
    const again = await glovebox.run(["repl", "--session", session], {
      input: "z\n",
      cwd: directory,
    });
    expect(again.stdout).toBe("9\n");
    await glovebox.run(["kill", session]);
  });
});

test("a server that may not open enough files for its sandboxes says so as it starts", () => {
  const serve = ["--nofile=400:400", "--", process.execPath, commandLinePath, "serve"];
  const { status, stderr } = spawnSync("prlimit", serve, {
    encoding: "utf8",
    // It gets no further than this.
    env: { PATH: process.env["PATH"], STATE_DIR: directory, SERVICE_USER: "nobody-of-this-name" },
  });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/open files is 400, .* for 54 sandboxes; .*LimitNOFILE=.*MAX_SESSIONS/);
});
