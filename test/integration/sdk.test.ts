/** The SDK as it is published, against a real server; and every example of docs/sdk.md. */
import {
  AuthenticationError,
  codeInterpreterTool,
  describeForModel,
  type ExecutionEvent,
  Glovebox,
  NotFoundError,
  pythonValue,
  type Session,
} from "@glovebox/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ExamplePrograms, readExamples, writeExamples } from "../support/examples.ts";
import { eventually } from "../support/host.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";

let server: TestServer;
let client: Glovebox;

beforeAll(async () => {
  server = await startServer({ env: { MAX_SESSIONS: "20" } });
  client = new Glovebox({ baseUrl: server.baseUrl, token: server.token });
});

afterAll(async () => {
  await server?.stop();
});

async function inSession(use: (session: Session) => Promise<void>): Promise<void> {
  await using session = await client.createSession();
  await use(session);
}

describe("the examples of docs/sdk.md", () => {
  const examples = readExamples("sdk.md");
  let programs: ExamplePrograms;

  beforeAll(() => {
    programs = writeExamples(examples);
  });

  afterAll(() => programs.remove());

  test("there are examples", () => {
    expect(examples.length).toBeGreaterThan(8);
  });

  test("the compiler accepts them", async () => {
    expect(await programs.check()).toBe("");
  });

  test.each(examples.map((example) => [example.name, example] as const))(
    "%s",
    async (_, example) => {
      const env = { GLOVEBOX_URL: server.baseUrl, GLOVEBOX_TOKEN: server.token };
      const printed = await programs.run(example, env);
      if (example.output === undefined) expect(printed.trim()).not.toBe("");
      else expect(printed).toBe(example.output);
    },
  );
});

describe("sessions", () => {
  test("keep what was defined, and end with their block", async () => {
    let id = "";
    await inSession(async (session) => {
      id = session.id;
      await session.execute("x = 20");
      expect((await session.execute("x + 22")).result_text).toBe("42\n");
      expect((await session.info()).execution_count).toBe(2);
      expect((await client.sessions()).map(({ session_id }) => session_id)).toContain(id);
    });
    await expect(client.session(id).info()).rejects.toSatisfy(NotFoundError.isInstance);
  });

  test("are made with limits and a time to live", async () => {
    const id = uniqueId("limits");
    await using session = await client.createSession({
      id,
      memoryLimit: "128m",
      cpuLimit: 0.25,
      ttlMs: 90_000,
    });
    const { limits, ttl } = await session.info();
    expect({ id: session.id, limits, ttl }).toEqual({
      id,
      limits: { memory_bytes: 128 * 1024 * 1024, cpus: 0.25 },
      ttl: 90,
    });
  });

  test("start afresh after a reset", async () => {
    await inSession(async (session) => {
      await session.execute("x = 1");
      await session.reset();
      expect((await session.execute("x")).error?.ename).toBe("NameError");
    });
  });
});

describe("executions", () => {
  test("a timeout is an answer", async () => {
    const { status, error } = await client.execute("while True: pass", { timeoutMs: 300 });
    expect(status).toBe("timeout");
    expect(error?.ename).toBe("ExecutionTimeout");
  });

  test("values go into code as values", async () => {
    const value = {
      text: `'"\\\n"""\u2028é😀${"$"}{x}`,
      numbers: [1, 2.5, null, true],
      nested: { a: [] },
    };
    const code = `import json; v = ${pythonValue(value)}; print(json.dumps(v, ensure_ascii=False))`;
    const { stdout } = await client.execute(code);
    expect(JSON.parse(stdout)).toEqual(value);
  });

  test("an abort interrupts the run", async () => {
    await inSession(async (session) => {
      const controller = new AbortController();
      const running = session.execute("import time\ntime.sleep(20)", { signal: controller.signal });
      await eventually(
        async () => ((await session.info()).state === "busy" ? undefined : "it does not run"),
        5000,
      );
      // Only what runs can be interrupted, and the state says no more than that it was sent.
      await new Promise((resolve) => setTimeout(resolve, 300));
      controller.abort();
      await expect(running).rejects.toThrow(/abort/i);
      const startedAt = performance.now();
      expect((await session.execute("1")).status).toBe("ok");
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    });
  });

  test("a wrong token", async () => {
    const stranger = new Glovebox({ baseUrl: server.baseUrl, token: "wrong" });
    await expect(stranger.execute("1")).rejects.toSatisfy(AuthenticationError.isInstance);
    expect((await stranger.health()).status).toBe("healthy");
  });
});

