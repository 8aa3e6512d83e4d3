/** Conversations, against a scripted model over HTTP, real sandboxes, and the AI SDK's own client. */
import { DefaultChatTransport, readUIMessageStream, type UIMessage } from "ai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type Answer,
  calls,
  type ModelServer,
  runs,
  startModelServer,
} from "../support/model-server.ts";
import {
  type ApiResponse,
  type ErrorBody,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";

interface Chunk {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface ChatResponse extends ErrorBody {
  readonly session_id: string;
  readonly text: string;
  readonly steps: number;
  readonly message: UIMessage;
  readonly tool_calls: readonly {
    readonly tool_name: string;
    readonly output: Record<string, unknown> | null;
    readonly error: string | null;
  }[];
  readonly images: readonly { readonly mime_type: string; readonly data: string }[];
  readonly files_created: readonly string[];
  readonly end_reason: string;
  readonly stopped_by: { readonly code: string } | null;
  readonly usage: Readonly<Record<string, number>>;
}

const DONE: Answer = { text: "Done." };
let model: ModelServer;
let server: TestServer;

beforeAll(async () => {
  model = await startModelServer();
  server = await startServer({
    env: {
      ...{ LLM_BASE_URL: model.baseUrl, LLM_MODEL: "scripted", API_TIMEOUT: "2" },
      ...{ CHAT_MAX_STEPS: "5", VALIDATION_POLICY: "process=deny" },
    },
  });
});

afterAll(async () => {
  await model?.stop();
  await server?.stop();
});

beforeEach(() => model.say([DONE]));

/** One answer. */
function ask(body: object): Promise<ApiResponse<ChatResponse>> {
  return server.request<ChatResponse>("/api/chat", { body: { stream: false, ...body } });
}

/** The chunks of a stream. */
async function stream(body: object): Promise<Chunk[]> {
  const response = await server.request("/api/chat", { body });
  expect(response.status, response.text).toBe(200);
  const lines = response.text.split("\n").filter((line) => line.startsWith("data: "));
  expect(lines.pop()).toBe("data: [DONE]");
  return lines.map((line) => JSON.parse(line.slice(6)) as Chunk);
}

/** What the model was told last, by the role of who said it. */
function heard(role: string): string {
  const messages = model.requests.at(-1)?.body.messages ?? [];
  return messages
    .filter((message) => message.role === role)
    .map(({ content }) => content)
    .join("\n");
}

function typesOf(chunks: readonly Chunk[]): string[] {
  return chunks.map(({ type }) => type);
}

describe("a message", () => {
  test("is answered by steps of words, code and words, in the order of the AI SDK's stream", async () => {
    const session_id = uniqueId("chat");
    model.say([{ text: "Let me see.", ...runs("x = 41\nx + 1") }, { text: "It is 42." }]);
    const chunks = await stream({ message: "compute", session_id });
    const types = typesOf(chunks).filter((type) => !type.endsWith("-delta"));
    expect(types).toEqual([
      ...["start", "start-step", "text-start", "tool-input-start", "text-end"],
      ...["tool-input-available", "data-output", "tool-output-available", "finish-step"],
      ...["start-step", "text-start", "text-end", "finish-step", "finish"],
    ]);
    expect(chunks[0]).toMatchObject({ messageMetadata: { session_id } });
    expect(chunks.find(({ type }) => type === "tool-output-available")).toMatchObject({
      output: { status: "ok", result_text: "42\n", execution_id: 1, images: 0, error: null },
    });
    expect(chunks.at(-1)).toMatchObject({
      finishReason: "stop",
      messageMetadata: { session_id, end_reason: "stop", usage: { steps: 2 } },
    });
    expect(heard("tool")).toContain("42");
    expect((await server.execute({ session_id, code: "x" })).result_text).toBe("41\n");
  });

  test("names the session it was answered in, which is a new one where none was asked for", async () => {
    const response = await server.request("/api/chat", { body: { message: "hello" } });
    const session = response.headers.get("x-session-id");
    expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect((await server.request(`/sessions/${session}`)).status).toBe(200);
  });

  test("continues what was said in the session, calls and their results included", async () => {
    const session_id = uniqueId("chat");
    model.say([runs("secret = 7\nprint('it is seven')"), { text: "Seven." }]);
    await ask({ message: "Choose a number.", session_id });
    model.say([{ text: "It was seven." }]);
    const { body } = await ask({ message: "Which was it?", session_id });
    expect(body.text).toBe("It was seven.");
    const messages = model.requests[0]?.body.messages ?? [];
    expect(messages.map(({ role }) => role)).toEqual([
      ...["system", "user", "assistant", "tool", "assistant", "user"],
    ]);
    expect(messages[2]?.tool_calls?.[0]?.function.arguments).toContain("secret = 7");
    expect(messages[3]?.content).toContain("it is seven");
    expect(heard("user")).toMatch(/secret: int, 7[\s\S]*Which was it\?$/);

    const { body: kept } = await server.request<{ messages: UIMessage[] }>(
      `/api/chat/${session_id}`,
    );
    expect(kept.messages.map(({ role }) => role)).toEqual([
      ...["user", "assistant", "user", "assistant"],
    ]);
    expect((await server.request(`/api/chat/${session_id}`, { method: "DELETE" })).status).toBe(
      204,
    );
    await ask({ message: "And now?", session_id });
    expect(model.requests.at(-1)?.body.messages).toHaveLength(2);
  });

  test("is forgotten with its session", async () => {
    const session_id = uniqueId("chat");
    await ask({ message: "Remember me.", session_id });
    await server.request(`/sessions/${session_id}`, { method: "DELETE" });
    expect((await server.request(`/api/chat/${session_id}`)).status).toBe(404);
    await ask({ message: "Do you?", session_id });
    expect(heard("user")).not.toContain("Remember me");
  });

  test("may be answered with images, which the client gets and the model does not", async () => {
    model.say([
      runs("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"),
      { text: "A line." },
    ]);
    const { body } = await ask({ message: "plot" });
    expect(body.images).toMatchObject([{ mime_type: "image/png" }]);
    const data = body.images[0]?.data ?? "";
    expect(Buffer.from(data, "base64").subarray(1, 4).toString()).toBe("PNG");
    expect(heard("tool")).toContain("shown 1 image");
    expect(JSON.stringify(model.requests)).not.toContain(data.slice(0, 200));
  });

  test("streams what code prints while it runs", async () => {
    model.say([
      runs("import time\nfor n in range(4):\n    print(n, flush=True)\n    time.sleep(0.3)"),
      DONE,
    ]);
    const chunks = await stream({ message: "count" });
    const printed = chunks.filter(({ type }) => type === "data-output");
    expect(printed.map(({ data }) => (data as { text: string }).text).join("")).toBe(
      "0\n1\n2\n3\n",
    );
    expect(printed.length).toBeGreaterThan(2);
    expect(printed[0]).toMatchObject({ transient: true });
    expect(chunks.filter(({ preliminary }) => preliminary)[0]).toMatchObject({
      output: { status: "running", result_text: expect.stringMatching(/^0\n/) },
    });
  });

  test("is answered at once where it asks for no stream, with all that happened", async () => {
    model.say([
      calls({ name: "write_file", input: { path: "/workspace/notes/a.txt", content: "grüße" } }),
      runs("open('b.txt', 'w').write(open('notes/a.txt').read())\n1 / 0"),
      { text: "It failed." },
    ]);
    const { body, headers } = await ask({ message: "write" });
    expect(headers.get("x-session-id")).toBe(body.session_id);
    expect(body).toMatchObject({
      ...{ text: "It failed.", steps: 3, end_reason: "stop", stopped_by: null },
      files_created: ["notes/a.txt", "b.txt"],
      message: { role: "assistant" },
      usage: { steps: 3 },
    });
    expect(body.tool_calls).toMatchObject([
      { tool_name: "write_file", output: { path: "notes/a.txt", size: 7 }, error: null },
      { tool_name: "run_code", output: { status: "error", error: { ename: "ZeroDivisionError" } } },
    ]);
    expect(body.usage["input_tokens"]).toBeGreaterThan(100);
    expect(heard("tool")).toContain("ZeroDivisionError: division by zero");
  });
});

describe("tools", () => {
  test("list, read and write files and show variables", async () => {
    const session_id = uniqueId("tools");
    await server.execute({
      session_id,
      code: "open('data.csv', 'w').write('a,b\\n1,2\\n')\nopen('x.bin', 'wb').write(bytes(9))\nrate = 1.19",
    });
    model.say([
      calls(
        { name: "list_files", input: {} },
        { name: "read_file", input: { path: "./data.csv" } },
        { name: "read_file", input: { path: "x.bin" } },
        { name: "read_file", input: { path: "gone.txt" } },
        { name: "read_file", input: { path: "../../etc/passwd" } },
        { name: "show_variables", input: {} },
      ),
      DONE,
    ]);
    const { body } = await ask({ message: "look", session_id });
    expect(body.tool_calls.map(({ output, error }) => output ?? error)).toMatchObject([
      { entries: [{ path: "data.csv", size: 8 }, { path: "x.bin" }], truncated: false },
      { text: "a,b\n1,2\n", truncated: false },
      { text: null, note: expect.stringContaining("no text") },
      expect.stringMatching(/no (such )?file|There is no/i),
      expect.stringContaining(".."),
      { variables: [{ name: "rate", type: "float", preview: "1.19" }], total: 1 },
    ]);
    expect(body.text).toBe("Done.");
  });

  test("run in the order in which they were called, and each once", async () => {
    const session_id = uniqueId("tools");
    await server.execute({ session_id, code: "order = []" });
    const numbered = [0, 1, 2, 3].map((n) => ({
      ...{ name: "run_code", id: "same" },
      input: { code: `order.append(${n})` },
    }));
    model.say([calls(...numbered.map((call, n) => ({ ...call, id: `call-${n}` }))), DONE]);
    await ask({ message: "count", session_id });
    expect((await server.execute({ session_id, code: "order" })).result_text).toBe(
      "[0, 1, 2, 3]\n",
    );
    const told = model.requests.at(-1)?.body.messages ?? [];
    const ids = told.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id }) => id));
    expect(new Set(ids).size).toBe(4);
    expect(told.flatMap(({ tool_call_id }) => tool_call_id ?? [])).toEqual(ids);
  });

  test.each([
    ["a tool that nobody has offered", { name: "shell", input: { cmd: "id" } }, "no tool"],
    ["a name that is none", { name: "__proto__", input: {} }, "no tool"],
    ["broken JSON", { name: "run_code", input: '{"code": "print(1' }, "not valid JSON"],
    ["arguments that are no object", { name: "run_code", input: "[1]" }, "do not fit"],
    ["a missing argument", { name: "run_code", input: {} }, "do not fit"],
    [
      "an argument too many",
      { name: "run_code", input: { code: "1", session_id: "other" } },
      "do not fit",
    ],
    ["a wrong type", { name: "read_file", input: { path: 7 } }, "do not fit"],
  ])("%s is told to the model, which may go on", async (_, call, words) => {
    model.say([calls(call), { text: "I see." }]);
    const chunks = await stream({ message: "try" });
    expect(chunks.find(({ type }) => type === "tool-input-error")).toMatchObject({
      errorText: expect.stringContaining(words),
    });
    expect(heard("tool")).toContain(words);
    expect(chunks.at(-1)).toMatchObject({ type: "finish", finishReason: "stop" });
  });

  test("run nothing that the operator's policy denies", async () => {
    model.say([runs("import os\nos.system('touch x')"), DONE]);
    const { body } = await ask({ message: "touch" });
    expect(body.tool_calls[0]).toMatchObject({ output: null });
    expect(body.tool_calls[0]?.error).toContain("os.system");
    expect(body.files_created).toEqual([]);
  });

  test("hold a run to the timeout that the model or the request gives, whichever is less", async () => {
    model.say([runs("import time\ntime.sleep(20)", { timeout: 0.3 }), DONE]);
    const { body } = await ask({ message: "sleep", timeout: 5 });
    expect(body.tool_calls[0]).toMatchObject({ output: { status: "timeout" } });
  });

  test("give the model no more than it can read", async () => {
    model.say([runs("print('x' * 100_000)"), DONE]);
    const { body } = await ask({ message: "shout" });
    expect(heard("tool").length).toBeLessThan(12_000);
    expect(heard("tool")).toContain("characters left out");
    expect(JSON.stringify(body.tool_calls).length).toBeLessThan(12_000);
  });
});

