import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { type ExecutionResponse, uniqueId } from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";

let server: Client;

beforeAll(async () => {
  server = await joinSharedServer();
});

async function run(code: string) {
  return server.execute({ code });
}

describe("state", () => {
  test("a session_id keeps variables, imports and functions between runs", async () => {
    const session_id = uniqueId("state");
    await server.execute({
      session_id,
      code: "import math\nx = 41\ndef bump(n):\n    return n + 1",
    });
    const second = await server.execute({ session_id, code: "print(bump(x), math.floor(2.5))" });
    expect(second.status).toBe("ok");
    expect(second.stdout).toBe("42 2\n");
    expect(second.session_id).toBe(session_id);
  });

  test("a user_uuid names a session of its own", async () => {
    const user_uuid = uniqueId("user");
    await server.execute({ user_uuid, code: "a = 100" });
    const second = await server.execute({ user_uuid, code: "print(f'The value of a is {a}')" });
    expect(second.result_text).toBe("The value of a is 100\n");
    expect(second.result_base64).toBeNull();
  });

  test("two sessions do not see each other's variables", async () => {
    const session_id = uniqueId("first");
    await server.execute({ session_id, code: "secret = 1" });
    const other = await server.execute({ session_id: uniqueId("second"), code: "secret" });
    expect(other.status).toBe("error");
    expect(other.error?.ename).toBe("NameError");
  });

  test("a run without a name starts fresh every time", async () => {
    await run("leftover = 1\nopen('/workspace/leftover', 'w').write('x')");
    const second = await run("import os\nprint('leftover' in globals(), os.listdir('/workspace'))");
    expect(second.stdout).toBe("False []\n");
  });

  test("execution_count grows by one per run", async () => {
    const session_id = uniqueId("count");
    const counts: (number | null)[] = [];
    for (const code of ["1", "2", "raise ValueError", "4"]) {
      const { execution_count } = await server.execute({ session_id, code });
      counts.push(execution_count);
    }
    expect(counts).toEqual([1, 2, 3, 4]);
  });

  test("runs of one session are answered in the order they were sent", async () => {
    const session_id = uniqueId("order");
    await server.execute({ session_id, code: "seen = []" });
    await Promise.all(
      [0, 1, 2, 3, 4].map(async (index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 40));
        await server.execute({
          session_id,
          code: `import time; time.sleep(0.1); seen.append(${index})`,
        });
      }),
    );
    const { result_text } = await server.execute({ session_id, code: "seen" });
    expect(result_text).toContain("[0, 1, 2, 3, 4]");
  });
});