describe("streams", () => {
  test("give output while the code runs", async () => {
    await inSession(async (session) => {
      const code = "import time\nprint('first', flush=True)\ntime.sleep(1.5)\nprint('second')";
      const seenAt = new Map<string, number>();
      for await (const event of session.stream(code)) {
        if (event.type === "stream") seenAt.set(event.data.text.trim(), performance.now());
      }
      const between = (seenAt.get("second") ?? 0) - (seenAt.get("first") ?? 0);
      expect(between).toBeGreaterThan(700);
    });
  });

  test("end with the answer that a plain request would have had", async () => {
    await inSession(async (session) => {
      const run = session.stream("print('x')\nimport sys; print('y', file=sys.stderr)\n6 * 7");
      const events: ExecutionEvent[] = [];
      for await (const event of run) events.push(event);
      expect(events[0]?.type).toBe("execution");
      expect(events.at(-1)?.type).toBe("result");
      expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
      const { status, stdout, stderr, outputs } = await run.result;
      expect({ status, stdout, stderr }).toEqual({ status: "ok", stdout: "x\n", stderr: "y\n" });
      expect(outputs.at(-1)).toMatchObject({ data: { "text/plain": "42" } });
    });
  });

  test("that are left interrupt their run, and keep the session's variables", async () => {
    await inSession(async (session) => {
      await session.execute("kept = 1");
      for await (const { type } of session.stream("print('on')\nimport time\ntime.sleep(25)")) {
        if (type === "stream") break;
      }
      const startedAt = performance.now();
      expect((await session.execute("kept")).result_text).toBe("1\n");
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    });
  });
});

describe("runs that go on by themselves", () => {
  test("are taken up again when the connection breaks, without a gap or a second run", async () => {
    // Cuts each connection of a stream after some bytes, as a bad network would.
    let cuts = 0;
    const requests: string[] = [];
    const badNetwork: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      requests.push(`${init?.method} ${new URL(String(input)).pathname}`);
      if (!response.headers.get("content-type")?.includes("event-stream") || cuts === 2) {
        return response;
      }
      cuts++;
      return new Response(response.body?.pipeThrough(cutAfter(300)), response);
    };
    const far = new Glovebox({ baseUrl: server.baseUrl, token: server.token, fetch: badNetwork });
    await inSession(async ({ id }) => {
      const session = far.session(id);
      const code =
        "import time\nfor i in range(40):\n    print(i, flush=True)\n    time.sleep(0.05)";
      const run = session.stream(code, { onDisconnect: "continue" });
      let text = "";
      const ids = [];
      for await (const event of run) {
        if (event.type === "stream") text += event.data.text;
        ids.push(event.id);
      }
      expect(cuts).toBe(2);
      expect(requests.filter((one) => one === "POST /execute").length).toBe(1);
      expect(ids).toEqual(ids.map((_, index) => index + 1));
      expect(text).toBe(Array.from({ length: 40 }, (_, i) => `${i}\n`).join(""));
      expect((await run.result).stdout).toBe(text);
      expect((await session.executions()).length).toBe(1);
    });
  });

  test("can be listed, followed, looked up and interrupted by another client", async () => {
    await inSession(async (session) => {
      const code = "import time\nprint('on', flush=True)\ntime.sleep(30)";
      const left = session.stream(code, { onDisconnect: "continue" });
      const isLine = (event: ExecutionEvent) =>
        event.type === "stream" && event.data.text.includes("\n");
      for await (const event of left) if (isLine(event)) break;
      const [running] = await session.executions();
      expect(running).toMatchObject({ execution_id: 1, state: "running", code });
      const waiting = session.stream("print('never')");
      const cancelling = (async () => {
        for await (const event of waiting) {
          expect(event.data).toMatchObject({ execution_id: 2, state: "queued", queued_before: 1 });
          await session.cancel(2);
        }
      })();
      await expect(cancelling).rejects.toMatchObject({ code: "EXECUTION_CANCELLED" });
      const following = session.follow(1);
      for await (const event of following) {
        if (isLine(event)) expect(await session.interrupt()).toMatchObject({ execution_id: 1 });
      }
      expect((await following.result).status).toBe("interrupted");
      expect((await session.execution(1)).result?.stdout).toBe("on\n");
      await expect(session.execution(9)).rejects.toSatisfy(NotFoundError.isInstance);
      await expect(session.interrupt()).rejects.toMatchObject({ code: "NOTHING_RUNNING" });
      await expect(session.follow(1, { after: 99 }).result).rejects.toMatchObject({
        code: "STREAM_CLOSED",
      });
    });
  });
});