describe("a chat ends", () => {
  test("after max_steps, with what the last step has done", async () => {
    const session_id = uniqueId("end");
    model.say(() => runs("runs = globals().get('runs', 0) + 1\nruns"));
    const endless = await ask({ message: "forever", session_id, max_steps: 3 });
    expect(endless.body).toMatchObject({ end_reason: "max_steps", steps: 3, stopped_by: null });
    expect((await server.execute({ session_id, code: "runs" })).result_text).toBe("3\n");
    const byDefault = await ask({ message: "forever", session_id });
    expect(byDefault.body).toMatchObject({ end_reason: "max_steps", steps: 5 });
  });

  test("after max_tokens", async () => {
    model.say(() => runs("1"));
    const { body } = await ask({ message: "spend", max_tokens: 300 });
    expect(body).toMatchObject({ end_reason: "max_tokens", steps: 1 });
  });

  test("after max_seconds, and what runs is interrupted and keeps its state", async () => {
    const session_id = uniqueId("end");
    model.say([runs("import time\nbefore = 1\ntime.sleep(20)"), DONE]);
    const startedAt = performance.now();
    const chunks = await stream({ message: "sleep", session_id, max_seconds: 1.5 });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(chunks.at(-1)).toMatchObject({
      type: "finish",
      messageMetadata: { end_reason: "max_seconds" },
    });
    expect((await server.execute({ session_id, code: "before" })).result_text).toBe("1\n");
  });

  test("when its client leaves: the model is let go, and code is interrupted", async () => {
    const session_id = uniqueId("leave");
    model.say([runs("import time\nkept = 5\nprint('on', flush=True)\ntime.sleep(25)"), DONE]);
    const abort = new AbortController();
    const response = await fetch(`${server.baseUrl}/api/chat`, {
      method: "POST",
      headers: { "x-auth-token": server.token, "content-type": "application/json" },
      body: JSON.stringify({ message: "run", session_id }),
      signal: abort.signal,
    });
    const reader = response.body?.getReader();
    let text = "";
    while (!text.includes("data-output")) {
      text += new TextDecoder().decode((await reader?.read())?.value);
    }
    abort.abort();
    const after = await server.execute({ session_id, code: "kept", timeout: 5 });
    expect(after.result_text).toBe("5\n");
    expect(model.requests).toHaveLength(1);

    model.say([DONE]);
    await ask({ message: "What happened?", session_id });
    expect(heard("tool")).toMatch(/stopped|interrupted/i);
  });

  test("when its client leaves before the model answers", async () => {
    model.say([{ hangs: true }]);
    const before = model.abandoned();
    const abort = new AbortController();
    const left = fetch(`${server.baseUrl}/api/chat`, {
      method: "POST",
      headers: { "x-auth-token": server.token, "content-type": "application/json" },
      body: JSON.stringify({ message: "leave" }),
      signal: abort.signal,
    }).catch(() => "left");
    await expect.poll(() => model.requests.length).toBe(1);
    abort.abort();
    expect(await left).toBe("left");
    await expect.poll(() => model.abandoned(), { timeout: 1500 }).toBe(before + 1);
  });
});