describe("answers", () => {
  test("the value of the last expression is an execute_result and ends in result_text", async () => {
    const response = await run("print('before')\n6 * 7");
    expect(response.status).toBe("ok");
    expect(response.exit_code).toBe(0);
    expect(response.stdout).toBe("before\n");
    expect(response.result_text).toMatch(/^before\n42\n?$/);
    expect(response.outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "before\n" },
      {
        output_type: "execute_result",
        execution_count: 1,
        data: { "text/plain": "42" },
        metadata: {},
      },
    ]);
  });

  test("has the parts that were asked for, and the others are empty", async () => {
    const code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\n1";
    const some = await server.execute({ code, include: ["stderr", "result_text"] });
    expect(some).toMatchObject({
      ...{ status: "ok", stdout: "", stderr: "err\n", result_text: "out\nerr\n1\n" },
      ...{ outputs: [], result_base64: null, original_code: "", executed_code: "" },
    });
    const none = await server.execute({ code, include: [] });
    expect(none).toMatchObject({ status: "ok", exit_code: 0, stderr: "", result_text: null });
    const streamed = await server.request("/execute", {
      body: { code, include: ["stdout"], stream: true },
    });
    const result = JSON.parse(/event: result\ndata: (.*)/.exec(streamed.text)?.[1] ?? "");
    expect(result).toMatchObject({ stdout: "out\n", stderr: "", outputs: [] });
    const wrong = await server.request("/execute", { body: { code, include: ["all"] } });
    expect(wrong.status).toBe(400);
  });

  test("shows progress as it looks at the end", async () => {
    const code = "for n in range(3):\n    print(f'\\r{n} of 2', end='')\nprint()";
    expect(await run(code)).toMatchObject({ stdout: "2 of 2\n", result_text: "2 of 2\n" });
  });

  test("code without output has neither text nor an image", async () => {
    const response = await run("x = 1");
    expect(response.result_text).toBeNull();
    expect(response.result_base64).toBeNull();
    expect(response.outputs).toEqual([]);
    expect(response.stdout).toBe("");
    expect(response.stderr).toBe("");
    expect(response.error).toBeNull();
  });

  test("empty code is a run that does nothing", async () => {
    for (const code of ["", "   \n", "# only a comment"]) {
      const response = await run(code);
      expect(response.status, JSON.stringify(code)).toBe("ok");
    }
  });

  test("stdout and stderr are kept apart and stay in order in outputs", async () => {
    const response = await run(
      "import sys\nprint('a', flush=True)\nprint('b', file=sys.stderr, flush=True)\nprint('c')",
    );
    expect(response.stdout).toBe("a\nc\n");
    expect(response.stderr).toBe("b\n");
    const streams = response.outputs.map((output) =>
      output.output_type === "stream" ? [output.name, output.text] : [],
    );
    expect(streams).toEqual([
      ["stdout", "a\n"],
      ["stderr", "b\n"],
      ["stdout", "c\n"],
    ]);
  });

  test("an exception is an error with name, value and traceback, and exit code 1", async () => {
    const response = await run("print('first')\nraise ValueError('no good')");
    expect(response.status).toBe("error");
    expect(response.exit_code).toBe(1);
    expect(response.stdout).toBe("first\n");
    expect(response.error?.ename).toBe("ValueError");
    expect(response.error?.evalue).toBe("no good");
    expect(response.error?.traceback.join("\n")).toContain("no good");
    expect(response.outputs.at(-1)?.output_type).toBe("error");
  });

  test("a traceback shows the user's frames and none of ours", async () => {
    const code = "def inner():\n    return 1 / 0\n\ndef outer():\n    return inner()\n\nouter()";
    const traceback = (await run(code)).error?.traceback.join("\n") ?? "";
    expect(traceback).toContain("inner");
    expect(traceback).toContain("outer");
    expect(traceback).not.toMatch(/kernel\.py|zygote\.py|warden\.py|confine\.py|interactiveshell/);
  });

  test("a syntax error names itself and the line", async () => {
    const response = await run("x = 1\ndef broken(:\n    pass");
    expect(response.status).toBe("error");
    expect(response.exit_code).toBe(1);
    expect(response.error?.ename).toBe("SyntaxError");
    expect(response.error?.traceback.join("\n")).toContain("broken");
  });

  test("sys.exit(3) is exit code 3, and the session keeps its state", async () => {
    const session_id = uniqueId("exit");
    const first = await server.execute({ session_id, code: "kept = 5\nimport sys\nsys.exit(3)" });
    expect(first.exit_code).toBe(3);
    const second = await server.execute({ session_id, code: "print(kept)" });
    expect(second.stdout).toBe("5\n");
  });

  test.each([
    ["sys.exit()", 0],
    ["sys.exit(0)", 0],
    ["sys.exit('why')", 1],
    ["exit(4)", 4],
    ["raise SystemExit(7)", 7],
  ])("%s ends with exit code %i", async (code, exitCode) => {
    expect((await run(`import sys\n${code}`)).exit_code).toBe(exitCode);
  });

  test("usage and times are measured", async () => {
    const response = await run(
      "import time\ntime.sleep(0.2)\nt = time.process_time()\n" +
        "while time.process_time() - t < 0.1: pass\nblock = b'x' * 50_000_000",
    );
    expect(response.execution_time).toBeGreaterThan(0.28);
    expect(response.execution_time).toBeLessThan(5);
    expect(response.usage.wall_time).toBeGreaterThan(0.28);
    expect(response.usage.cpu_time).toBeGreaterThan(0.08);
    expect(response.usage.cpu_time).toBeLessThan(3);
    expect(response.usage.memory_peak_bytes).toBeGreaterThan(50_000_000);
  });

  test("original_code and executed_code carry the code", async () => {
    const code = "print('as sent')";
    const response = await run(code);
    expect(response.original_code).toBe(code);
    expect(response.executed_code).toBe(code);
  });
});

