/** Jupyter's interface on a real server: REST, channels in both framings, and what must not get in. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { percentile } from "../soak/trend.ts";
import { probeHealth } from "../support/health.ts";
import {
  JupyterClient,
  type JupyterMessage,
  type Refusal,
  SEGMENTS,
} from "../support/jupyter-client.ts";
import { asKey, startServer, type TestServer, uniqueId } from "../support/server.ts";

interface KernelModel {
  readonly id: string;
  readonly execution_state: string;
  readonly connections: number;
  readonly last_activity: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ env: { FACADES: "jupyter", MAX_EXECUTION_TIME: "20" } });
});
afterAll(() => server.stop());

async function startKernel(asker: TestServer = server): Promise<KernelModel> {
  const { status, body, text } = await asker.request<KernelModel>("/api/kernels", {
    method: "POST",
  });
  if (status !== 201) throw new Error(`no kernel: ${status} ${text}`);
  return body;
}

async function connect(
  kernel: { readonly id: string },
  {
    asker = server,
    ...options
  }: {
    asker?: TestServer;
    protocol?: string;
    query?: string;
    headers?: Record<string, string>;
  } = {},
): Promise<JupyterClient> {
  const { protocol, query = `?token=${asker.token}`, headers = {} } = options;
  const opened = await tryConnect(`/api/kernels/${kernel.id}/channels${query}`, {
    protocol,
    headers,
  });
  if (opened instanceof JupyterClient) return opened;
  throw new Error(`refused: ${opened.status} ${opened.text}`);
}

function tryConnect(
  path: string,
  { protocol, headers }: { protocol?: string | undefined; headers?: Record<string, string> } = {},
): Promise<JupyterClient | Refusal> {
  return JupyterClient.open(server.baseUrl, {
    path,
    ...(protocol === undefined ? {} : { protocol }),
    ...(headers === undefined ? {} : { headers }),
  });
}

const types = (messages: readonly JupyterMessage[]) => messages.map(({ msg_type }) => msg_type);
const contentOf = (messages: readonly JupyterMessage[], type: string) =>
  messages.find(({ msg_type }) => msg_type === type)?.content;
const textOf = (messages: readonly JupyterMessage[]) =>
  messages
    .filter(({ msg_type }) => msg_type === "stream")
    .map(({ content }) => content["text"])
    .join("");

describe.each(["", "/jupyter"])("REST under '%s'", (base) => {
  test("tells what serves here, to everybody its version alone", async () => {
    const { status, body } = await server.request(`${base}/api`, { authenticated: false });
    expect([status, body]).toEqual([200, { version: expect.stringMatching(/^2\./) }]);
    const me = await server.request(`${base}/api/me`, { authenticated: false });
    expect([me.status, me.body]).toMatchObject([
      401,
      { message: expect.any(String), reason: null },
    ]);
  });

  test.each([
    ["token in the header", (token: string) => ({ headers: { authorization: `token ${token}` } })],
    ["Bearer", (token: string) => ({ headers: { authorization: `Bearer ${token}` } })],
    ["token in the address", (token: string) => ({ query: `?token=${token}` })],
  ])("takes a %s", async (_, way) => {
    const { headers = {}, query = "" } = way(server.token) as {
      headers?: Record<string, string>;
      query?: string;
    };
    const { status, body } = await server.request(`${base}/api/me${query}`, {
      authenticated: false,
      headers,
    });
    expect([status, body]).toMatchObject([
      200,
      { identity: { username: "admin" }, permissions: {} },
    ]);
    const wrong = way("wrong") as { headers?: Record<string, string>; query?: string };
    const refused = await server.request(`${base}/api/me${wrong.query ?? ""}`, {
      authenticated: false,
      headers: wrong.headers ?? {},
    });
    expect(refused.status).toBe(401);
  });

  test("has one kernel to start, and no terminals", async () => {
    const { body } = await server.request<{ default: string; kernelspecs: object }>(
      `${base}/api/kernelspecs`,
    );
    expect(body).toMatchObject({
      default: "python3",
      kernelspecs: {
        python3: {
          name: "python3",
          resources: {},
          spec: { language: "python", argv: [expect.any(String)] },
        },
      },
    });
    expect((await server.request(`${base}/api/kernelspecs/python3`)).body).toMatchObject({
      name: "python3",
    });
    expect((await server.request(`${base}/api/kernelspecs/r`)).status).toBe(404);
    expect((await server.request(`${base}/api/terminals`)).body).toEqual([]);
  });

  test("starts, shows, interrupts, restarts and ends a kernel, which is a session", async () => {
    const started = await server.request<KernelModel>(`${base}/api/kernels`, {
      body: { name: "python3" },
    });
    expect(started.status).toBe(201);
    const { id } = started.body;
    expect(id).toMatch(UUID);
    expect(started.headers.get("location")).toBe(`${base}/api/kernels/${id}`);
    expect(started.body).toMatchObject({
      name: "python3",
      execution_state: "idle",
      connections: 0,
    });
    expect(started.body.last_activity).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    expect((await server.execute({ session_id: id, code: "x = 41" })).status).toBe("ok");
    const one = `${base}/api/kernels/${id}`;
    const list = await server.request<KernelModel[]>(`${base}/api/kernels`);
    expect(list.body.map((kernel) => kernel.id)).toContain(id);
    const post = { method: "POST", headers: { "content-type": "application/json" } };
    expect((await server.request(`${one}/interrupt`, post)).status).toBe(204);
    const restarted = await server.request(`${one}/restart`, post);
    expect([restarted.status, restarted.body]).toMatchObject([200, { id }]);
    expect((await server.execute({ session_id: id, code: "x" })).error?.ename).toBe("NameError");
    expect((await server.request(one, { method: "DELETE" })).status).toBe(204);
    expect((await server.request(one, { method: "DELETE" })).status).toBe(404);
    expect((await server.request(`/sessions/${id}`)).status).toBe(404);
  });

  test("a session with a name of its own is a kernel as well", async () => {
    const session_id = uniqueId("named");
    await server.execute({ session_id, code: "y = 6" });
    const { body } = await server.request<KernelModel[]>(`${base}/api/kernels`);
    const all = await server.request<{ sessions: object[] }>("/sessions");
    expect(body).toHaveLength(all.body.sessions.length);
    for (const { id } of body) expect(id).toMatch(UUID);
    await server.request(`/sessions/${session_id}`, { method: "DELETE" });
  });

  test("a notebook keeps its kernel until that ends", async () => {
    const wanted = { path: "a/b.ipynb", type: "notebook", name: "b", kernel: { name: "python3" } };
    const sessions = `${base}/api/sessions`;
    const first = await server.request<{ id: string; kernel: KernelModel }>(sessions, {
      body: wanted,
    });
    expect([first.status, first.body]).toMatchObject([
      201,
      { path: "a/b.ipynb", notebook: { path: "a/b.ipynb" } },
    ]);
    const again = await server.request<{ id: string }>(sessions, { body: wanted });
    expect(again.body).toEqual(first.body);
    const { id } = first.body;
    const renamed = await server.request(`${sessions}/${id}`, {
      method: "PATCH",
      body: { path: "c.ipynb" },
    });
    expect(renamed.body).toMatchObject({
      id,
      path: "c.ipynb",
      kernel: { id: first.body.kernel.id },
    });
    expect((await server.request<object[]>(sessions)).body).toHaveLength(1);
    expect((await server.request(`${sessions}/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await server.request<object[]>(sessions)).body).toEqual([]);
    expect((await server.request(`${base}/api/kernels/${first.body.kernel.id}`)).status).toBe(404);
  });

  test("says what is wrong in words", async () => {
    const wrong = await server.request(`${base}/api/kernels`, { body: { name: "julia" } });
    expect([wrong.status, wrong.body]).toMatchObject([
      404,
      { message: expect.stringContaining("python3") },
    ]);
    const bad = await server.request(`${base}/api/sessions`, { body: { path: 1 } });
    expect([bad.status, bad.body]).toMatchObject([
      400,
      { message: expect.stringContaining("path"), reason: null },
    ]);
    expect(
      (await server.request(`${base}/api/kernels`, { body: { kernel_id: "../x" } })).status,
    ).toBe(400);
  });
});

describe.each([undefined, SEGMENTS])("channels, sub-protocol %s", (protocol) => {
  let kernel: KernelModel;
  let client: JupyterClient;
  beforeAll(async () => {
    kernel = await startKernel();
    client = await connect(kernel, protocol === undefined ? {} : { protocol });
  });
  afterAll(async () => {
    client.drop();
    await server.request(`/api/kernels/${kernel.id}`, { method: "DELETE" });
  });
  const run = async (code: string, more: object = {}) =>
    client.answersTo(client.execute(code, more));

  test("a cell is told from busy to idle", async () => {
    const told = await run("print('hi')\n6 * 7");
    // Under load the text may come in pieces.
    const answers = told.filter(
      (one, at) => one.msg_type !== "stream" || told[at - 1]?.msg_type !== "stream",
    );
    expect(types(answers)).toEqual([
      "status",
      "execute_input",
      "stream",
      "execute_result",
      "execute_reply",
      "status",
    ]);
    expect(answers.map(({ channel }) => channel)).toEqual([
      "iopub",
      "iopub",
      "iopub",
      "iopub",
      "shell",
      "iopub",
    ]);
    const count = contentOf(answers, "execute_input")?.["execution_count"];
    expect(contentOf(answers, "execute_result")).toMatchObject({
      data: { "text/plain": "42" },
      execution_count: count,
    });
    expect(contentOf(answers, "execute_reply")).toMatchObject({
      status: "ok",
      execution_count: count,
      user_expressions: {},
    });
    expect(answers[0]?.content).toEqual({ execution_state: "busy" });
    expect(answers.at(-1)?.content).toEqual({ execution_state: "idle" });
    expect(answers[0]?.header["date"]).toMatch(/Z$/);
  });

  test("an error is told, and what waits behind it is not run", async () => {
    const ids = [client.execute("1 / 0"), client.execute("ran = 1"), client.execute("ran = 2")];
    const [first, second] = await Promise.all(ids.map((id) => client.answersTo(id)));
    expect(contentOf(first ?? [], "error")).toMatchObject({
      ename: "ZeroDivisionError",
      evalue: "division by zero",
    });
    expect(contentOf(first ?? [], "execute_reply")).toMatchObject({
      status: "error",
      ename: "ZeroDivisionError",
    });
    expect(contentOf(second ?? [], "execute_reply")).toMatchObject({ status: "aborted" });
    expect(contentOf(await run("ran"), "error")).toMatchObject({ ename: "NameError" });
    const kept = [client.execute("1 / 0", { stop_on_error: false }), client.execute("ran = 3")];
    await Promise.all(kept.map((id) => client.answersTo(id)));
    expect(contentOf(await run("ran"), "execute_result")).toMatchObject({
      data: { "text/plain": "3" },
    });
  });

  test("a silent cell shows no value and has no number", async () => {
    const before = contentOf(await run("0"), "execute_reply")?.["execution_count"];
    const silent = await run("quiet = 5\nquiet", {
      silent: true,
      user_expressions: { q: "quiet + 1", bad: "nowhere" },
    });
    expect(types(silent)).toEqual(["status", "execute_reply", "status"]);
    expect(contentOf(silent, "execute_reply")).toMatchObject({
      status: "ok",
      user_expressions: {
        q: { status: "ok", data: { "text/plain": "6" } },
        bad: { status: "error", ename: "NameError" },
      },
    });
    const unstored = await run("quiet", { store_history: false });
    expect(contentOf(unstored, "execute_result")).toMatchObject({ data: { "text/plain": "5" } });
    const after = contentOf(await run("0"), "execute_reply")?.["execution_count"];
    expect(after).toBe(Number(before) + 1);
  });

  test("displays, updates and clears", async () => {
    const answers = await run(
      "from IPython.display import display, clear_output\nh = display('a', display_id='d1')\nh.update('b')\nclear_output(wait=True)",
    );
    expect(contentOf(answers, "display_data")).toMatchObject({
      transient: { display_id: "d1" },
      data: { "text/plain": "'a'" },
    });
    expect(contentOf(answers, "update_display_data")).toMatchObject({
      transient: { display_id: "d1" },
      data: { "text/plain": "'b'" },
    });
    expect(contentOf(answers, "clear_output")).toEqual({ wait: true });
  });

  test("input is asked of who runs the code", async () => {
    const id = client.execute("name = input('who? ')\nprint('hello', name)", { allow_stdin: true });
    await client.until(() =>
      client.received.some(({ msg_type, parent }) => msg_type === "input_request" && parent === id),
    );
    const asked = client.received.find(
      ({ msg_type, parent }) => msg_type === "input_request" && parent === id,
    );
    expect([asked?.channel, asked?.content]).toEqual([
      "stdin",
      { prompt: "who? ", password: false },
    ]);
    client.send("stdin", "input_reply", { value: "Ada" });
    expect(textOf(await client.answersTo(id))).toContain("hello Ada");
    const refused = await run("input()");
    expect(contentOf(refused, "execute_reply")).toMatchObject({ status: "error" });
  });

  test("widgets are spoken to, and answer", async () => {
    const opened = await run("import ipywidgets as w\nslider = w.IntSlider(value=3)\nslider");
    const opens = opened.filter(({ msg_type }) => msg_type === "comm_open");
    expect(opens.length).toBeGreaterThanOrEqual(3);
    const model = contentOf(opened, "execute_result")?.["data"] as Record<
      string,
      { model_id: string }
    >;
    const comm_id = model["application/vnd.jupyter.widget-view+json"]?.model_id;
    const open = opens.find(({ content }) => content["comm_id"] === comm_id);
    expect(open?.content).toMatchObject({
      target_name: "jupyter.widget",
      data: { state: { _model_name: "IntSliderModel", value: 3 } },
    });
    expect((await client.ask("comm_info_request")) as object).toMatchObject({
      comms: { [comm_id ?? ""]: { target_name: "jupyter.widget" } },
    });
    await run("slider.observe(lambda change: print('moved to', change.new), 'value')");
    const data = { method: "update", state: { value: 7 }, buffer_paths: [] };
    const id = client.send("shell", "comm_msg", { comm_id, data });
    const idle = () =>
      client.received.some(
        ({ parent, content }) => parent === id && content["execution_state"] === "idle",
      );
    await client.until(idle);
    const told = client.received.filter(({ parent }) => parent === id);
    expect(textOf(told)).toBe("moved to 7\n");
    expect(types(told).filter((type) => type !== "stream")).toEqual([
      "status",
      "comm_msg",
      "status",
    ]);
    expect(contentOf(await run("slider.value"), "execute_result")).toMatchObject({
      data: { "text/plain": "7" },
    });
  });

  test("a comm carries bytes both ways, and what no comm has is told", async () => {
    await run(
      "from comm import get_comm_manager\ndef target(comm, opening):\n" +
        "    comm.on_msg(lambda m: comm.send({'got': m['content']['data']}, buffers=[b + b'!' for b in m['buffers']]))\n" +
        "    comm.send({'hello': opening['content']['data']})\n" +
        "get_comm_manager().register_target('echo', target)",
    );
    const open = { comm_id: "c1", target_name: "echo", data: { a: 1 } };
    client.send("shell", "comm_open", open);
    await client.until(() => client.received.some(({ content }) => content["comm_id"] === "c1"));
    expect(client.received.find(({ content }) => content["comm_id"] === "c1")).toMatchObject({
      msg_type: "comm_msg",
      content: { data: { hello: { a: 1 } } },
    });
    if (protocol === SEGMENTS) {
      client.send("shell", "comm_msg", { comm_id: "c1", data: {} }, [Buffer.from([0, 255])]);
      await client.until(() => client.received.some(({ buffers }) => buffers.length > 0));
      const bytes = client.received.find(({ buffers }) => buffers.length > 0)?.buffers[0];
      expect(bytes).toEqual(Buffer.from([0, 255, 33]));
    }
    const failing =
      "def bad(comm, opening): raise KeyError('no')\nget_comm_manager().register_target('bad', bad)";
    await run(failing);
    client.send("shell", "comm_open", { comm_id: "c2", target_name: "bad", data: {} });
    const none = client.send("shell", "comm_open", {
      comm_id: "c3",
      target_name: "none",
      data: {},
    });
    await client.until(() =>
      client.received.some(
        ({ parent, content }) => parent === none && content["execution_state"] === "idle",
      ),
    );
    const closed = client.received.filter(({ msg_type }) => msg_type === "comm_close");
    expect(closed.map(({ content }) => content["comm_id"])).toEqual(["c2", "c3"]);
    const large = client.send("shell", "comm_msg", { comm_id: "c1", data: { x: "x".repeat(2e6) } });
    await client.until(() =>
      client.received.some(({ parent, msg_type }) => parent === large && msg_type === "error"),
    );
    await client.until(() => textOf(client.received) !== undefined);
    expect(textOf(await run("print('still here')"))).toBe("still here\n");
  });

  test("without a front end that has asked nothing is sent of widgets", async () => {
    const { outputs } = await server.execute({ code: "import ipywidgets as w\nw.IntSlider()" });
    expect(outputs.map(({ output_type }) => output_type)).toEqual(["execute_result"]);
  });

  test("questions are answered", async () => {
    await run("value = [1, 2]\nvalue_two = 2");
    expect(await client.ask("complete_request", { code: "valu", cursor_pos: 4 })).toMatchObject({
      ...{ status: "ok", cursor_start: 0, cursor_end: 4 },
      matches: expect.arrayContaining(["value", "value_two"]),
    });
    expect(
      await client.ask("inspect_request", { code: "len", cursor_pos: 3, detail_level: 0 }),
    ).toMatchObject({
      ...{ status: "ok", found: true },
      data: { "text/plain": expect.stringContaining("items in a container") },
    });
    expect(await client.ask("is_complete_request", { code: "for x in y:" })).toMatchObject({
      status: "incomplete",
      indent: "    ",
    });
    const nobodys = { target_name: "nobody" };
    expect(await client.ask("comm_info_request", nobodys)).toEqual({ status: "ok", comms: {} });
    expect(await client.ask("kernel_info_request", {})).toMatchObject({
      ...{ status: "ok", protocol_version: "5.3", implementation: "glovebox" },
      language_info: {
        name: "python",
        file_extension: ".py",
        version: expect.stringMatching(/^3\.\d+\.\d+$/),
      },
    });
    const history = await client.ask("history_request", {
      hist_access_type: "tail",
      n: 1,
      output: false,
      raw: true,
    });
    expect(history).toMatchObject({
      status: "ok",
      history: [[0, expect.any(Number), "value = [1, 2]\nvalue_two = 2"]],
    });
    const found = await client.ask("history_request", {
      hist_access_type: "search",
      pattern: "value = *",
      output: false,
      raw: true,
    });
    expect(found["history"]).toHaveLength(1);
  });

  test("control answers while code runs", async () => {
    const id = client.execute("import time\nprint('begun')\ntime.sleep(15)");
    await client.until(() =>
      client.received.some(({ msg_type, parent }) => msg_type === "stream" && parent === id),
    );
    expect(
      await client.ask(
        "debug_request",
        { seq: 3, command: "initialize", type: "request" },
        "control",
      ),
    ).toMatchObject({
      ...{ success: false, request_seq: 3, command: "initialize" },
    });
    expect(await client.ask("interrupt_request", {}, "control")).toEqual({ status: "ok" });
    expect(contentOf(await client.answersTo(id), "execute_reply")).toMatchObject({
      status: "error",
      ename: "KeyboardInterrupt",
    });
  });

  test("what no kernel knows is told so, and what is wrong too", async () => {
    expect(await client.ask("dance_request", {})).toMatchObject({
      status: "error",
      ename: "INVALID_REQUEST",
    });
    expect(await client.ask("complete_request", { code: 1 })).toMatchObject({
      ...{ status: "error", ename: "INVALID_REQUEST" },
      evalue: expect.stringContaining("complete_request"),
    });
    expect(
      contentOf(
        await client.answersTo(client.send("shell", "execute_request", { code: [] })),
        "execute_reply",
      ),
    ).toMatchObject({
      status: "error",
    });
  });
});

describe("contents", () => {
  const at = (path: string) => `/api/contents/${path}`;
  const put = (path: string, body: object) => server.request(at(path), { method: "PUT", body });

  test("are the files of sessions, each a folder", async () => {
    const session = uniqueId("files");
    const folder = await put(session, { type: "directory" });
    expect([folder.status, folder.body]).toMatchObject([200, { path: session, type: "directory" }]);
    const root = await server.request<{ content: { name: string }[] }>("/api/contents");
    expect(root.body.content.map(({ name }) => name)).toContain(session);
    await put(`${session}/a.txt`, { type: "file", format: "text", content: "hällo" });
    expect(
      (await server.execute({ session_id: session, code: "open('a.txt').read()" })).result_text,
    ).toContain("hällo");
    await server.execute({
      session_id: session,
      code: "open('made.bin', 'wb').write(b'\\xff\\x00')",
    });
    expect((await server.request(at(`${session}/made.bin`))).body).toMatchObject({
      ...{ format: "base64", content: "/wA=", size: 2, mimetype: "application/octet-stream" },
    });
    expect((await server.request(at(`${session}/a.txt?content=0`))).body).toMatchObject({
      content: null,
      size: 6,
    });
    const listed = await server.request<{ content: { name: string }[] }>(at(session));
    expect(listed.body.content.map(({ name }) => name).sort()).toEqual(["a.txt", "made.bin"]);
    expect((await server.request(at(session), { method: "DELETE" })).status).toBe(204);
    expect((await server.request(`/sessions/${session}`)).status).toBe(404);
  });

  test("a notebook in a folder has that session as its kernel, and stays when the kernel restarts", async () => {
    const session = uniqueId("notebook");
    await put(session, { type: "directory" });
    const made = await server.request<{ path: string }>(at(session), {
      body: { type: "notebook" },
    });
    expect([made.status, made.body]).toMatchObject([
      201,
      { path: `${session}/Untitled.ipynb`, type: "notebook" },
    ]);
    const { path } = made.body;
    const content = { cells: [], metadata: { x: 1 }, nbformat: 4, nbformat_minor: 5 };
    await put(path, { type: "notebook", format: "json", content });
    await server.execute({
      session_id: session,
      code: "import os\nos.makedirs('d/e')\nopen('d/big', 'wb').write(bytes(6_000_000))\nv = 1",
    });
    const { body } = await server.request<{ kernel: KernelModel }>("/api/sessions", {
      body: { path, type: "notebook" },
    });
    await server.request(`/api/kernels/${body.kernel.id}/restart`, { method: "POST" });
    const after = await server.execute({
      session_id: session,
      code: "import os\nprint(os.path.getsize('d/big'), os.path.isdir('d/e'), 'v' in dir())",
    });
    expect(after.stdout).toBe("6000000 True False\n");
    expect((await server.request(at(path))).body).toMatchObject({ content, format: "json" });
    await server.request(at(session), { method: "DELETE" });
  });

  test("a file that comes in parts appears when it is whole", async () => {
    const session = uniqueId("parts");
    for (const [chunk, text] of [
      [1, "one "],
      [2, "two "],
      [-1, "three"],
    ] as const) {
      const content = Buffer.from(text).toString("base64");
      expect(
        (await put(`${session}/d/big.txt`, { type: "file", format: "base64", chunk, content }))
          .status,
      ).toBe(200);
    }
    expect((await server.request(at(`${session}/d/big.txt`))).body).toMatchObject({
      content: "one two three",
    });
    const { body } = await server.request<{ entries: { name: string }[] }>(
      `/sessions/${session}/files?path=d`,
    );
    expect(body.entries.map(({ name }) => name)).toEqual(["big.txt"]);
    await server.request(at(session), { method: "DELETE" });
  });

  test.each([
    ["PUT", "loose.txt", { type: "file", format: "text", content: "" }, 400, "folder"],
    ["GET", "nowhere/a", undefined, 404, ""],
    ["PUT", "a/../../etc/passwd", { type: "file", format: "text", content: "" }, 404, ""],
    ["PUT", "s/..%2f..%2fetc/x", { type: "file", format: "text", content: "" }, 400, ".."],
    ["PUT", "s/b", { type: "file", format: "base64", content: "#" }, 400, "base64"],
    ["PATCH", "s/b", { path: "t/b" }, 400, "session"],
  ])("%s %s is refused", async (method, path, body, status, told) => {
    const answer = await server.request<{ message: string; error: { hint?: string } }>(at(path), {
      method,
      body,
    });
    expect(answer.status, answer.text).toBe(status);
    expect(`${answer.body.message} ${answer.body.error.hint}`).toContain(told);
  });
});

describe("what must not get in, or hold up others", () => {
  let kernel: KernelModel;
  const channels = (query = `?token=${server.token}`) =>
    `/api/kernels/${kernel.id}/channels${query}`;

  beforeAll(async () => {
    kernel = await startKernel();
  });

  async function keyOf(name: string): Promise<{ id: string; key: string }> {
    const made = await server.request<{ id: string; key: string }>("/api/keys", {
      body: { name, role: "execute" },
    });
    expect(made.status, made.text).toBe(201);
    return made.body;
  }

  test.each([
    ["a page of another site", "https://evil.example"],
    ["a page of a name that leads here", "http://rebound.example:80"],
    ["a page without an origin", "null"],
    ["what is no origin", "//"],
  ])("%s", async (_, Origin) => {
    const answer = await tryConnect(channels(), { headers: { Origin } });
    expect(answer).toMatchObject({ status: 403 });
  });

  test("a page of this server gets in", async () => {
    const client = await connect(kernel, { headers: { Origin: server.baseUrl } });
    expect(await client.ask("kernel_info_request")).toMatchObject({ status: "ok" });
    client.drop();
  });

  test("who has no token, or another's kernel", async () => {
    expect(await tryConnect(channels(""))).toMatchObject({ status: 401 });
    expect(await tryConnect(channels("?token=wrong"))).toMatchObject({ status: 401 });
    const { key } = await keyOf("other");
    expect(await tryConnect(channels(`?token=${key}`))).toMatchObject({ status: 404 });
    const asOther = asKey(server, key);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/restart"],
      ["POST", "/interrupt"],
    ] as const) {
      const answer = await asOther.request(`/api/kernels/${kernel.id}${path}`, { method });
      expect(answer.status, `${method} ${path}: ${answer.text}`).toBe(404);
    }
    expect((await asOther.request("/api/kernels")).body).toEqual([]);
    expect((await asOther.request("/api/contents")).body).toMatchObject({ content: [] });
  });

  test("a token in an address is not logged", async () => {
    const { key } = await keyOf("written");
    const answer = await server.request(`/api/kernels?token=${key}`, { authenticated: false });
    expect(answer.status).toBe(200);
    await tryConnect(channels(`?token=${key}`));
    await server.request("/api/kernels?token=wrong-and-secret", { authenticated: false });
    const told = [server.log(), ...allFiles(server.stateDir)].join("\n");
    expect(told.length).toBeGreaterThan(100);
    expect(told).not.toContain(key);
    expect(told).not.toContain("wrong-and-secret");
  });

  const inSegments = (count: bigint) => {
    const head = Buffer.alloc(16);
    head.writeBigUInt64LE(count, 0);
    return head;
  };
  test.each<[string, string | undefined, (client: JupyterClient) => void, number]>([
    ["text that is no JSON", undefined, (client) => client.sendText("{"), 1008],
    ["JSON that is no message", undefined, (client) => client.sendText("[1]"), 1008],
    ["an unknown channel", undefined, (client) => client.send("sHell", "x_request", {}), 1008],
    [
      "JSON that nests too deep",
      undefined,
      (client) => client.sendText("[".repeat(100_000) + "]".repeat(100_000)),
      1008,
    ],
    ["a message of 11 MiB", undefined, (client) => client.sendText(" ".repeat(11 * 2 ** 20)), 1009],
    [
      "offsets without an end",
      SEGMENTS,
      (client) => client.sendFrame(2, inSegments(2n ** 63n)),
      1008,
    ],
    ["offsets to nowhere", SEGMENTS, (client) => client.sendFrame(2, Buffer.alloc(64, 0xff)), 1008],
    ["an empty message", SEGMENTS, (client) => client.sendFrame(2, Buffer.alloc(0)), 1008],
    [
      "a frame without a mask",
      undefined,
      (client) => client.sendBytes(Buffer.from([0x81, 1, 65])),
      1002,
    ],
    [
      "text that is not UTF-8",
      undefined,
      (client) => client.sendFrame(1, Buffer.from([0xff])),
      1007,
    ],
  ])("%s ends its connection, and nobody else's", async (_, protocol, send, code) => {
    const other = await connect(kernel);
    const client = await connect(kernel, protocol === undefined ? {} : { protocol });
    send(client);
    await client.until(() => client.closed !== undefined);
    expect(client.closed?.code).toBe(code);
    expect(await other.ask("kernel_info_request")).toMatchObject({ status: "ok" });
    other.drop();
  });

  test("a flood of requests leaves others their turn", async () => {
    const flooding = await connect(kernel);
    for (let n = 0; n < 20_000; n++) flooding.send("shell", "kernel_info_request", {});
    const probe = probeHealth(server);
    const other = await connect(await startKernel());
    for (let n = 0; n < 20; n++) await other.answersTo(other.execute(`${n} + 1`));
    await probe.stop();
    expect(Math.min(...probe.answersMs)).toBeGreaterThanOrEqual(0);
    expect(percentile(probe.answersMs, 0.9)).toBeLessThan(300);
    flooding.drop();
    other.drop();
  });

  test("a client that reads nothing is waited for, and costs little", async () => {
    const stuck = await connect(kernel);
    stuck.pause();
    const code = "for _ in range(40): print('x' * 200_000)";
    for (let n = 0; n < 5; n++) stuck.execute(code);
    const other = await connect(await startKernel());
    expect(textOf(await other.answersTo(other.execute("print('on')")))).toBe("on\n");
    other.drop();
    stuck.drop();
    const next = await connect(kernel);
    expect(textOf(await next.answersTo(next.execute("print('still here')")))).toContain(
      "still here",
    );
    next.drop();
  });

  test("no more clients than a kernel has room for, and a revoked key has none", async () => {
    const { id, key } = await keyOf("many");
    const its = await startKernel(asKey(server, key));
    const path = `/api/kernels/${its.id}/channels?token=${key}`;
    const clients: JupyterClient[] = [];
    for (let n = 0; n < 16; n++) {
      const opened = await tryConnect(path);
      expect(opened).toBeInstanceOf(JupyterClient);
      clients.push(opened as JupyterClient);
    }
    expect(await tryConnect(path)).toMatchObject({ status: 429 });
    await server.request(`/api/keys/${id}`, { method: "DELETE" });
    for (const client of clients)
      await client.until(() => client.closed !== undefined || client.isOver);
    expect(await tryConnect(path)).toMatchObject({ status: 401 });
  });
});

function allFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
}