describe("what the model's server does wrong", () => {
  const failures = [
    ["a wrong key", { status: 401, body: "{}" }, 502, "LLM_UNAUTHORIZED"],
    ["a fault", { status: 500, body: "oops" }, 502, "LLM_UPSTREAM_FAILED"],
    [
      "a long rate limit",
      { status: 429, headers: { "retry-after": "120" }, body: "{}" },
      429,
      "LLM_RATE_LIMITED",
    ],
    ["no answer", { hangs: true }, 504, "LLM_TIMEOUT"],
    ["nonsense", { body: "<html>" }, 502, "LLM_UPSTREAM_FAILED"],
    ["an empty answer", { text: "" }, 502, "LLM_INCOMPLETE"],
    ["a filter", { text: "", finishReason: "content_filter" }, 422, "LLM_REFUSED"],
  ] as const;

  test.each(failures)("at first, %s, is an HTTP error", async (_, answer, status, code) => {
    model.say([answer]);
    const response = await server.request<ErrorBody>("/api/chat", { body: { message: "x" } });
    expect(response.body?.error?.code, response.text).toBe(code);
    expect(response.status).toBe(status);
    expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBeNull();
  });

  test.each(failures.filter(([, answer]) => !("text" in answer && answer.text === "")))(
    "later, %s, is the last chunk, and what was done is kept and not done again",
    async (_, answer, _status, code) => {
      const session_id = uniqueId("later");
      model.say([runs("runs = globals().get('runs', 0) + 1"), answer]);
      const chunks = await stream({ message: "x", session_id });
      expect(chunks.at(-1)).toEqual({
        type: "error",
        errorText: expect.stringMatching(`^${code}: .`),
      });
      expect((await server.execute({ session_id, code: "runs" })).result_text).toBe("1\n");
      const { body } = await server.request<{ messages: UIMessage[] }>(`/api/chat/${session_id}`);
      expect(body.messages).toHaveLength(2);
    },
  );

  test("a stream that is cut off runs nothing of what it has called", async () => {
    const session_id = uniqueId("cut");
    for (const cutAt of [0.3, 0.7, 0.95]) {
      const text = "Here it comes. ".repeat(20);
      model.say([{ text, ...runs(`touched = 1  # ${"x".repeat(200)}`), cutAt }]);
      const chunks = await stream({ message: "x", session_id });
      expect(chunks.at(-1)).toMatchObject({ errorText: expect.stringMatching("^LLM_INCOMPLETE") });
    }
    for (const finishReason of ["none", "length"] as const) {
      model.say([{ ...runs("touched = 1"), finishReason }]);
      const chunks = await stream({ message: "x", session_id });
      expect(chunks.at(-1)).toMatchObject({ type: "error" });
    }
    const after = await server.execute({ session_id, code: "'touched' in globals()" });
    expect(after).toMatchObject({ result_text: "False\n", execution_count: 1 });
  });

  test("an answer that is too long ends the chat with what there is of it", async () => {
    model.say([{ text: "On and on", finishReason: "length" }]);
    const { body } = await ask({ message: "tell" });
    expect(body).toMatchObject({ text: "On and on", end_reason: "length" });
  });

  test("without a stream is told beside what was done", async () => {
    model.say([runs("6 * 7"), { status: 500, body: "" }]);
    const { status, body } = await ask({ message: "x" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ end_reason: "error", stopped_by: { code: "LLM_UPSTREAM_FAILED" } },
      tool_calls: [{ output: { result_text: "42\n" } }],
    });
  });

  test("of one who is not allowed more is told, too", async () => {
    const { body: key } = await server.request<{ key: string }>("/api/keys", {
      body: { name: uniqueId("key"), role: "execute", quotas: { cpu_seconds_per_hour: 1 } },
    });
    const headers = { "x-auth-token": key.key };
    model.say(() => runs("import time\nwhile time.process_time() < 1.3: pass"));
    const response = await server.request<ChatResponse>("/api/chat", {
      ...{ headers, authenticated: false },
      body: { message: "burn", stream: false },
    });
    expect(response.body).toMatchObject({ stopped_by: { code: "QUOTA_EXCEEDED" } });
  });
});