describe("IPython", () => {
  test("%pwd is the workspace", async () => {
    expect((await run("%pwd")).result_text).toContain("/workspace");
  });

  test("%timeit prints a timing", async () => {
    const response = await run("%timeit -n 10 -r 2 sum(range(10))");
    expect(response.status).toBe("ok");
    expect(response.stdout).toMatch(/per loop/);
  });

  test("%%bash runs a script", async () => {
    const response = await run("%%bash\nfor i in 1 2 3; do echo line $i; done");
    expect(response.status).toBe("ok");
    expect(response.stdout).toBe("line 1\nline 2\nline 3\n");
  });

  test("!echo prints, and x = !cmd captures lines", async () => {
    expect((await run("!echo from the shell")).stdout.trim()).toBe("from the shell");
    expect((await run("lines = !printf 'a\\nb\\n'\nprint(list(lines))")).stdout).toBe(
      "['a', 'b']\n",
    );
  });

  test("top-level await works", async () => {
    const response = await run(
      "import asyncio\nasync def answer():\n    await asyncio.sleep(0.01)\n    return 42\nawait answer()",
    );
    expect(response.status).toBe("ok");
    expect(response.result_text).toContain("42");
  });

  test("_ holds the last value of the session", async () => {
    const session_id = uniqueId("underscore");
    await server.execute({ session_id, code: "20 + 1" });
    const { result_text } = await server.execute({ session_id, code: "_ * 2" });
    expect(result_text).toContain("42");
  });

  test("display() sends HTML as display_data", async () => {
    const response = await run(
      "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))",
    );
    const [output] = response.outputs;
    expect(output?.output_type).toBe("display_data");
    expect(output).toMatchObject({ data: { "text/html": "<b>x</b>" } });
  });

  test("a DataFrame is shown as text and as HTML", async () => {
    const response = await run("import pandas as pd\npd.DataFrame({'a': [1, 2]})");
    const [output] = response.outputs;
    expect(output).toMatchObject({ output_type: "execute_result" });
    const data = output?.output_type === "execute_result" ? output.data : {};
    expect(data["text/html"]).toContain("<table");
    expect(data["text/plain"]).toContain("a");
    expect(response.result_text).toContain("a");
  });
});

describe("figures", () => {
  const pngSignature = "iVBORw0KGgo";
  const plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])";

  test("a matplotlib figure comes out as PNG without plt.show()", async () => {
    const response = await run(plot);
    expect(response.status).toBe("ok");
    expect(response.result_base64?.startsWith(pngSignature)).toBe(true);
    const pictures = response.outputs.filter(
      (output) => output.output_type === "display_data" && "image/png" in output.data,
    );
    expect(pictures).toHaveLength(1);
  });

  test("plt.show() does not show the figure twice", async () => {
    const response = await run(`${plot}\nplt.show()`);
    const pictures = response.outputs.filter(
      (output) => output.output_type === "display_data" && "image/png" in output.data,
    );
    expect(pictures).toHaveLength(1);
  });

  test("every open figure is shown, and result_base64 is the last", async () => {
    const response = await run(`${plot}\nplt.figure()\nplt.bar([1, 2], [3, 4])`);
    const pictures = response.outputs.flatMap((output) =>
      output.output_type === "display_data" ? [output.data["image/png"]] : [],
    );
    expect(pictures).toHaveLength(2);
    expect(response.result_base64).toBe(String(pictures[1]).replaceAll("\n", ""));
  });

  test("a figure does not leak into the next run", async () => {
    const session_id = uniqueId("figure");
    await server.execute({ session_id, code: plot });
    const second = await server.execute({
      session_id,
      code: "print(len(plt.get_fignums()))",
    });
    expect(second.stdout).toBe("0\n");
    expect(second.result_base64).toBeNull();
  });

  test("a figure that fails half way does not leak either", async () => {
    const session_id = uniqueId("broken-figure");
    await server.execute({ session_id, code: `${plot}\nraise RuntimeError` });
    const second = await server.execute({ session_id, code: "len(plt.get_fignums())" });
    expect(second.result_base64).toBeNull();
    expect(second.result_text).toMatch(/^0\n?$/);
  });

  test("savefig leaves a file that is reported", async () => {
    const response = await run(`${plot}\nplt.savefig('similarity_hist.png')`);
    expect(response.files_created).toEqual(["similarity_hist.png"]);
  });
});

