/** From a question to a result, against a scripted model over HTTP and real sandboxes. */
import type { GenerateResponse } from "@glovebox/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { code, type ModelServer, startModelServer } from "../support/model-server.ts";
import {
  type ApiResponse,
  type ErrorBody,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";

const KEY = "sk-canary-9f8e7d6c5b4a-do-not-leak";

let model: ModelServer;
let server: TestServer;

beforeAll(async () => {
  model = await startModelServer();
  server = await startServer({
    env: {
      LLM_BASE_URL: model.baseUrl,
      LLM_API_KEY: KEY,
      LLM_MODEL: "scripted",
      API_TIMEOUT: "2",
      LOG_LEVEL: "trace",
      VALIDATION_POLICY: "process=deny",
    },
  });
});

afterAll(async () => {
  await model?.stop();
  await server?.stop();
});

beforeEach(() => model.say([]));

/** The same answer, as the error that it is. */
function refusal({ body }: ApiResponse<unknown>): ErrorBody {
  return body as ErrorBody;
}

function ask(body: object): Promise<ApiResponse<GenerateResponse>> {
  return server.request<GenerateResponse>("/generate-and-execute", { body });
}

function lastMessage(index = -1): string {
  return model.requests.at(index)?.body.messages.at(-1)?.content ?? "";
}

describe("a question", () => {
  test("becomes code, and the code a result, with every field of source 001", async () => {
    const primes = "print([n for n in range(2, 30) if all(n % d for d in range(2, n))])";
    model.say([code(primes)]);
    const { status, body } = await ask({
      ...{ query: "Calculate the first 10 prime numbers", timeout: 15 },
      ...{ memory_limit: "200m", cpu_limit: 0.5 },
    });
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body).toMatchObject({
      query: "Calculate the first 10 prime numbers",
      generated_code: primes,
      stdout: "[2, 3, 5, 7, 11, 13, 17, 19, 23, 29]\n",
      stderr: "",
      exit_code: 0,
      validation_result: "The code is secure and efficient.",
      explanation: "It computes.",
      status: "ok",
      session_id: null,
      stopped_by: null,
    });
    expect(body.execution_time).toBeGreaterThan(0);
    expect(body.usage).toMatchObject({ model_calls: 1 });
    expect(body.usage.input_tokens).toBeGreaterThan(100);
    expect(body.usage.output_tokens).toBeGreaterThan(5);
    expect(body.attempts).toHaveLength(1);
    expect(model.requests).toHaveLength(1);
  });

  test("tells the model what is there: packages, files with their schemas, variables, limits", async () => {
    const session_id = uniqueId("generate");
    await server.execute({
      session_id,
      code: "import pandas as pd\npd.DataFrame({'price': [1.5], 'city': ['Rome']}).to_csv('sales.csv', index=False)\nrate = 1.19",
    });
    model.say([code("print(rate)")]);
    const { body } = await ask({ query: "What is the rate?", session_id, memory_limit: "100m" });
    expect(body.stdout).toBe("1.19\n");
    const [system, user] = model.requests[0]?.body.messages ?? [];
    expect(system?.content).toContain("100 MiB of memory");
    expect(system?.content).toContain("no network");
    expect(user?.content).toContain("numpy");
    expect(user?.content).toMatch(/"sales\.csv", \d+ bytes - 1 rows.*price: float, city: text/);
    expect(user?.content).toContain("rate: float, 1.19");
    expect(user?.content).toMatch(/Task:\nWhat is the rate\?$/);
  });

  test("without a session meets a new sandbox each time, and is told the same of each", async () => {
    model.say([code("leftover = 1\nopen('leftover.txt', 'w').write('x')")]);
    const told: string[] = [];
    for (let round = 0; round < 3; round++) {
      await ask({ query: "begin" });
      told.push(
        model.requests.at(-1)?.body.messages[1]?.content.split("\n").slice(1).join("\n") ?? "",
      );
    }
    expect(told[0]).toContain("numpy");
    expect(told[0]).toContain("Files in /workspace: none.");
    const withoutMarks = told.map((text) => text.replaceAll(/data-[0-9a-f]{16}/g, "data"));
    expect(new Set(withoutMarks).size).toBe(1);
  });

  test("leaves no trace of the looking: counts, history and files are those of the code", async () => {
    const session_id = uniqueId("generate");
    model.say([code("x = 1\nlen(In)")]);
    const { body } = await ask({ query: "count", session_id });
    expect(body).toMatchObject({ execution_count: 1, execution_id: 1, files_created: [] });
    const again = await server.execute({ session_id, code: "len(In), x" });
    expect(again).toMatchObject({ execution_count: 2, result_text: "(3, 1)\n" });
  });

  test("may bring files, which outlive a lost sandbox, and take files home", async () => {
    model.say([
      code("import os\nos._exit(1)"),
      code(
        "import csv\nrows = list(csv.reader(open('in.csv')))\nopen('out.txt', 'w').write(rows[1][0])",
      ),
    ]);
    const files = [{ path: "in.csv", content: "price\n42\n" }];
    const { body } = await ask({ query: "read", files, include_files: true });
    expect(body).toMatchObject({ status: "ok", files_created: ["out.txt"] });
    expect(body).toMatchObject({ files: [{ path: "out.txt", content: "42" }] });
    expect(model.requests[0]?.body.messages[1]?.content).toContain("price: int");
    expect(lastMessage()).toContain("price: int");
    const wrong = await ask({ query: "x", files: [{ path: "../x", content: "" }] });
    expect(wrong.status).toBe(400);
  });

  test("may be answered with a plot, and images are told apart", async () => {
    model.say([code("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")]);
    const { body } = await ask({ query: "plot" });
    expect(body.images).toMatchObject([{ mime_type: "image/png" }]);
    expect(body.images[0]?.data).toBe(body.result_base64);
  });

  test("runs the reading of an answer that is Python", async () => {
    model.say([
      { text: "```python\nprint(1\n```\nOops. Corrected:\n```python\nprint(“fixed”)\n```" },
    ]);
    const { body } = await ask({ query: "fix" });
    expect(body).toMatchObject({ stdout: "fixed\n", generated_code: 'print("fixed")' });
  });
});

