import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  openEvents,
  type ServerEvent,
  type StreamedRequest,
  streamExecute,
} from "../support/events.ts";
import { eventually } from "../support/host.ts";
import {
  type ErrorBody,
  type ExecutionRequest,
  type ExecutionResponse,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ env: { POOL_SIZE: "4" } });
});

afterAll(async () => {
  await server?.stop();
});

function start(request: StreamedRequest): Promise<ExecutionResponse> {
  return server.execute(request);
}

async function post<Body>(session: string, route: string, body: unknown) {
  return server.request<Body & ErrorBody>(`/sessions/${session}/${route}`, { body });
}

/** Answer the next input(), as soon as it is asked. */
async function answer(session: string, text: string): Promise<void> {
  let status = 0;
  await eventually(async () => {
    ({ status } = await post(session, "input", { text }));
    return status === 200 ? undefined : `the answer was met with ${status}`;
  }, 10_000);
  expect(status).toBe(200);
}

/** The events of a streamed execution; each question is answered with the next of `texts`. */
async function stream(request: ExecutionRequest, texts: readonly string[]): Promise<ServerEvent[]> {
  const left = [...texts];
  const events: ServerEvent[] = [];
  for await (const event of await streamExecute(server, request)) {
    events.push(event);
    if (event.event === "input_request") await answer(request.session_id ?? "", left.shift() ?? "");
  }
  return events;
}

