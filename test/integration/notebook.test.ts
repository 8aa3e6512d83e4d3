/** A session as a notebook, and notebooks run in a session; nbformat itself judges what comes out. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { beforeAll, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { type ErrorBody, uniqueId } from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";

interface Cell {
  readonly cell_type: string;
  readonly id: string;
  readonly source: string;
  readonly metadata: Record<string, unknown>;
  readonly outputs?: readonly Record<string, unknown>[];
  readonly execution_count?: number | null;
}

interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly cells: readonly Cell[];
}

interface Answer {
  readonly notebook: Notebook;
  readonly status: string;
  readonly executions: readonly number[];
}

interface ServerEvent {
  readonly id: number;
  readonly name: string;
  readonly data: Record<string, unknown>;
}

let server: Client;

beforeAll(async () => {
  server = await joinSharedServer();
});

const code = (source: string | string[], metadata: object = {}) => ({
  cell_type: "code",
  metadata,
  source,
  outputs: [],
  execution_count: null,
});
const text = (source: string) => ({ cell_type: "markdown", metadata: {}, source });
const notebookOf = (...cells: object[]) => ({
  nbformat: 4,
  nbformat_minor: 4,
  metadata: {},
  cells,
});

function post(session: string, body: unknown) {
  return server.request<Answer & ErrorBody>(`/sessions/${session}/notebook`, { body });
}

async function run(session: string, cells: object[], options: object = {}): Promise<Answer> {
  const {
    status,
    body,
    text: raw,
  } = await post(session, {
    notebook: notebookOf(...cells),
    ...options,
  });
  expect(status, raw).toBe(200);
  return body;
}

/** The sandbox's own nbformat, which Jupyter reads its notebooks with. */
async function expectValid(notebook: Notebook): Promise<void> {
  const json = JSON.stringify(JSON.stringify(notebook));
  const { stdout, error } = await server.execute({
    code: `import nbformat, warnings
warnings.simplefilter("error")
notebook = nbformat.reads(${json}, as_version=4)
nbformat.validate(notebook)
print("valid", notebook.nbformat_minor)`,
  });
  expect(error).toBeNull();
  expect(stdout).toBe("valid 5\n");
}

async function statesOf(session: string): Promise<string[]> {
  const { body } = await server.request<{ executions: { state: string; status: string }[] }>(
    `/sessions/${session}/executions`,
  );
  return body.executions.map(({ state, status }) => (state === "done" ? status : state));
}

async function eventsOf(response: Response): Promise<ServerEvent[]> {
  const blocks = (await response.text()).split("\n\n").filter((block) => block.includes("event: "));
  return blocks.map((block) => ({
    id: Number(/^id: (\d+)$/m.exec(block)?.[1]),
    name: /^event: (.+)$/m.exec(block)?.[1] ?? "",
    data: JSON.parse(/^data: (.+)$/m.exec(block)?.[1] ?? "null"),
  }));
}