/** Lets some bytes through, then fails. */
function cutAfter(bytesMax: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > bytesMax) controller.error(new TypeError("the network is down"));
      else controller.enqueue(chunk);
    },
  });
}

describe("questions", () => {
  test("of the code are answered by onInput, or by whoever sees them", async () => {
    await inSession(async (session) => {
      const asked: unknown[] = [];
      const code = "import getpass\nn = input('name? ')\np = getpass.getpass('secret? ')\n(n, p)";
      const run = session.stream(code, {
        onInput: async (request) => {
          asked.push(request);
          return request.password ? "1234" : "Ada é😀";
        },
      });
      expect((await run.result).result_text).toBe("('Ada é😀', '1234')\n");
      expect(asked).toEqual([
        { prompt: "name? ", password: false },
        { prompt: "secret? ", password: true },
      ]);
      const other = session.stream("input()", { allowInput: true });
      for await (const { type } of other) if (type === "input_request") await session.input("5");
      expect((await other.result).result_text).toBe("'5'\n");
      await expect(session.input("late")).rejects.toMatchObject({ code: "NO_INPUT_REQUESTED" });
    });
  });

  test("nobody is there to answer raise EOFError instead of waiting", async () => {
    await inSession(async (session) => {
      expect((await session.stream("input()").result).error?.ename).toBe("EOFError");
    });
    expect((await client.stream("input()").result).error?.ename).toBe("EOFError");
  });

  test("of an editor", async () => {
    await inSession(async (session) => {
      await session.execute("import numpy as np\nspecial_name = np.zeros((2, 3))");
      const { matches, cursor_start } = await session.complete("x = '😀'; special_n");
      expect(matches).toContain("special_name");
      expect(cursor_start).toBe(9);
      expect((await session.inspect("len")).data["text/plain"]).toContain("len");
      expect((await session.isComplete("for i in x:")).status).toBe("incomplete");
      const { variables, total } = await session.variables({ limit: 10 });
      expect(variables.find(({ name }) => name === "special_name")).toMatchObject({
        shape: [2, 3],
        dtype: "float64",
      });
      expect(total).toBeGreaterThan(0);
    });
  });
});

describe("files", () => {
  test("of any name and content come back as they went", async () => {
    await inSession(async ({ files }) => {
      const bytes = crypto.getRandomValues(new Uint8Array(65_000));
      for (const path of ["plain.bin", "a b/ü😀#?%2e+&.bin", "x/y/z/..hidden", " '\"\\"]) {
        expect((await files.write(path, bytes)).size, path).toBe(65_000);
        expect(Buffer.from(await files.read(path)).equals(bytes), path).toBe(true);
      }
      expect(await files.read("plain.bin", { range: { start: 10, end: 20 } })).toEqual(
        bytes.slice(10, 20),
      );
      expect(await files.stat("plain.bin")).toMatchObject({ size: 65_000 });
      await expect(files.write("odd\n", "")).rejects.toMatchObject({ code: "INVALID_PATH" });
      const paths = (await files.list("", { recursive: true })).entries.map(({ path }) => path);
      expect(paths).toContain("a b/ü😀#?%2e+&.bin");
    });
  });

  test("stream in and out", async () => {
    await inSession(async ({ files }) => {
      const chunk = new Uint8Array(256 * 1024).fill(7);
      let left = 80;
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (left-- > 0) controller.enqueue(chunk);
          else controller.close();
        },
      });
      expect((await files.write("big.bin", source)).size).toBe(80 * chunk.length);
      let bytes = 0;
      const reader = (await files.readStream("big.bin")).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        bytes += part.value.length;
      }
      expect(bytes).toBe(80 * chunk.length);
    });
  });

  test("are uploaded together, renamed, packed and deleted", async () => {
    await inSession(async (session) => {
      const { files } = session;
      const uploaded = await files.upload({ "d/ä.txt": "one", "d/e/two.txt": new Blob(["two"]) });
      expect(uploaded).toEqual([
        { path: "d/ä.txt", size: 3 },
        { path: "d/e/two.txt", size: 3 },
      ]);
      await files.mkdir("made/here");
      expect(await files.rename("d/ä.txt", "made/here/b.txt")).toEqual({ path: "made/here/b.txt" });
      await expect(files.rename("d/e/two.txt", "made/here/b.txt")).rejects.toMatchObject({
        code: "FILE_EXISTS",
      });
      const tar = new Uint8Array(await new Response(await files.archive("made")).arrayBuffer());
      expect(new TextDecoder().decode(tar)).toContain("b.txt");
      await expect(files.delete("made")).rejects.toMatchObject({ code: "DIRECTORY_NOT_EMPTY" });
      await files.delete("made", { recursive: true });
      await expect(files.read("made/here/b.txt")).rejects.toSatisfy(NotFoundError.isInstance);
    });
  });

  test("are watched", async () => {
    await inSession(async (session) => {
      await session.files.mkdir("seen");
      const changes = await session.files.watch("seen");
      await session.execute("open('seen/new.txt', 'w').write('x')");
      for await (const event of changes) {
        if (event.type !== "change" || event.data.path !== "seen/new.txt") continue;
        expect(event.data).toMatchObject({ change: "created", type: "file" });
        break;
      }
    });
  });
});