describe("code that fails", () => {
  test("goes back with its traceback and the variables, and what was before is kept", async () => {
    const session_id = uniqueId("repair");
    await server.execute({ session_id, code: "before = 41" });
    model.say([code("half = 20\nprint(1 / 0)"), code("print(before + half / 20)")]);
    const { body } = await ask({ query: "add", session_id });
    expect(body).toMatchObject({ status: "ok", stdout: "42.0\n" });
    expect(body.attempts).toMatchObject([
      { status: "error", error: { ename: "ZeroDivisionError" } },
      { status: "ok", error: null },
    ]);
    const told = lastMessage();
    expect(told).toContain("ZeroDivisionError: division by zero");
    expect(told).toContain("half: int, 20");
    expect(told).toContain("before: int, 41");
    expect(model.requests.at(-1)?.body.messages.map(({ role }) => role)).toEqual([
      ...["system", "user", "assistant", "user"],
    ]);
  });

  test("is given up after max_attempts, and every attempt is told", async () => {
    model.say((request) => code(`raise ValueError(${request.messages.length})`));
    const { status, body } = await ask({ query: "fail", max_attempts: 2 });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "error", exit_code: 1, error: { evalue: "4" } });
    expect(body.attempts.map((attempt) => attempt.code)).toEqual([
      "raise ValueError(2)",
      "raise ValueError(4)",
    ]);
    expect(model.requests).toHaveLength(2);
  });

  test("with the loss of the sandbox is told as such to the model", async () => {
    model.say([code("a = 1\nimport os\nos._exit(3)"), code("print('a' in globals())")]);
    const { body } = await ask({ query: "lose", session_id: uniqueId("repair") });
    expect(body).toMatchObject({ status: "ok", stdout: "False\n" });
    expect(body.attempts[0]).toMatchObject({ status: "killed" });
    expect(lastMessage()).toContain("all variables and files of before are gone");
  });

  test("is not run a second time when the model has no second answer, and its result is told", async () => {
    const session_id = uniqueId("repair");
    model.say([
      code("runs = globals().get('runs', 0) + 1\nraise KeyError('gone')"),
      { status: 500, body: '{"error": {"message": "overloaded"}}' },
    ]);
    const { status, body } = await ask({ query: "once", session_id });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "error", stopped_by: { code: "LLM_UPSTREAM_FAILED" } });
    expect((await server.execute({ session_id, code: "runs" })).result_text).toBe("1\n");
  });

  test("counts as failed where the model is to judge the result and finds it wrong", async () => {
    model.say([
      code("print(5)"),
      { text: '{"ok": false, "reason": "It should be six."}' },
      code("print(6)"),
      { text: '{"ok": true, "reason": ""}' },
    ]);
    const { body } = await ask({ query: "3 + 3", check: true });
    expect(body).toMatchObject({ status: "ok", stdout: "6\n" });
    expect(body.attempts).toMatchObject([
      { status: "wrong", judgement: "It should be six." },
      { status: "ok", judgement: null },
    ]);
    expect(body.usage.model_calls).toBe(4);
  });

  test("by the operator's policy is not run, and another way is asked for", async () => {
    model.say([
      code("import subprocess\nsubprocess.run(['touch', 'x'])"),
      code("open('x', 'w').close()"),
    ]);
    const { body } = await ask({ query: "touch" });
    expect(body).toMatchObject({ status: "ok", files_created: ["x"] });
    expect(body.attempts[0]).toMatchObject({ status: "rejected" });
    expect(lastMessage()).toContain("subprocess");
    model.say([code("import os\nos.system('id')")]);
    const rejected = await ask({ query: "id" });
    expect(rejected.body).toMatchObject({
      ...{ status: "rejected", exit_code: 126, stdout: "", validation: { verdict: "rejected" } },
      error: { ename: "CodeRejected" },
    });
    expect(rejected.body.attempts).toHaveLength(3);
  });

  test("by the model's own verdict is not run either", async () => {
    const safety = { verdict: "unsafe", summary: "It deletes everything." };
    model.say([code("open('gone', 'w')", { safety })]);
    const { body } = await ask({ query: "x", max_attempts: 1 });
    expect(body).toMatchObject({ status: "rejected", files_created: [] });
    expect(body.validation_result).toContain("It deletes everything.");
  });
});

