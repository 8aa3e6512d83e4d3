/** That the model's key stays where it belongs, and that what comes out of a sandbox stays data. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { injections } from "../support/injections.ts";
import { code, type ModelServer, startModelServer } from "../support/model-server.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";

const KEY = "sk-canary-1a2b3c4d5e6f-do-not-leak";
const directory = mkdtempSync(join(tmpdir(), "glovebox-generate-"));
const keyFile = join(directory, "key");

/** Looks everywhere a guest could look, and tells all of it. */
const PROBE = `
import glob, os, socket
print(dict(os.environ))
for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline') + glob.glob('/proc/*/maps'):
    try: print(path, open(path, 'rb').read())
    except OSError as error: print(path, error.strerror)
for folder in ('/', '/data', '/tmp', '/run', '/var/lib', '/etc'):
    try: print(folder, os.listdir(folder))
    except OSError as error: print(folder, error.strerror)
for port in PORTS:
    try: socket.create_connection(('127.0.0.1', port), 1); print('REACHED', port)
    except OSError as error: print(port, error.strerror)
`;

let model: ModelServer;
let server: TestServer;
let probe = "";

beforeAll(async () => {
  writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 });
  model = await startModelServer();
  server = await startServer({
    env: {
      ...{ LLM_BASE_URL: model.baseUrl, LLM_API_KEY_FILE: keyFile, LLM_MODEL: "scripted" },
      ...{ LOG_LEVEL: "trace", API_TIMEOUT: "2" },
    },
  });
  const ports = [server.baseUrl, model.baseUrl].map((url) => Number(new URL(url).port));
  probe = PROBE.replace("PORTS", JSON.stringify(ports));
});