describe("output of other code", () => {
  test("output of a subprocess stands in order with Python's prints", async () => {
    const response = await run(
      "import subprocess\nprint('one')\nsubprocess.run(['echo', 'two'])\nprint('three')",
    );
    expect(response.stdout).toBe("one\ntwo\nthree\n");
  });

  test("output of C code stands in order with Python's prints", async () => {
    const response = await run(
      "import ctypes\nlibc = ctypes.CDLL(None)\nprint('one')\nlibc.puts(b'two')\n" +
        "libc.fflush(None)\nprint('three')",
    );
    expect(response.stdout).toBe("one\ntwo\nthree\n");
  });

  test("os.write to descriptors 1 and 2 is captured", async () => {
    const response = await run(
      "import os\nprint('one')\nos.write(1, b'two\\n')\nprint('three')\nn = os.write(2, b'err\\n')",
    );
    expect(response.stdout).toBe("one\ntwo\nthree\n");
    expect(response.stderr).toBe("err\n");
  });

  test("output of a child process that logs to stderr is captured as stderr", async () => {
    const response = await run("import subprocess\nsubprocess.run('echo oops >&2', shell=True);");
    expect(response.stderr).toBe("oops\n");
    expect(response.stdout).toBe("");
  });

  test("output of threads is captured", async () => {
    const response = await run(
      "import threading\nt = threading.Thread(target=lambda: print('thread'))\nt.start()\nt.join()",
    );
    expect(response.stdout).toBe("thread\n");
  });
});

describe("files", () => {
  test("created and modified files are named relative to the workspace", async () => {
    const session_id = uniqueId("files");
    const first = await server.execute({
      session_id,
      code: "import os\nos.makedirs('sub/dir')\nopen('a.txt', 'w').write('1')\nopen('sub/dir/b.bin', 'wb').write(b'2');",
    });
    expect([...first.files_created].sort()).toEqual(["a.txt", "sub/dir/b.bin"]);
    expect(first.files_modified).toEqual([]);
    const second = await server.execute({
      session_id,
      code: "open('a.txt', 'a').write('more')\nopen('c.txt', 'w').close()",
    });
    expect(second.files_created).toEqual(["c.txt"]);
    expect(second.files_modified).toEqual(["a.txt"]);
  });

  test("a failing run still reports its files", async () => {
    const response = await run("open('kept.csv', 'w').write('x')\nraise KeyError('k')");
    expect(response.status).toBe("error");
    expect(response.files_created).toEqual(["kept.csv"]);
  });

  test("odd file names are reported without breaking the answer", async () => {
    const response = await run(
      "open('new\\nline', 'w').close()\nopen(b'/workspace/\\xff\\xfe', 'w').close()\nopen('ü 🎉.txt', 'w').close()",
    );
    expect(response.status).toBe("ok");
    expect(response.files_created).toContain("ü 🎉.txt");
    expect(response.files_created).toHaveLength(3);
  });
});