describe("what the model's server does wrong has a name each", () => {
  const cases = [
    [
      "a wrong key",
      [{ status: 401, body: `{"error": {"message": "Bad key ${KEY}"}}` }],
      502,
      "LLM_UNAUTHORIZED",
    ],
    ["a forbidden key", [{ status: 403, body: "{}" }], 502, "LLM_UNAUTHORIZED"],
    [
      "an unknown model",
      [{ status: 404, body: '{"error": {"message": "no such model"}}' }],
      502,
      "LLM_UPSTREAM_FAILED",
    ],
    ["a fault", [{ status: 500, body: "oops" }], 502, "LLM_UPSTREAM_FAILED"],
    ["no answer at all", [{ hangs: true }], 504, "LLM_TIMEOUT"],
    ["half an answer", [{ ...code("print(1)"), cutAt: 0.5 }], 502, "LLM_INCOMPLETE"],
    ["nonsense", [{ body: "<html>" }], 502, "LLM_UPSTREAM_FAILED"],
    ["no choices", [{ body: '{"choices": []}' }], 502, "LLM_UPSTREAM_FAILED"],
    ["a refusal in words", [{ text: "I'm sorry, I can't help with that." }], 422, "LLM_REFUSED"],
    ["a refusal in the protocol", [{ refusal: "No." }], 422, "LLM_REFUSED"],
    ["a filter", [{ text: "", finishReason: "content_filter" }], 422, "LLM_REFUSED"],
    ["prose without code", [{ text: "The answer is forty-two." }], 502, "LLM_NO_CODE"],
    ["an empty answer", [{ text: "" }], 502, "LLM_NO_CODE"],
    [
      "an answer without an end",
      [{ text: '{"code": "print(1)\\nprint(', finishReason: "length" }],
      502,
      "LLM_ANSWER_TOO_LONG",
    ],
    ["far too many bytes", [{ body: " ".repeat(17 * 2 ** 20) }], 502, "LLM_ANSWER_TOO_LONG"],
    [
      "a redirect",
      [{ status: 302, headers: { location: "http://127.0.0.1:9/" }, body: "" }],
      502,
      "LLM_UPSTREAM_FAILED",
    ],
  ] as const;

  test.each(cases)("%s", async (_, script, status, errorCode) => {
    model.say(script);
    const response = await ask({ query: "anything" });
    expect(response.body.error, response.text).toMatchObject({ code: errorCode });
    expect(response.status).toBe(status);
    expect(response.text).not.toContain(KEY);
  });

  test("a short rate limit is waited out as long as it says", async () => {
    model.say([
      { status: 429, headers: { "retry-after": "1" }, body: "{}" },
      code("print('late')"),
    ]);
    const startedAt = performance.now();
    const { body } = await ask({ query: "wait" });
    expect(body.stdout).toBe("late\n");
    expect(performance.now() - startedAt).toBeGreaterThan(950);
  });

  test("a long rate limit is passed on", async () => {
    model.say([{ status: 429, headers: { "retry-after": "120" }, body: "{}" }]);
    const response = await ask({ query: "wait" });
    expect(response.status).toBe(429);
    expect(refusal(response).error.code).toBe("LLM_RATE_LIMITED");
    expect(response.headers.get("retry-after")).toBe("120");
    expect(model.requests).toHaveLength(1);
  });

  test("a server that knows no schemas is asked in words, and that is remembered", async () => {
    const old = await startModelServer((request) => {
      if (request.response_format) return { status: 400, body: "unknown field response_format" };
      if (request.max_tokens) return { status: 400, body: "use max_completion_tokens" };
      return code("print('plain')");
    });
    const other = await startServer({ env: { LLM_BASE_URL: old.baseUrl, LLM_MODEL: "old" } });
    try {
      for (let round = 0; round < 2; round++) {
        const body = { query: "x" };
        const { body: answer } = await other.request<GenerateResponse>("/generate-and-execute", {
          body,
        });
        expect(answer.stdout, JSON.stringify(answer)).toBe("plain\n");
      }
      const formats = old.requests.map(({ body }) => body.response_format?.type ?? "none");
      expect(formats).toEqual(["json_schema", "json_object", "none", "none", "none"]);
      expect(old.requests.at(-1)?.authorization, "a local model needs no key").toBe("");
    } finally {
      await old.stop();
      await other.stop();
    }
  });
});