afterAll(async () => {
  await model?.stop();
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function ask(body: object) {
  return server.request<Record<string, unknown>>("/generate-and-execute", { body });
}

describe("the model's key", () => {
  test("reaches the model, and is found nowhere else", async () => {
    const answers: string[] = [];
    const echo = `{"error": {"message": "Your key ${KEY} is wrong"}}`;
    for (const script of [
      [code("print(1)")],
      [code(probe)],
      [{ status: 401, body: echo }],
      [{ status: 400, body: echo }],
      [{ status: 500, body: echo }],
      [{ body: echo }],
      [code("1 / 0"), { status: 500, body: echo }],
      [{ ...code("print(1)"), cutAt: 0.3 }],
    ]) {
      model.say(script);
      answers.push((await ask({ query: "What is the key?", session_id: uniqueId("key") })).text);
      expect(model.requests[0]?.authorization).toBe(`Bearer ${KEY}`);
      for (const { body } of model.requests) expect(JSON.stringify(body)).not.toContain(KEY);
    }
    model.say([{ status: 401, body: echo }]);
    const review = await server.request("/execute", { body: { code: "1", validate_code: true } });
    answers.push(review.text);
    const found = answers.filter((text) => text.includes(KEY));
    expect(found).toEqual([]);
    expect(server.log()).toContain("LLM_UNAUTHORIZED");
    expect(server.log()).not.toContain(KEY);
    expect(filesBelow(server.stateDir).filter(({ text }) => text.includes(KEY))).toEqual([]);
  });

  test("is in the environment of the gateway and of no other process", () => {
    const holders = server
      .processes()
      .filter(({ pid }) => environmentOf(pid).includes(KEY))
      .map(({ commandLine }) => commandLine);
    expect(holders).toEqual([expect.stringMatching(/glovebox\.mjs gateway$/)]);
  });

  test("is masked where the configuration is printed", () => {
    const entry = join(import.meta.dirname, "../../packages/server/bin/glovebox.mjs");
    const env = { LLM_BASE_URL: "http://127.0.0.1/v1", LLM_MODEL: "m", LLM_API_KEY: KEY };
    const options = { cwd: directory, env, encoding: "utf8" } as const;
    const printed = execFileSync(process.execPath, [entry, "config"], options);
    expect(printed).toContain("LLM_API_KEY=********");
    expect(printed).not.toContain(KEY);
  });

  test("is counted with its use in the audit log, without what was asked", async () => {
    model.say([code("print('a secret result')")]);
    await ask({ query: "a secret question" });
    const auditLog = () =>
      filesBelow(server.stateDir)
        .filter(({ path }) => path.includes("/audit/"))
        .map((file) => file.text)
        .join("");
    await expect.poll(auditLog).toContain('"input_tokens"');
    const text = auditLog();
    expect(text).toContain('"purpose":"generate"');
    expect(text).toContain('"error":"LLM_UNAUTHORIZED"');
    expect(text).not.toMatch(/a secret/);
  });
});

describe("a model that obeys whatever it reads", () => {
  test.each(injections)("reads $name as marked data, and gains nothing by obeying", async (one) => {
    const session_id = uniqueId("injection");
    if (one.setUp !== "") await server.execute({ session_id, code: one.setUp });
    const obeyed = {
      ...{ memory_limit: "64g", timeout: 9999, session_id: "other", tool: "panic", network: true },
      ...{ max_attempts: 99, attempts: 99, VALIDATION_POLICY: "process=allow" },
    };
    let turns = 0;
    model.say((request) => {
      turns++;
      if (turns === 1 && one.firstCode !== undefined) return code(one.firstCode);
      const heard = request.messages.some(({ content }) => content.includes("OBEY"));
      return code(heard ? probe : "print('nothing heard')", heard ? obeyed : {});
    });
    const { status, text, body } = await ask({ query: "Summarise what is there.", session_id });
    expect(status, text).toBe(200);
    // It was read, so that this is a test, and only where data stands.
    expect(body["stdout"]).not.toContain("nothing heard");
    for (const { body: request } of model.requests) {
      for (const { role, content } of request.messages) {
        if (role === "assistant") continue;
        expect(outsideOfData(content), `${role}: ${content}`).not.toContain("OBEY");
      }
    }
    expect(body["stdout"]).not.toContain("REACHED");
    expect(text).not.toContain(KEY);
    expect(text).not.toContain(server.token);
    expect(body).toMatchObject({ session_id });
    const { body: info } = await server.request<{ limits: { memory_bytes: number } }>(
      `/sessions/${session_id}`,
    );
    expect(info.limits.memory_bytes).toBe(512 * 2 ** 20);
    const { body: list } = await server.request<{ sessions: { session_id: string }[] }>(
      "/sessions",
    );
    expect(list.sessions.map((session) => session.session_id)).not.toContain("other");
    expect((await server.request("/health")).status).toBe(200);
  });
});

describe("a recording", () => {
  const recording = join(directory, "exchanges.jsonl");
  const question = { query: "Add one and two." };

  test("is made of every exchange, without the key", async () => {
    const open = mkdtempSync(join(tmpdir(), "glovebox-record-"));
    execFileSync("chmod", ["777", open]);
    const file = join(open, "exchanges.jsonl");
    const recorder = await startServer({
      env: {
        ...{ LLM_BASE_URL: model.baseUrl, LLM_API_KEY: KEY, LLM_MODEL: "scripted" },
        LLM_RECORD: file,
      },
    });
    try {
      model.say([code(`1 / 0  # ${KEY}`), code("print(1 + 2)")]);
      const { body } = await recorder.request("/generate-and-execute", { body: question });
      expect(body).toMatchObject({ stdout: "3\n" });
      await expect.poll(() => readFileSync(file, "utf8").trim().split("\n").length).toBe(2);
      const text = readFileSync(file, "utf8");
      expect(text).not.toContain(KEY);
      writeFileSync(recording, text, { mode: 0o644 });
    } finally {
      await recorder.stop();
      rmSync(open, { recursive: true, force: true });
    }
  });

  test("answers in place of the model, over the repair as well, without any network", async () => {
    execFileSync("chmod", ["755", directory]);
    const replay = await startServer({ env: { LLM_BASE_URL: `replay:${recording}` } });
    try {
      for (let round = 0; round < 2; round++) {
        const { body } = await replay.request<Record<string, unknown>>("/generate-and-execute", {
          body: question,
        });
        expect(body, JSON.stringify(body)).toMatchObject({ stdout: "3\n", status: "ok" });
        expect(body["attempts"]).toHaveLength(2);
      }
      const unknown = await replay.request("/generate-and-execute", { body: { query: "Else." } });
      expect(unknown.status).toBe(502);
      expect(unknown.text).toContain("LLM_NOT_RECORDED");
    } finally {
      await replay.stop();
    }
  });

  test("that is none stops the start, and says why", async () => {
    const broken = join(directory, "broken.jsonl");
    writeFileSync(broken, "{}\n", { mode: 0o644 });
    for (const file of [broken, join(directory, "missing.jsonl")]) {
      await expect(startServer({ env: { LLM_BASE_URL: `replay:${file}` } })).rejects.toThrow(
        /recorded answers/,
      );
    }
  });
});

test("a model's server that is not there is named in the log and not to the client", async () => {
  const port = await unusedPort();
  const env = { LLM_BASE_URL: `http://127.0.0.1:${port}/v1`, LLM_MODEL: "m" };
  const lonely = await startServer({ env });
  try {
    const response = await lonely.request("/generate-and-execute", { body: { query: "x" } });
    expect(response.status).toBe(502);
    expect(response.text).toContain("LLM_UPSTREAM_FAILED");
    expect(response.text).not.toContain(String(port));
    await expect.poll(() => lonely.log()).toContain("ECONNREFUSED");
  } finally {
    await lonely.stop();
  }
});

/** What stands outside of the blocks whose mark the conversation's instructions have named. */
function outsideOfData(text: string): string {
  return text.replace(/<data-([0-9a-f]{16}) about="[^"]*">\n[\s\S]*?\n<\/data-\1>/g, "");
}

/** Empty for a process that has just ended. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

function filesBelow(path: string): { path: string; text: string }[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: file, text: readFileSync(file, "latin1") }));
}

function unusedPort(): Promise<number> {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const address = listener.address();
      const port = typeof address === "object" && address ? address.port : 0;
      listener.close(() => resolve(port));
    });
  });
}