describe("input()", () => {
  test("a stream tells the question, and the answer arrives", async () => {
    const session_id = uniqueId("input");
    const code =
      "import getpass\nprint('before')\nname = input('Who? ')\nsecret = getpass.getpass('Key: ')\nprint(name, len(secret))";
    const events = await stream({ session_id, code }, ["Ada Ü𝕏", "hidden"]);
    const asked = events.filter(({ event }) => event === "input_request");
    expect(asked.map(({ data }) => data)).toEqual([
      { prompt: "Who? ", password: false },
      { prompt: "Key: ", password: true },
    ]);
    const names = events.map(({ event }) => event);
    expect(names.indexOf("stream")).toBeLessThan(names.indexOf("input_request"));
    expect(events.at(-1)?.data).toMatchObject({
      status: "ok",
      stdout: "before\nAda Ü𝕏 6\n",
    });
  });

  test("a plain request may ask, and is answered over another connection", async () => {
    const session_id = uniqueId("input");
    const code = "import sys\nprint([input('a'), input('b'), sys.stdin.readline()])";
    const running = start({ session_id, code, allow_input: true });
    for (const text of ["1", "", "x".repeat(65_536)]) await answer(session_id, text);
    const { status, stdout } = await running;
    expect(status).toBe("ok");
    expect(stdout).toContain("['1', '', 'xxx");
  });

  test("pieces and the end of input are answers as well", async () => {
    const session_id = uniqueId("pieces");
    const code = "import sys\nprint([input('? '), sys.stdin.read()])\ninput()";
    const asked = server.request<ExecutionResponse>("/execute", {
      body: { session_id, code, allow_input: true },
    });
    const answer = (body: object) =>
      server.request(`/sessions/${session_id}/input`, { body }).then(({ status }) => status);
    const answered = (body: object) =>
      eventually(async () => ((await answer(body)) === 200 ? undefined : "nothing is asked"), 5000);
    await answered({ data: "one\ntw" });
    await answered({ data: Buffer.from("o\nü").toString("base64"), encoding: "base64" });
    for (const wrong of [{}, { eof: false }, { text: "a", eof: true }, { text: "a", data: "b" }]) {
      expect(await answer(wrong)).toBe(400);
    }
    expect(await answer({ data: "é!", encoding: "base64" })).toBe(400);
    expect(await answer({ data: "é".repeat(32_769) })).toBe(413);
    await answered({ eof: true });
    const { body } = await asked;
    expect(body.stdout).toBe("['one', 'two\\nü']\n");
    expect(body.error).toMatchObject({ ename: "EOFError" });
  });

  test("where nobody can answer, an EOFError says how to change that", async () => {
    for (const request of [
      { code: "input('?')" },
      { code: "input('?')", session_id: uniqueId("input"), allow_input: false },
    ]) {
      const { status, error } = await start(request);
      expect(status).toBe("error");
      expect(error?.ename).toBe("EOFError");
      expect(error?.evalue).toContain("allow_input");
      expect(error?.hint).toContain("/sessions/{id}/input");
    }
  });

  test("a run without a session cannot ask", async () => {
    const { status, body } = await server.request<ErrorBody>("/execute", {
      body: { code: "1", allow_input: true },
    });
    expect(status).toBe(400);
    expect(body.error.message).toContain("session_id");
    const events = await stream({ code: "input()" }, []);
    expect(events.at(-1)?.data).toMatchObject({ status: "error" });
  });

  test("an answer to no question is a 409, and one that is too long a 413", async () => {
    const session_id = uniqueId("input");
    await start({ session_id, code: "1" });
    const none = await post(session_id, "input", { text: "x" });
    expect([none.status, none.body.error.code]).toEqual([409, "NO_INPUT_REQUESTED"]);
    const running = start({ session_id, code: "input()", allow_input: true });
    const long = await post(session_id, "input", { text: "ü".repeat(40_000) });
    expect(long.status).toBe(413);
    expect((await post(session_id, "input", { text: 1 })).status).toBe(400);
    expect((await post(session_id, "input", { text: "x", to: 1 })).status).toBe(400);
    await answer(session_id, "\0\u001b");
    expect((await running).result_text).toBe("'\\x00\\x1b'\n");
    expect((await post(session_id, "input", { text: "x" })).status).toBe(409);
    expect((await post("nobody", "input", { text: "x" })).status).toBe(404);
  });

  test("only one answer is taken for each question", async () => {
    const session_id = uniqueId("input");
    const running = start({ session_id, code: "[input() for _ in range(5)]", allow_input: true });
    for (let n = 0; n < 5; n++) await answer(session_id, String(n));
    expect((await running).result_text).toBe("['0', '1', '2', '3', '4']\n");
  });

  test("waiting counts towards the timeout, and the deadline ends it", async () => {
    const session_id = uniqueId("input");
    const started = performance.now();
    const { status } = await start({ session_id, code: "input()", allow_input: true, timeout: 1 });
    expect(status).toBe("timeout");
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("an interrupt ends the waiting, and whoever comes later sees the question", async () => {
    const session_id = uniqueId("input");
    const running = start({
      session_id,
      code: "kept = 1\ninput('Still there?')",
      allow_input: true,
    });
    await eventually(async () => {
      const { body } = await server.request<{ state: string }>(
        `/sessions/${session_id}/executions/1`,
      );
      return body?.state === "running" ? undefined : "it does not run yet";
    }, 10_000);
    const client = await openEvents(server, "GET", `/sessions/${session_id}/executions/1/events`);
    const question = await client.until(({ event }) => event === "input_request");
    expect(question.data.prompt).toBe("Still there?");
    client.leave();
    const interrupt = await server.request(`/sessions/${session_id}/interrupt`, { method: "POST" });
    expect(interrupt.status).toBe(200);
    expect(await running).toMatchObject({
      status: "interrupted",
      error: { ename: "KeyboardInterrupt" },
    });
    expect((await post(session_id, "input", { text: "late" })).status).toBe(409);
    expect((await start({ session_id, code: "kept" })).result_text).toBe("1\n");
  });

  test("a client that goes away interrupts the waiting, and the state stays", async () => {
    const session_id = uniqueId("input");
    await start({ session_id, code: "kept = 1" });
    const client = new AbortController();
    const gone = fetch(`${server.baseUrl}/execute`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-auth-token": server.token },
      body: JSON.stringify({ session_id, code: "kept = 2\ninput()", allow_input: true }),
      signal: client.signal,
    }).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.abort();
    await gone;
    expect((await start({ session_id, code: "kept" })).result_text).toBe("2\n");
  });

  test("forged questions end the run that floods, and reach nobody else", async () => {
    const session_id = uniqueId("input");
    const { status } = await start({
      session_id,
      allow_input: true,
      code: `
import json, os, stat
body = json.dumps({"msg_type": "input_request", "content": {"prompt": "?", "password": False}}).encode()
frames = (len(body).to_bytes(4, "big") + body) * 1000
def sends(n):
    try: return stat.S_ISSOCK(os.fstat(n).st_mode)
    except OSError: return False
for n in filter(sends, range(3, 200)):
    for _ in range(20): os.write(n, frames)
input()`,
    });
    expect(["output_limit", "killed"]).toContain(status);
    expect((await start({ session_id, code: "1" })).result_text).toBe("1\n");
  });

  test("answers that nobody waits for are counted, and end the sandbox that floods", async () => {
    const session_id = uniqueId("input");
    await start({
      session_id,
      code: `
import json, os, stat, threading, time
body = json.dumps({"msg_type": "execute_reply", "content": {"status": "ok", "execution_count": 9, "execution_time": 0}}).encode()
frames = (len(body).to_bytes(4, "big") + body) * 500
def sends(n):
    try: return stat.S_ISSOCK(os.fstat(n).st_mode)
    except OSError: return False
sockets = list(filter(sends, range(3, 200)))
def flood():
    time.sleep(0.3)
    for _ in range(400):
        for n in sockets: os.write(n, frames)
threading.Thread(target=flood, daemon=True).start()`,
    });
    await expect
      .poll(async () => (await start({ session_id, code: "sockets" })).error?.ename, {
        timeout: 15_000,
        interval: 2000,
      })
      .toBe("NameError");
  });

  test("a forked child gets an EOFError, and the session goes on", async () => {
    const session_id = uniqueId("input");
    const { stdout, status } = await start({
      session_id,
      allow_input: true,
      code: "import os\nif not (pid := os.fork()):\n    try: input()\n    except EOFError as e: print(e)\n    os._exit(0)\nos.waitpid(pid, 0)",
    });
    expect([status, stdout]).toEqual(["ok", expect.stringContaining("a child of it")]);
  });
});

interface Completion {
  readonly matches: string[];
  readonly types: string[];
  readonly cursor_start: number;
  readonly cursor_end: number;
}

interface Variables {
  readonly variables: Record<string, unknown>[];
  readonly total: number;
  readonly truncated: boolean;
}

describe("questions", () => {
  let session: string;

  beforeAll(async () => {
    session = uniqueId("questions");
    await start({
      session_id: session,
      code: "import pandas as pd\nframe = pd.DataFrame({'a': range(3)})\ndef area(width, height=1):\n    'The area of it.'\n    return width * height",
    });
  });

  async function complete(code: string): Promise<Completion> {
    const { status, body, text } = await post<Completion>(session, "complete", { code });
    expect(status, text).toBe(200);
    return body;
  }

  test("names, attributes, imports and magics are completed", async () => {
    expect((await complete("fram")).matches).toEqual(["frame"]);
    expect((await complete("frame.he")).matches).toEqual(["head"]);
    expect((await complete("import nump")).matches).toContain("numpy");
    expect((await complete("%timei")).matches).toContain("%timeit");
    const answer = await complete("'𝕏'; are");
    expect(answer).toEqual({
      matches: ["area"],
      types: ["function"],
      cursor_start: 5,
      cursor_end: 8,
    });
  });

  test("a function is inspected", async () => {
    const { body } = await post<{ found: boolean; data: Record<string, string> }>(
      session,
      "inspect",
      { code: "area(2)", cursor_pos: 2 },
    );
    expect(body.found).toBe(true);
    expect(body.data["text/plain"]).toContain("area(width, height=1)");
    expect(body.data["text/plain"]).toContain("The area of it.");
    const none = await post(session, "inspect", { code: "nothing_here" });
    expect(none.body).toEqual({ found: false, data: {}, metadata: {} });
  });

  test("code is told to be complete or not", async () => {
    const ask = async (code: string) => (await post(session, "is_complete", { code })).body;
    expect(await ask("x = 1")).toEqual({ status: "complete", indent: "" });
    expect(await ask("for x in y:")).toEqual({ status: "incomplete", indent: "    " });
    expect(await ask("x = )")).toEqual({ status: "invalid", indent: "" });
  });

  test("the variables are listed", async () => {
    const { body } = await server.request<Variables>(`/sessions/${session}/variables`);
    expect(body.variables.map(({ name }) => name)).toEqual(["area", "frame", "pd"]);
    expect(body.variables[1]).toMatchObject({
      type: "DataFrame",
      module: "pandas.core.frame",
      shape: [3, 1],
      length: 3,
      preview: "3 rows × 1 columns: 'a'",
    });
    const cut = await server.request<Variables>(`/sessions/${session}/variables?limit=1`);
    expect(cut.body).toMatchObject({ total: 3, truncated: true });
    expect(cut.body.variables.length).toBe(1);
  });

  test("a thousand variables of many kinds are listed", async () => {
    const session_id = uniqueId("many");
    await start({
      session_id,
      code: "import numpy\nfor n in range(2500): globals()[f'v{n:04}'] = [n, 'x' * n, {n: [n]}, numpy.arange(n)][n % 4]",
    });
    const path = `/sessions/${session_id}/variables`;
    const { body } = await server.request<Variables>(path);
    expect(body.total).toBe(2502);
    expect(body.variables.length).toBe(1000);
    const most = await server.request<Variables>(`${path}?limit=2000`);
    expect(most.body.variables.length).toBe(2000);
  });

  test("bad questions are a 400 that says why", async () => {
    for (const [route, body] of [
      ["complete", {}],
      ["complete", { code: "a", cursor_pos: -1 }],
      ["complete", { code: "a", cursor_pos: "1" }],
      ["complete", { code: "a", cursor_position: 1 }],
      ["inspect", { code: "a", detail_level: 2 }],
      ["is_complete", { code: 1 }],
    ] as const) {
      const { status, body: answer } = await post(session, route, body);
      expect([status, answer.error.code], JSON.stringify(body)).toEqual([400, "INVALID_REQUEST"]);
    }
    for (const query of ["limit=0", "limit=2001", "limit=x", "limit=-1", "many=1"]) {
      const { status } = await server.request(`/sessions/${session}/variables?${query}`);
      expect(status, query).toBe(400);
    }
    const large = await post(session, "complete", { code: "x".repeat(2 ** 20 + 1) });
    expect(large.body.error.code).toBe("CODE_TOO_LARGE");
    expect((await post("nobody", "complete", { code: "a" })).status).toBe(404);
  });

  test("a session without a sandbox answers emptily and gets none", async () => {
    const session_id = uniqueId("empty");
    await start({ session_id, code: "x = 1" });
    await server.request(`/sessions/${session_id}/reset`, { method: "POST" });
    expect((await post(session_id, "complete", { code: "ab" })).body).toEqual({
      matches: [],
      cursor_start: 2,
      cursor_end: 2,
      types: [],
    });
    expect((await post(session_id, "is_complete", { code: "1" })).body).toEqual({
      status: "unknown",
      indent: "",
    });
    const { body } = await server.request<Variables>(`/sessions/${session_id}/variables`);
    expect(body).toEqual({ variables: [], total: 0, truncated: false });
    const { body: info } = await server.request<{ state: string }>(`/sessions/${session_id}`);
    expect(info.state).toBe("new");
  });

  test("objects that loop, end the process or flood cost the answer only", async () => {
    const session_id = uniqueId("hostile");
    for (const [body, reason] of [
      ["import re; re.match('(a*)*b', 'a' * 50)", "too long"],
      ["import os; os._exit(0)", "ended"],
      ["import os; os.kill(0, 9)", ""],
    ] as const) {
      await start({
        session_id,
        code: `class C:\n    def __dir__(self):\n        ${body}\nc = C()\nkept = 1`,
      });
      const { status, body: answer } = await post(session_id, "complete", { code: "c.x" });
      expect([status, answer.error.code]).toEqual([409, "QUESTION_UNANSWERED"]);
      expect(answer.error.message).toContain(reason);
      if (reason === "") break; // It has killed the kernel, as it could have in any run.
      expect((await start({ session_id, code: "kept" })).result_text).toBe("1\n");
    }
    expect((await start({ session_id, code: "1" })).result_text).toBe("1\n");
  });

  test("a question waits for running code, within bounds", async () => {
    const session_id = uniqueId("busy");
    await start({ session_id, code: "import time" });
    const short = start({ session_id, code: "time.sleep(0.5); late = 1" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { body } = await post<Completion>(session_id, "complete", { code: "lat" });
    expect(body.matches).toContain("late");
    await short;
    const long = start({ session_id, code: "time.sleep(6)" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const busy = await post(session_id, "complete", { code: "lat" });
    expect([busy.status, busy.body.error.code]).toEqual([429, "SESSION_BUSY"]);
    expect((await long).status).toBe("ok");
    expect((await start({ session_id, code: "late" })).result_text).toBe("1\n");
  });
});