describe("requests", () => {
  test.each([
    [{}, "message"],
    [{ message: "" }, "message"],
    [{ message: "a", messages: [{ role: "user", content: "b" }] }, "message"],
    [{ messages: [] }, "messages"],
    [{ messages: [{ role: "assistant", content: "b" }] }, "messages"],
    [{ messages: [{ role: "tool", content: "b" }] }, "messages"],
    [{ messages: [{ role: "user", parts: [] }] }, "messages"],
    [{ message: "a", max_steps: 0 }, "max_steps"],
    [{ message: "a", max_steps: 6 }, "max_steps"],
    [{ message: "a", max_seconds: 99_999 }, "max_seconds"],
    [{ message: "a", timeout: 9999 }, "timeout"],
    [{ message: "a", session_id: "../x" }, "session_id"],
    [{ message: "a", model: "other" }, "model"],
    [{ message: "a", tools: [] }, "tools"],
  ])("%j is refused by the name of %s, and no model is asked", async (body, field) => {
    const response = await ask(body);
    expect(response.status, response.text).toBe(400);
    expect(response.body.error.message).toContain(field);
    expect(model.requests).toHaveLength(0);
  });

  test("without a model are refused by a hint that says what to set", async () => {
    const plain = await joinSharedServer();
    const response = await plain.request<ErrorBody>("/api/chat", { body: { message: "x" } });
    expect(response.status).toBe(503);
    expect(response.body.error).toMatchObject({
      code: "LLM_NOT_CONFIGURED",
      hint: expect.stringContaining("LLM_BASE_URL"),
    });
  });

  test("with a conversation replace what the session keeps, system messages as wishes", async () => {
    const session_id = uniqueId("whole");
    await ask({ message: "old", session_id });
    const messages = [
      { role: "system", content: "Speak like a pirate." },
      { role: "user", content: "Hi." },
      { role: "assistant", content: [{ type: "text", text: "Ahoy." }] },
      { role: "user", content: "Again." },
    ];
    await ask({ messages, session_id });
    expect(heard("system")).toMatch(/^You help[\s\S]*Speak like a pirate\.$/);
    expect(heard("assistant")).toBe("Ahoy.");
    expect(heard("user")).not.toContain("old");
    const { body } = await server.request<{ messages: unknown[] }>(`/api/chat/${session_id}`);
    expect(body.messages).toHaveLength(5);
  });

  test("of one key see no conversation of another", async () => {
    const session_id = uniqueId("own");
    await ask({ message: "mine", session_id });
    const { body: key } = await server.request<{ key: string }>("/api/keys", {
      body: { name: uniqueId("key"), role: "execute" },
    });
    const other = { headers: { "x-auth-token": key.key }, authenticated: false };
    expect((await server.request(`/api/chat/${session_id}`, other)).status).toBe(404);
  });
});