function stream(session: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.baseUrl}/sessions/${session}/notebook`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-auth-token": server.token },
    body: JSON.stringify({ ...body, stream: true }),
    ...(signal ? { signal } : {}),
  });
}

test("what a session has run is a valid notebook with code, outputs and times", async () => {
  const session_id = uniqueId("history");
  const cells = [
    "print('hello')",
    "import pandas as pd\npd.DataFrame({'a': [1]})",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "import plotly.express as px\npx.bar(x=[1], y=[2])",
    "from IPython.display import JSON\nhandle = display(JSON({'a': 1}), display_id=True)\nhandle.update({'b': 2})",
    "display({'text/x-odd': {'not': 'text'}, 'application/json': 'text'}, raw=True)",
    "1 / 0",
    "import os\nos._exit(3)",
    "'afresh'",
  ];
  for (const source of cells) await server.execute({ code: source, session_id });
  const path = `/sessions/${session_id}/notebook`;
  const { status, headers, body } = await server.request<Notebook>(path);
  expect(status).toBe(200);
  expect(headers.get("content-disposition")).toBe(`attachment; filename="${session_id}.ipynb"`);
  await expectValid(body);
  expect(body.cells.map(({ source }) => source)).toEqual(cells);
  expect(body.cells[0]).toMatchObject({
    cell_type: "code",
    id: "execution-1",
    execution_count: 1,
    outputs: [{ output_type: "stream", name: "stdout", text: "hello\n" }],
    metadata: {
      execution: {
        "iopub.execute_input": expect.stringMatching(/^20\d\d-.*Z$/),
        "shell.execute_reply": expect.stringMatching(/^20\d\d-.*Z$/),
      },
    },
  });
  expect(body.cells[6]?.outputs).toMatchObject([
    { output_type: "error", ename: "ZeroDivisionError" },
  ]);
  expect(body.cells[7]).toMatchObject({
    execution_count: null,
    outputs: [{ output_type: "error" }],
  });
  expect(body.cells[8]).toMatchObject({ execution_count: 1 });
});

test("a new session is an empty notebook, and no session is none", async () => {
  const session_id = uniqueId("empty");
  await server.request("/sessions", { body: { session_id } });
  const { body } = await server.request<Notebook>(`/sessions/${session_id}/notebook`);
  expect(body.cells).toEqual([]);
  await expectValid(body);
  const unknown = await server.request<ErrorBody>("/sessions/nobody/notebook");
  expect(unknown.status).toBe(404);
  expect(unknown.body.error.code).toBe("SESSION_NOT_FOUND");
});

test("a notebook runs cell by cell in its session, and comes back with its outputs", async () => {
  const session = uniqueId("run");
  const answer = await run(session, [
    text("# Title"),
    code(["x = 20\n", "print(x)"]),
    code("   "),
    { cell_type: "raw", metadata: {}, source: "x = 0" },
    code("x + 22", { tags: ["shown"], execution: { "iopub.execute_input": "long ago" } }),
  ]);
  expect(answer).toMatchObject({ status: "ok", executions: [1, 2] });
  await expectValid(answer.notebook);
  const [title, first, empty, raw, last] = answer.notebook.cells;
  expect(title).toEqual({ cell_type: "markdown", id: "cell-0", metadata: {}, source: "# Title" });
  expect(first).toMatchObject({ source: "x = 20\nprint(x)", execution_count: 1 });
  expect(first?.outputs).toEqual([{ output_type: "stream", name: "stdout", text: "20\n" }]);
  expect(empty).toMatchObject({ execution_count: null, outputs: [] });
  expect(raw).toMatchObject({ cell_type: "raw", source: "x = 0" });
  expect(last).toMatchObject({
    execution_count: 2,
    outputs: [{ output_type: "execute_result", data: { "text/plain": "42" } }],
    metadata: {
      tags: ["shown"],
      execution: { "iopub.execute_input": expect.stringMatching(/^20/) },
    },
  });
  // It is the session's own state and history.
  expect((await server.execute({ code: "x", session_id: session })).result_text).toBe("20\n");
  const own = await server.request<Notebook>(`/sessions/${session}/notebook`);
  expect(own.body.cells).toHaveLength(3);
  // What came out can be run again.
  const again = await post(session, { notebook: answer.notebook });
  expect(again.body).toMatchObject({ status: "ok", executions: [4, 5] });
});

test("a cell that fails ends the run, unless it is told or meant to go on", async () => {
  const cells = (metadata = {}) => [code("a = 1"), code("1 / 0", metadata), code("print('after')")];
  const stopped = await run(uniqueId("stop"), cells());
  expect(stopped).toMatchObject({ status: "error", executions: [1, 2] });
  expect(stopped.notebook.cells[1]?.outputs).toMatchObject([{ output_type: "error" }]);
  expect(stopped.notebook.cells[2]?.outputs).toEqual([]);

  const continued = await run(uniqueId("continue"), cells(), { on_error: "continue" });
  expect(continued).toMatchObject({ status: "error", executions: [1, 2, 3] });
  expect(continued.notebook.cells[2]?.outputs).toHaveLength(1);

  const meant = await run(uniqueId("meant"), cells({ tags: ["raises-exception"] }));
  expect(meant).toMatchObject({ status: "ok", executions: [1, 2, 3] });
  await expectValid(meant.notebook);
});

test("a cell that is tagged so is not run", async () => {
  const skipped = code("a = 2", { tags: ["skip-execution"] });
  const answer = await run(uniqueId("skip"), [code("a = 1"), skipped, code("a")]);
  expect(answer).toMatchObject({ status: "ok", executions: [1, 2] });
  expect(answer.notebook.cells[1]).toMatchObject({ outputs: [], execution_count: null });
  expect(answer.notebook.cells[2]?.outputs).toMatchObject([{ data: { "text/plain": "1" } }]);
  await expectValid(answer.notebook);
});

test("a notebook in another language is refused with the reason", async () => {
  const metadata = { kernelspec: { name: "ir", display_name: "R", language: "R" } };
  const answer = await post(uniqueId("r"), {
    notebook: { ...notebookOf(code("x <- 1")), metadata },
  });
  expect(answer.status).toBe(400);
  expect(answer.body.error).toMatchObject({ code: "INVALID_REQUEST" });
  expect(answer.body.error.message).toContain("written in R, and sandboxes run Python only");
});

test("the timeout is for each cell, and only a lost sandbox ends the run in any case", async () => {
  const waits = code("import time\ntime.sleep(0.7)");
  const both = await run(uniqueId("each"), [waits, waits], { timeout: 1.2 });
  expect(both.status).toBe("ok");
  const late = await run(
    uniqueId("late"),
    [
      code("x = 1"),
      code("while True:\n  try:\n    while True: pass\n  except BaseException: pass"),
    ],
    { timeout: 1, on_error: "continue" },
  );
  const obeys = [code("x = 1"), code("while True: pass"), code("print(x)")];
  const goesOn = await run(uniqueId("obeys"), obeys, { timeout: 1, on_error: "continue" });
  expect(goesOn).toMatchObject({ status: "timeout", executions: [1, 2, 3] });
  expect(late).toMatchObject({ status: "timeout", executions: [1, 2] });
});

test("streams each cell's events between cell events, and ends with the result", async () => {
  const session = uniqueId("stream");
  const response = await stream(session, {
    notebook: notebookOf(text("# T"), code("print('one')"), code("2"), code("1 / 0")),
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const events = await eventsOf(response);
  expect(events.map(({ name }) => name)).toEqual([
    ...["cell", "execution", "stream", "cell"],
    ...["cell", "execution", "execute_result", "cell"],
    ...["cell", "execution", "error", "cell"],
    "result",
  ]);
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ name }) => name === "cell").map(({ data }) => data)).toEqual(
    [1, 2, 3].flatMap((index) => [
      { index, state: "running" },
      { index, state: "done" },
    ]),
  );
  const result = events.at(-1)?.data as unknown as Answer;
  expect(result).toMatchObject({ status: "error", executions: [1, 2, 3] });
  await expectValid(result.notebook);
});

test("output is streamed while its cell runs", async () => {
  const response = await stream(uniqueId("live"), {
    notebook: notebookOf(code("print('early')\nimport time\ntime.sleep(5)")),
  });
  const started = Date.now();
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (reader && !seen.includes("early")) seen += (await reader.read()).value ?? "";
  expect(Date.now() - started).toBeLessThan(4000);
  await reader?.cancel();
});

test("a cell of a stream may ask, and is answered", async () => {
  const session = uniqueId("asks");
  const response = await stream(session, {
    notebook: notebookOf(code("name = input('who? ')"), code("print(name)")),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (reader && !seen.includes("input_request")) seen += (await reader.read()).value ?? "";
  await server.request(`/sessions/${session}/input`, { body: { text: "Ada" } });
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    seen += part.value;
  }
  // Under load it may come in pieces.
  const printed = [...seen.matchAll(/^data: \{"name":"stdout","text":(".*")\}$/gm)];
  expect(printed.map(([, text = ""]) => JSON.parse(text)).join("")).toBe("Ada\n");
  const plain = await run(uniqueId("silent"), [code("input()")]);
  expect(plain.notebook.cells[0]?.outputs).toMatchObject([{ ename: "EOFError" }]);
});

test.each([["a stream"], ["a plain answer"]])(
  "a client of %s that goes away interrupts its cell, and no other begins",
  async (kind) => {
    const session = uniqueId("gone");
    const body = {
      notebook: notebookOf(code("kept = 1"), code("import time\ntime.sleep(20)"), code("kept = 2")),
      stream: kind === "a stream",
    };
    const going = new AbortController();
    const answered = fetch(`${server.baseUrl}/sessions/${session}/notebook`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-auth-token": server.token },
      body: JSON.stringify(body),
      signal: going.signal,
    }).then((response) => response.text());
    answered.catch(() => undefined);
    await untilStates(session, ["ok", "running"]);
    going.abort();
    await untilStates(session, ["ok", "interrupted"]);
    expect((await server.execute({ code: "kept", session_id: session })).result_text).toBe("1\n");
    expect(await statesOf(session)).toEqual(["ok", "interrupted", "ok"]);
  },
);

async function untilStates(session: string, expected: string[]): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    const known = await statesOf(session).catch(() => []);
    if (JSON.stringify(known) === JSON.stringify(expected)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await statesOf(session)).toEqual(expected);
}

test("an interrupt ends the run", async () => {
  const session = uniqueId("interrupt");
  const running = run(session, [code("import time\ntime.sleep(20)"), code("1")], {
    on_error: "continue",
  });
  await untilStates(session, ["running"]);
  await server.request(`/sessions/${session}/interrupt`, { method: "POST" });
  expect(await running).toMatchObject({ status: "interrupted", executions: [1] });
});

test("a session that is deleted meanwhile ends the run", async () => {
  const session = uniqueId("deleted");
  const running = run(session, [code("import time\ntime.sleep(20)"), code("1")]);
  await untilStates(session, ["running"]);
  await server.request(`/sessions/${session}`, { method: "DELETE" });
  expect(await running).toMatchObject({ status: "killed" });
});

const wrong: [name: string, body: unknown, message: RegExp][] = [
  ["no notebook", {}, /missing in the body: notebook|notebook must be an object/],
  ["an array", [], /must be object/],
  ["a text", { notebook: "# not a notebook" }, /notebook must be an object/],
  ["nbformat 3", { notebook: { nbformat: 3, worksheets: [] } }, /nbformat 3 or older/],
  ["a broken cell", { notebook: notebookOf({ cell_type: "code" }) }, /cells\[0\]\.source/],
  ["an unknown field", { notebook: notebookOf(), on_errors: "stop" }, /on_errors/],
  ["an unknown choice", { notebook: notebookOf(), on_error: "ignore" }, /on_error/],
  ["a timeout over the limit", { notebook: notebookOf(), timeout: 1e6 }, /MAX_EXECUTION_TIME/],
];

test.each(wrong)("%s is a 400 that says what is wrong", async (_, body, message) => {
  const session = uniqueId("wrong");
  const response = await post(session, body);
  expect(response.status).toBe(400);
  expect(response.body.error.code).toBe("INVALID_REQUEST");
  expect(response.body.error.message).toMatch(message);
  expect((await server.request(`/sessions/${session}`)).status).toBe(404);
});

test("old formats are refused with the way to convert them", async () => {
  const { body } = await post(uniqueId("old"), { notebook: { nbformat: 3, worksheets: [] } });
  expect(body.error.hint).toContain("nbconvert");
});

test("a notebook may be larger than code may be, and has a limit of its own", async () => {
  const output = { output_type: "stream", name: "stdout", text: "x".repeat(1_000_000) };
  const old = (count: number) => ({ ...code("1"), outputs: Array(count).fill(output) });
  expect((await run(uniqueId("large"), [old(12)])).status).toBe("ok");
  // Answered by the length that is declared: who still sends may find the connection closed first.
  const refused = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(`${server.baseUrl}/sessions/${uniqueId("larger")}/notebook`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-length": 17 * 2 ** 20,
        "x-auth-token": server.token,
      },
    });
    request.once("response", resolve).once("error", reject).flushHeaders();
  });
  expect(refused.statusCode).toBe(413);
  const body = JSON.parse(Buffer.concat(await refused.toArray()).toString()) as ErrorBody;
  expect(body.error.code).toBe("REQUEST_TOO_LARGE");
});

test.each([
  ["of brackets", "[],".repeat(2_000_000), /too many values/],
  ["that nests deep", `${"[".repeat(100_000)}${"]".repeat(100_000)},`, /nests too deep/],
])("a body %s is refused before anybody has to wait for it", async (_, junk, message) => {
  const rawBody = `{"notebook": {"nbformat": 4, "metadata": {"junk": [${junk}1]}, "cells": []}}`;
  const path = `/sessions/${uniqueId("junk")}/notebook`;
  const response = await server.request<ErrorBody>(path, { rawBody });
  expect(response.status, response.text).toBe(400);
  expect(response.body.error.message).toMatch(message);
});

test("outputs beyond what a notebook may have are left out, and that is said", async () => {
  const shows = code("display({'text/plain': 'y' * 7_000_000}, raw=True)");
  const { notebook, status } = await run(uniqueId("outputs"), [shows, shows, shows]);
  expect(status).toBe("ok");
  expect(notebook.cells[0]?.outputs).toMatchObject([{ output_type: "display_data" }]);
  expect(notebook.cells[2]?.outputs).toMatchObject([
    { output_type: "stream", name: "stderr", text: expect.stringContaining("left out") },
  ]);
  await expectValid({ ...notebook, cells: notebook.cells.slice(2) });
});

test("a notebook without code needs no sandbox", async () => {
  const session = uniqueId("words");
  const answer = await run(session, [text("# only words")]);
  expect(answer).toMatchObject({ status: "ok", executions: [] });
  expect((await server.request(`/sessions/${session}`)).status).toBe(404);
  const events = await eventsOf(await stream(session, { notebook: notebookOf() }));
  expect(events.map(({ name }) => name)).toEqual(["result"]);
});