describe("text of every kind", () => {
  test("unicode and emoji arrive as they were", async () => {
    const response = await run("print('Grüße 世界 🐍 \\u202e')\n'naïve'");
    expect(response.stdout).toBe("Grüße 世界 🐍 \u202e\n");
    expect(response.result_text).toContain("'naïve'");
  });

  test("NUL and control characters arrive as they were", async () => {
    const response = await run("print('a\\x00b\\x07\\x1b[31mc')");
    expect(response.stdout).toBe("a\u0000b\u0007\u001b[31mc\n");
  });

  test("bytes that are not UTF-8 do not break the answer", async () => {
    const response = await run("import os\nn = os.write(1, b'ok \\xff\\xfe end\\n')");
    expect(response.status).toBe("ok");
    expect(response.stdout).toMatch(/^ok .+ end\n$/);
  });

  test("lone surrogates in output, values and errors do not break the answer", async () => {
    const session_id = uniqueId("surrogates");
    for (const code of ["print('x\\ud800y')", "'x\\udfffy'", "raise ValueError('x\\ud83dy')"]) {
      const response = await server.execute({ session_id, code });
      expect(["ok", "error"], code).toContain(response.status);
    }
    const after = await server.execute({ session_id, code: "print('alive')" });
    expect(after.stdout).toBe("alive\n");
  });

  test("lone surrogates and NUL in the code itself are answered, not fatal", async () => {
    const escaped = await server.request("/execute", {
      rawBody: '{"code": "print(len(\'\\ud800\'))"}',
    });
    expect([200, 400]).toContain(escaped.status);
    const path = await server.request("/execute", {
      rawBody: '{"code": "1", "files": [{"path": "\\ud800", "content": "x"}]}',
    });
    expect(path.status, path.text).toBe(400);
    const withNul = await server.tryExecute({ code: "print('a')\u0000" });
    expect([200, 400]).toContain(withNul.status);
    expect((await run("print('alive')")).stdout).toBe("alive\n");
  });

  test("a multi-byte character split between two writes stays whole", async () => {
    const response = await run(
      "import os, time\ndata = '🐍'.encode()\nos.write(1, data[:2])\ntime.sleep(0.1)\nn = os.write(1, data[2:])",
    );
    expect(response.stdout).toBe("🐍");
  });
});

test.each([false, true])("no answer holds half a character (stream: %s)", async (stream) => {
  const code =
    "open(b'\\xff', 'w').close(); display({'text/x': chr(0xd800)}, raw=True); raise ValueError(chr(0xdcff))";
  const response = await fetch(`${server.baseUrl}/execute`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-auth-token": server.token },
    body: JSON.stringify({ code, stream }),
  });
  const text = await response.text();
  expect(text).toContain('"files_created":["\\ufffd"]');
  expect(text).not.toMatch(/(?<!\\)(\\\\)*\\ud[89a-f]/);
});

test("code that holds half a character is told whole, and runs as it is told", async () => {
  const rawBody = '{"code": "print(ascii(\'\\ud83dx\'))"}';
  const { body, text } = await server.request<ExecutionResponse>("/execute", { rawBody });
  expect(body.stdout).toBe("'\\ufffdx'\n");
  expect([body.original_code, body.executed_code]).toEqual(
    Array(2).fill("print(ascii('\ufffdx'))"),
  );
  expect(text).not.toMatch(/\\ud[89a-f]/);
});

test("a large answer is the same JSON, with its length, however it was written", async () => {
  const session_id = uniqueId("large");
  const code = [
    "print('\\n\\t\\\\' * 50_000 + '\\U0001f40d' * 100_000)",
    "display({'application/json': list(range(100_000)), 'text/plain': chr(0xdcff) * 300_000}, raw=True)",
  ].join("\n");
  const { body, headers, text } = await server.request<ExecutionResponse>("/execute", {
    body: { session_id, code },
  });
  expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(Number(headers.get("content-length"))).toBe(Buffer.byteLength(text));
  expect(body.stdout).toBe(`${"\n\t\\".repeat(50_000)}${"\u{1f40d}".repeat(100_000)}\n`);
  expect(body.outputs[1]).toMatchObject({
    data: {
      "application/json": Array.from({ length: 100_000 }, (_, n) => n),
      "text/plain": "\ufffd".repeat(300_000),
    },
  });
  const path = `/sessions/${session_id}/executions/1`;
  const again = await server.request<{ result: ExecutionResponse }>(path);
  expect(again.body.result).toEqual(body);
  const notebook = await server.request<{ cells: object[] }>(`/sessions/${session_id}/notebook`);
  expect(notebook.body.cells[0]).toMatchObject({ outputs: body.outputs });
  expect((await server.request(path, { method: "HEAD" })).status).toBe(200);
});