describe("notebooks", () => {
  const code = (id: string, source: string) => ({
    ...{ cell_type: "code", id, source, metadata: {}, outputs: [], execution_count: null },
  });
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: [
      { cell_type: "markdown", id: "title", source: "# Sums", metadata: {} },
      code("a", "name = input('who? ') if asking else 'nobody'"),
      code("b", "print(name)\n6 * 7"),
    ],
  };

  test("run as a whole, and leave as notebooks", async () => {
    await inSession(async (session) => {
      await session.execute("asking = False");
      const { status, executions, notebook: done } = await session.runNotebook(notebook);
      expect({ status, executions }).toEqual({ status: "ok", executions: [2, 3] });
      expect(done.cells[2]?.outputs?.[0]).toMatchObject({ name: "stdout" });
      const exported = await session.notebook();
      expect(exported.cells.filter((cell) => cell.cell_type === "code").length).toBe(3);
    });
  });

  test("stream cell by cell, and ask", async () => {
    await inSession(async (session) => {
      await session.execute("asking = True");
      const run = session.streamNotebook(notebook, { onInput: () => "Ada" });
      const seen: string[] = [];
      for await (const { type, data } of run) {
        if (type === "cell") seen.push(`${data.index} ${data.state}`);
        if (type === "stream") seen.push(data.text);
      }
      expect(seen.join()).toBe("1 running,1 done,2 running,Ada\n,2 done");
      expect((await run.result).status).toBe("ok");
    });
  });
});

describe("the tool", () => {
  test("works with the session that the program chose", async () => {
    const sessionId = uniqueId("tool");
    await codeInterpreterTool({ code: "x = 5", session_id: "another" }, { client, sessionId });
    const result = await codeInterpreterTool({ code: "x" }, { client, sessionId });
    expect(describeForModel(result)).toBe("5");
    await client.session(sessionId).release();
  });

  test("tells a model why its code failed, and of its images and files", async () => {
    const options = { client };
    const failed = await codeInterpreterTool({ code: "open('/etc/x', 'w')" }, options);
    expect(describeForModel(failed)).toMatch(/^status: error\n[\s\S]*Glovebox: .*read-only/);
    const code =
      "import matplotlib.pyplot as plt\nplt.plot([1]);\nopen('a.txt', 'w').write('a')\nNone";
    expect(describeForModel(await codeInterpreterTool({ code }, options))).toBe(
      "[images shown to the user: 1]\n[files created: a.txt]",
    );
    const long = await codeInterpreterTool({ code: "print('x' * 5000)" }, options);
    expect(describeForModel(long, 1000).length).toBeLessThan(1100);
  });
});

describe("administration", () => {
  test("tells what runs, and ends it", async () => {
    await inSession(async (session) => {
      await session.execute("1");
      const { pool, sessions, panic } = await client.admin.status();
      expect(pool.leased).toBeGreaterThan(0);
      expect(sessions).toBeGreaterThan(0);
      expect(panic).toBeNull();
      const container = (await client.admin.containers()).find(
        (one) => one.session_id === session.id,
      );
      const killed = await client.admin.killContainer(container?.id ?? "none");
      expect(killed.session_id).toBe(session.id);
      const ended = await client.admin.endSessions(session.id);
      expect(ended.status).toBe("ended");
    });
  });

  test("a panic and what follows it", { timeout: 60_000 }, async () => {
    const report = await client.admin.panic({ reason: "a test" });
    expect(report.verified).toBe(true);
    expect((await client.health()).status).toBe("panicked");
    expect((await client.admin.status()).panic?.reason).toBe("a test");
    await expect(client.execute("1")).rejects.toMatchObject({ code: "PANICKED" });
    expect((await client.admin.resume()).was_panicked).toBe(true);
    expect((await client.execute("1")).status).toBe("ok");
  });
});
