/** `glovebox ask` and the SDK's chats, against a scripted model and real sandboxes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChatChunk, Glovebox } from "@glovebox/sdk";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CommandLine, commandLineOf } from "../support/command-line.ts";
import { calls, type ModelServer, runs, startModelServer } from "../support/model-server.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";

const PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()";
let model: ModelServer;
let server: TestServer;
let glovebox: CommandLine;
let client: Glovebox;
let directory: string;

beforeAll(async () => {
  model = await startModelServer();
  server = await startServer({
    env: { LLM_BASE_URL: model.baseUrl, LLM_MODEL: "scripted", API_TIMEOUT: "2" },
  });
  glovebox = commandLineOf(server);
  client = new Glovebox({ baseUrl: server.baseUrl, token: server.token });
});

afterAll(async () => {
  await model?.stop();
  await server?.stop();
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "glovebox-ask-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function ask(...args: string[]) {
  return glovebox.run(["ask", ...args], { cwd: directory });
}

async function sessionIds(): Promise<string[]> {
  return (await client.sessions()).map(({ session_id }) => session_id);
}

describe("glovebox ask", () => {
  test("prints words to one side, code, its output and images to the other, and leaves no session", async () => {
    const file = join(directory, "data.csv");
    writeFileSync(file, "a\n41\n");
    model.say([
      { text: "Let me look.", ...runs(`print(open('data.csv').read())\n${PLOT}`) },
      { text: "It is 41." },
    ]);
    const before = await sessionIds();
    const { status, stdout, stderr } = await ask("What is a?", "--file", file);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "Let me look.\nIt is 41.\n" });
    expect(stderr).toContain("> print(open('data.csv').read())\n> import matplotlib");
    expect(stderr).toContain("a\n41\n");
    expect(stderr).toContain("[image: image-1.png]");
    expect(readFileSync(join(directory, "image-1.png")).subarray(1, 4).toString()).toBe("PNG");
    expect(await sessionIds()).toEqual(before);
  });

  test("saves what was made where it is told to, and nothing under a name that is not safe", async () => {
    model.say([
      calls({ name: "write_file", input: { path: "notes.txt", content: "note" } }),
      runs(`open('sub.csv', 'w').write('x')\nopen('.bashrc', 'w').write('x')\n${PLOT}`),
      { text: "Made." },
    ]);
    const { status, stderr } = await ask("make", "--out", "results");
    expect(status).toBe(0);
    expect(readdirSync(join(directory, "results")).sort()).toEqual([
      ...["image-1.png", "notes.txt", "sub.csv"],
    ]);
    expect(stderr).toContain("[file not saved: .bashrc: hidden files are left out]");
  });

  test("goes on in a session that is named", async () => {
    const session = uniqueId("ask");
    model.say([runs("x = 5"), { text: "Set." }]);
    await ask("set x", "--session", session);
    model.say([{ text: "Five." }]);
    const { stdout } = await ask("what is x?", "--session", session);
    expect(stdout).toBe("Five.\n");
    expect(JSON.stringify(model.requests[0]?.body.messages)).toContain("set x");
    expect(await sessionIds()).toContain(session);
  });

  test("tells all of it as JSON", async () => {
    model.say([runs("6 * 7"), { text: "42." }]);
    const { status, stdout } = await ask("compute", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ text: "42.", steps: 2, end_reason: "stop" },
      tool_calls: [{ output: { result_text: "42\n" } }],
    });
  });

  test("ends with 1 and says why when there is no whole answer", async () => {
    model.say([{ status: 401, body: "{}" }]);
    const refused = await ask("x");
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toContain("does not accept the key");
    model.say([{ text: "half of the words", cutAt: 0.6 }]);
    const cut = await ask("x");
    expect(cut.status).toBe(1);
    expect(cut.stdout).toMatch(/^half/);
    expect(cut.stderr).toContain("cut off");
    model.say(() => runs("1"));
    const endless = await ask("x", "--steps", "2");
    expect(endless.status).toBe(1);
    expect(endless.stderr).toContain("[stopped before the end: max_steps]");
  });

  test.each([
    [["ask"], "one question"],
    [["ask", "a", "b"], "one question"],
    [["ask", " "], "empty"],
    [["ask", "a", "--steps", "0"], "whole number"],
    [["ask", "a", "--file", "/nowhere.csv"], "there is no file"],
  ])("%j is wrong usage and says why", async (args, message) => {
    const { status, stderr } = await glovebox.run(args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain("glovebox help ask");
  });

  test("stops at Ctrl-C, and so do the code and the session", async () => {
    model.say([
      runs("import time\nprint('on'.upper(), flush=True)\ntime.sleep(25)"),
      { text: "never" },
    ]);
    const before = await sessionIds();
    const command = glovebox.start(["ask", "sleep"], { cwd: directory });
    // Not in the code, which is shown before it runs.
    await command.see("ON", "stderr");
    command.child.kill("SIGINT");
    expect(await command.finished).toMatchObject({ status: 130, stdout: "" });
    expect(model.requests).toHaveLength(1);
    await expect.poll(sessionIds).toEqual(before);
  });

  test("shows a terminal nothing that the model or a guest could do harm with", async () => {
    const evil = "\u001b]0;owned\u0007\u001b[2J";
    model.say([
      { text: `words ${evil}`, ...runs(`print(${JSON.stringify(evil)})  # ${evil}`) },
      calls({ name: "read_file", input: { path: evil } }, { name: evil, input: {} }),
      { text: "end" },
    ]);
    const command = glovebox.onTerminal(["ask", "x"]);
    const { stdout } = await command.finished;
    expect(stdout).toContain("words");
    expect(stdout).not.toContain("\u001b]0;");
    expect(stdout).not.toContain("\u001b[2J");
  });
});

describe("the SDK", () => {
  test("gives the chunks of a chat, and the session in which it goes on", async () => {
    model.say([{ text: "Now.", ...runs("print(7)") }, { text: "Seven." }]);
    const chat = client.chat("compute");
    const chunks: ChatChunk[] = [];
    for await (const chunk of chat) chunks.push(chunk);
    const words = chunks.map((chunk) => (chunk.type === "text-delta" ? chunk.delta : "")).join("");
    expect(words).toBe("Now.Seven.");
    const session = client.session(await chat.sessionId);
    const { messages } = await session.conversation();
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    model.say([{ text: "It was seven." }]);
    expect(await client.ask("again?", { sessionId: session.id })).toMatchObject({
      ...{ text: "It was seven.", session_id: session.id },
    });
    await session.forgetConversation();
    expect((await session.conversation()).messages).toEqual([]);
    await session.release();
  });

  test("throws what went wrong, with its code, before and in the stream", async () => {
    const read = async () => {
      for await (const _ of client.chat("x"));
    };
    model.say([{ status: 401, body: "{}" }]);
    await expect(read()).rejects.toMatchObject({ code: "LLM_UNAUTHORIZED", status: 502 });
    model.say([{ text: "half of the words", cutAt: 0.6 }]);
    await expect(read()).rejects.toMatchObject({
      ...{ code: "LLM_INCOMPLETE", message: expect.stringContaining("cut off") },
    });
  });

  test("stops a chat whose reader leaves or aborts", async () => {
    const session = client.session(uniqueId("leave"));
    model.say([runs("import time\nkept = 1\nprint('on', flush=True)\ntime.sleep(25)")]);
    for await (const { type } of client.chat("x", { sessionId: session.id })) {
      if (type === "data-output") break;
    }
    expect((await session.execute("kept")).result_text).toBe("1\n");
    const abort = new AbortController();
    const reason = new Error("enough");
    const aborted = (async () => {
      for await (const { type } of client.chat("x", {
        sessionId: session.id,
        signal: abort.signal,
      })) {
        if (type === "data-output") abort.abort(reason);
      }
    })();
    await expect(aborted).rejects.toBe(reason);
    expect((await session.execute("kept")).result_text).toBe("1\n");
  });

  test("has the tools for a model of one's own", async () => {
    const { openai, calls: routes } = await client.tools();
    expect(openai?.[0]?.function.name).toBe("code_interpreter");
    expect(routes["code_interpreter"]?.path).toBe("/execute");
  });
});