describe("the names of the product's own modules are the user's", () => {
  const guest = fileURLToPath(new URL("../../packages/server/guest/_glovebox", import.meta.url));
  const parts = readdirSync(guest, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".py"))
    .flatMap((path) => path.split("/"))
    .map((part) => part.replace(/\.py$/, ""));
  const names = [...new Set([...parts, "guest", "tests", "support", "test_support"])]
    .filter((name) => name !== "__init__")
    .sort();

  test("nothing of ours is loaded, found or searched for by a plain name", async () => {
    expect(names.length).toBeGreaterThan(50);
    const { stdout } = await run(
      [
        "import importlib, json, sys",
        "def found(name):",
        "    try:",
        "        return importlib.import_module(name).__spec__.origin or 'built in'",
        "    except ModuleNotFoundError:",
        "        return None",
        `places = {name: found(name) for name in ${JSON.stringify(names)}}`,
        "ours = [name for name, module in sys.modules.items()",
        "        if str(getattr(module, '__file__', '')).startswith('/opt/glovebox')]",
        "print(json.dumps({'places': places, 'ours': ours, 'path': sys.path}))",
      ].join("\n"),
    );
    const told = JSON.parse(stdout) as {
      readonly places: Readonly<Record<string, string | null>>;
      readonly ours: readonly string[];
      readonly path: readonly string[];
    };
    // A Debian package may have one of the names.
    const places = Object.entries(told.places).filter(
      ([, place]) => place !== null && !place.startsWith("/usr/lib/python3"),
    );
    expect(places).toEqual([]);
    expect(told.ours.length).toBeGreaterThan(20);
    expect(told.ours.filter((name) => !/^_glovebox(\.|$)/.test(name))).toEqual([]);
    expect(told.path.filter((place) => place.startsWith("/opt/glovebox"))).toEqual([]);
  });

  test("a user's modules of these names are imported, here and in processes of the user's", async () => {
    const session_id = uniqueId("names");
    const mine = JSON.stringify(names);
    await server.execute({
      session_id,
      code: `for name in ${mine}:\n    open(f'{name}.py', 'w').write('def mine(_=None): return __name__')`,
    });
    const { stdout, status } = await server.execute({
      session_id,
      code: [
        "import importlib, inspect, multiprocessing, pickle, subprocess, sys",
        `names = ${mine}`,
        "importlib.invalidate_caches()",
        "print([name for name in names if importlib.import_module(name).mine() != name])",
        "import kernel, output, plan",
        "print(pickle.loads(pickle.dumps(kernel.mine))(), inspect.getsource(plan).strip())",
        "for way in ('spawn', 'fork', 'forkserver'):",
        "    with multiprocessing.get_context(way).Pool(1) as pool:",
        "        print(way, pool.map(output.mine, [0]))",
        "open('script.py', 'w').write('import shell\\nprint(shell.mine(), __name__)')",
        "%run script.py",
        "print(subprocess.run([sys.executable, 'script.py'], capture_output=True, text=True).stdout)",
      ].join("\n"),
    });
    expect(stdout.trim().split("\n")).toEqual([
      "[]",
      "kernel def mine(_=None): return __name__",
      "spawn ['output']",
      "fork ['output']",
      "forkserver ['output']",
      "shell __main__",
      "shell __main__",
    ]);
    expect(status).toBe("ok");
  });

  test("a traceback shows the lines of a user's module that has one of these names", async () => {
    const { error } = await run(
      "open('shell.py', 'w').write('def fail():\\n    return 1 / 0\\n')\nimport shell\nshell.fail()",
    );
    const text = (error?.traceback ?? []).join("\n");
    expect(text).toContain("/workspace/shell.py");
    expect(text).toContain("return 1 / 0");
    expect(text).not.toContain("_glovebox");
  });
});