describe("the AI SDK's own client", () => {
  const text = (said: string): UIMessage => ({
    ...{ id: uniqueId("message"), role: "user" },
    parts: [{ type: "text", text: said }],
  });

  /** As useChat does: sends the conversation, and reads the answer into a message. */
  async function send(chatId: string, messages: readonly UIMessage[]): Promise<UIMessage> {
    const transport = new DefaultChatTransport<UIMessage>({
      api: `${server.baseUrl}/api/chat`,
      headers: { "x-auth-token": server.token },
    });
    const chunks = await transport.sendMessages({
      ...{ chatId, messages: [...messages], trigger: "submit-message" },
      ...{ messageId: undefined, abortSignal: undefined },
    });
    let last: UIMessage | undefined;
    const states = readUIMessageStream({ stream: chunks, terminateOnError: true });
    for await (const message of states) last = message;
    if (!last) throw new Error("there was no message");
    return last;
  }

  test("finds nothing to resume, before there is a session and after a turn", async () => {
    const transport = new DefaultChatTransport<UIMessage>({
      api: `${server.baseUrl}/api/chat`,
      headers: { "x-auth-token": server.token },
    });
    const chatId = uniqueId("resume");
    expect(await transport.reconnectToStream({ chatId })).toBeNull();
  });

  test("builds the message that the server keeps, and continues with it in the same session", async () => {
    const chatId = uniqueId("sdk");
    const first = text("Plot and compute.");
    model.say([
      {
        text: "Now.",
        ...runs("import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\ny = 6"),
      },
      calls({ name: "nope", input: {} }, { name: "read_file", input: { path: "gone" } }),
      { text: "There." },
    ]);
    const answer = await send(chatId, [first]);
    expect(answer.parts.map(({ type }) => type)).toEqual([
      ...["step-start", "text", "tool-run_code", "file"],
      ...["step-start", "dynamic-tool", "tool-read_file", "step-start", "text"],
    ]);
    expect(answer.metadata).toMatchObject({ session_id: chatId, end_reason: "stop" });
    expect(answer.parts[2]).toMatchObject({ state: "output-available", output: { images: 1 } });
    expect(answer.parts[6]).toMatchObject({ state: "output-error" });
    const { body } = await server.request<{ messages: UIMessage[] }>(`/api/chat/${chatId}`);
    expect(body.messages[1]?.id).toBe(answer.id);
    expect(body.messages[1]?.parts.map(({ type }) => type)).toEqual(
      answer.parts.map(({ type }) => type),
    );

    model.say([runs("y * 7"), { text: "42." }]);
    const second = await send(chatId, [first, answer, text("Times seven?")]);
    expect(second.parts.find(({ type }) => type === "tool-run_code")).toMatchObject({
      output: { result_text: "42\n" },
    });
    const told = model.requests[0]?.body.messages ?? [];
    expect(told.map(({ role }) => role)).toEqual([
      ...["system", "user", "assistant", "tool", "assistant", "tool", "tool", "assistant", "user"],
    ]);
  });

  test("sends files, which code then finds", async () => {
    const chatId = uniqueId("sdk");
    const url = `data:text/csv;base64,${Buffer.from("a,b\n1,2\n").toString("base64")}`;
    const message: UIMessage = {
      ...text("Sum it."),
      parts: [
        { type: "file", mediaType: "text/csv", filename: "../in put.csv", url },
        { type: "text", text: "Sum it." },
      ],
    };
    model.say([runs("print(open('in put.csv').read())"), DONE]);
    const answer = await send(chatId, [message]);
    expect(answer.parts[1]).toMatchObject({
      output: { status: "ok", result_text: "a,b\n1,2\n\n" },
    });
    expect(model.requests[0]?.body.messages[1]?.content).toMatch(/"in put\.csv", 8 bytes - /);
    const remote = {
      ...message.parts[0],
      url: "http://127.0.0.1/secret",
    } as (typeof message.parts)[0];
    await expect(send(chatId, [{ ...message, parts: [remote] }])).rejects.toThrow("data: URL");
  });

  test("throws what went wrong, before and in the stream", async () => {
    model.say([{ status: 401, body: "{}" }]);
    await expect(send(uniqueId("sdk"), [text("x")])).rejects.toThrow("LLM_UNAUTHORIZED");
    model.say([runs("1"), { text: "half an answer", cutAt: 0.5 }]);
    await expect(send(uniqueId("sdk"), [text("x")])).rejects.toThrow("LLM_INCOMPLETE");
  });
});