describe("requests", () => {
  test.each([
    [{}, "query"],
    [{ query: "" }, "query"],
    [{ query: "x".repeat(40_000) }, "query"],
    [{ query: "x", max_attempts: 0 }, "max_attempts"],
    [{ query: "x", max_attempts: 99 }, "max_attempts"],
    [{ query: "x", timeout: 9999 }, "timeout"],
    [{ query: "x", memory_limit: "900g" }, "memory_limit"],
    [{ query: "x", model: "other" }, "model"],
  ])("%o is refused by the name of %s, and no model is asked", async (body, field) => {
    const response = await ask(body);
    expect(response.status).toBe(400);
    expect(refusal(response).error.message).toContain(field);
    expect(model.requests).toHaveLength(0);
  });

  test("without a token are refused", async () => {
    const response = await server.request("/generate-and-execute", {
      ...{ body: { query: "x" }, authenticated: false },
    });
    expect(response.status).toBe(401);
  });

  test("whose client leaves let go of the model", async () => {
    model.say([{ hangs: true }]);
    const before = model.abandoned();
    const abort = new AbortController();
    const left = fetch(`${server.baseUrl}/generate-and-execute`, {
      method: "POST",
      headers: { "x-auth-token": server.token, "content-type": "application/json" },
      body: JSON.stringify({ query: "leave" }),
      signal: abort.signal,
    }).catch(() => "left");
    await expect.poll(() => model.requests.length).toBe(1);
    abort.abort();
    expect(await left).toBe("left");
    await expect.poll(() => model.abandoned(), { timeout: 1500 }).toBe(before + 1);
  });

  test("keep their session, however long the model thinks", async () => {
    const session_id = uniqueId("ttl");
    await server.request("/sessions", { body: { session_id, ttl: 0.4 } });
    await server.execute({ session_id, code: "kept = 7" });
    model.say([{ ...code("print(kept)"), delayMs: 1200 }]);
    const { body } = await ask({ query: "think", session_id });
    expect(body.stdout, JSON.stringify(body)).toBe("7\n");
    await expect
      .poll(async () => (await server.request(`/sessions/${session_id}`)).status, { timeout: 3000 })
      .toBe(404);
  });

  test("30 at a time are all answered", async () => {
    model.say((request) => {
      const [, task = ""] = /n(\d+)$/.exec(request.messages.at(-1)?.content ?? "") ?? [];
      return code(`print(${task} * 2)`);
    });
    const all = Array.from({ length: 30 }, (_, n) => ask({ query: `double n${n}` }));
    const answers = await Promise.all(all);
    expect(answers.map(({ body }) => body.stdout)).toEqual(answers.map((_, n) => `${n * 2}\n`));
  });
});

describe("validate_code", () => {
  function validate(source: string, more: object = {}) {
    const body = { code: source, validate_code: true, ...more };
    return server.request<GenerateResponse>("/execute", { body });
  }

  test("has the model review the code, which runs as it is when that approves", async () => {
    model.say([{ text: '{"verdict": "approve", "reasons": [], "improved_code": ""}' }]);
    const { body } = await validate("print('Hello, world!')");
    expect(body).toMatchObject({
      stdout: "Hello, world!\n",
      original_code: "print('Hello, world!')",
      executed_code: "print('Hello, world!')",
      validation_result: "Code is safe to execute.",
      validation: { advice: true, verdict: "approved", review: { verdict: "approve" } },
    });
  });

  test("runs the improved code, and says which is which", async () => {
    const text = JSON.stringify({
      ...{ verdict: "improve", reasons: ["A typing error."], improved_code: "print('hi')" },
    });
    model.say([{ text }]);
    const { body } = await validate("pritn('hi')");
    expect(body).toMatchObject({
      ...{ stdout: "hi\n", original_code: "pritn('hi')", executed_code: "print('hi')" },
      validation: { verdict: "warned", review: { reasons: ["A typing error."] } },
    });
  });

  test("runs nothing in another session than the one that was looked at, nor beyond a quota", async () => {
    const quotas = { sessions: 1 };
    const key = await server.request<{ id: string; key: string }>("/api/keys", {
      body: { name: uniqueId("reviewed"), role: "execute", quotas },
    });
    const asKey = { authenticated: false, headers: { "x-auth-token": key.body.key } };
    const answers: Promise<ApiResponse<unknown>>[] = [];
    const approved = '{"verdict": "approve", "reasons": [], "improved_code": ""}';
    model.say([{ text: approved, delayMs: 1500 }]);
    // Each is admitted, and its session is gone again when the model has answered.
    for (const session_id of ["a", "b", "c"]) {
      const body = { session_id, code: "print('ran')", validate_code: true };
      answers.push(server.request("/execute", { body, ...asKey }));
      await expect.poll(() => model.requests.length).toBe(answers.length);
      await server.request(`/sessions/${session_id}`, { method: "DELETE", ...asKey });
    }
    await server.request("/sessions", { body: { session_id: "d" }, ...asKey });
    for (const answer of await Promise.all(answers)) {
      expect(refusal(answer).error.code).toBe("SESSION_NOT_FOUND");
    }
    const { body } = await server.request<{ sessions: { session_id: string }[] }>(
      "/sessions",
      asKey,
    );
    expect(body.sessions.map(({ session_id }) => session_id)).toEqual(["d"]);

    // Nor after the key was revoked meanwhile, and a stateless run has no session to look for.
    model.say([{ text: approved, delayMs: 1500 }]);
    await server.request("/sessions/d", { method: "DELETE", ...asKey });
    const stateless = { code: "print('ran')", validate_code: true };
    const late = server.request("/execute", { body: stateless, ...asKey });
    await expect.poll(() => model.requests.length).toBe(1);
    await server.request(`/api/keys/${key.body.id}`, { method: "DELETE" });
    expect([401, 404]).toContain((await late).status);
  });

  test("runs nothing that the review or the policy rejects", async () => {
    const session_id = uniqueId("validate");
    model.say([
      { text: '{"verdict": "reject", "reasons": ["It does harm."], "improved_code": ""}' },
    ]);
    const byReview = await validate("touched = 1", { session_id });
    expect(byReview.status).toBe(200);
    expect(byReview.body).toMatchObject({ status: "rejected", exit_code: 126, session_id });
    expect(byReview.body.validation_result).toContain("It does harm.");
    const byPolicy = await validate("import os\nos.system('id')", { session_id });
    expect(byPolicy.body).toMatchObject({
      status: "rejected",
      validation: { static: { findings: [{ rule: "process", action: "deny", line: 2 }] } },
    });
    const after = await server.execute({ session_id, code: "'touched' in globals()" });
    expect(after).toMatchObject({ result_text: "False\n", execution_count: 1 });
  });

  test("does not fail where the model does", async () => {
    model.say([{ status: 500, body: "" }]);
    const { body } = await validate("print(1)");
    expect(body).toMatchObject({
      stdout: "1\n",
      validation: { verdict: "approved", review: null },
    });
    expect(body.validation.review_problem).toContain("gave no review");
  });

  test("knows magics, and names the place of a mistake", async () => {
    model.say([{ text: '{"verdict": "approve", "reasons": [], "improved_code": ""}' }]);
    const magic = await validate("%pwd");
    expect(magic.body).toMatchObject({ status: "ok", validation: { verdict: "approved" } });
    const mistake = await validate("x = 1\nprint('a'");
    expect(mistake.body).toMatchObject({
      status: "error",
      validation: { static: { findings: [{ rule: "syntax_error", action: "warn", line: 2 }] } },
    });
  });

  test("works with a stream", async () => {
    model.say([{ text: '{"verdict": "reject", "reasons": ["no"], "improved_code": ""}' }]);
    const rejected = await validate("print(1)", { stream: true });
    expect(rejected.headers.get("content-type")).toContain("text/event-stream");
    expect(rejected.text).toContain("event: result");
    expect(rejected.text).toContain('"status":"rejected"');
    model.say([{ text: '{"verdict": "approve", "reasons": [], "improved_code": ""}' }]);
    const approved = await validate("print(1)", { stream: true });
    expect(approved.text).toContain("event: stream");
    expect(approved.text).toContain("Code is safe to execute.");
  });
});

describe("without a model", () => {
  let plain: Client;

  beforeAll(async () => {
    plain = await joinSharedServer();
  });

  test("generation is refused by a hint that says what to set", async () => {
    const body = { query: "x" };
    const response = await plain.request<ErrorBody>("/generate-and-execute", { body });
    expect(response.status).toBe(503);
    expect(response.body.error.code).toBe("LLM_NOT_CONFIGURED");
    expect(response.body.error.hint).toMatch(/LLM_BASE_URL.*LLM_MODEL.*TOGETHER_API_KEY/);
  });

  test("validation has its static part, and says that there is no other", async () => {
    const body = { code: "import socket\nprint(1)", validate_code: true };
    const response = await plain.request<GenerateResponse>("/execute", { body });
    expect(response.body).toMatchObject({
      stdout: "1\n",
      validation: {
        ...{ verdict: "warned", review: null, review_problem: "no model is configured" },
        static: { findings: [{ rule: "network", line: 1 }], problem: null },
      },
    });
    const clean = await plain.request<GenerateResponse>("/execute", {
      body: { code: "print(1)", validate_code: true },
    });
    expect(clean.body.validation_result).toMatch(/^Code is safe to execute\./);
  });
});
