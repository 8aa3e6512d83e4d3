/** POST /execute/batch, and `stdin` of an execution. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/host.ts";
import type { ExecutionResponse } from "../support/server.ts";
import { uniqueId } from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";

let server: Client;

beforeAll(async () => {
  server = await joinSharedServer();
});

interface ItemResult {
  readonly index: number;
  readonly id: string | null;
  readonly state: string;
  readonly result: ExecutionResponse | null;
  readonly error: { readonly code: string } | null;
}

interface Batch {
  readonly results: readonly ItemResult[];
  readonly ok: number;
  readonly failed: number;
  readonly not_run: number;
}

async function batch(body: object): Promise<Batch> {
  const answer = await server.request<Batch>("/execute/batch", { body });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

describe("a batch", () => {
  test("answers in the order of its items, each from a fresh sandbox", async () => {
    const code =
      "import os\nprint(input(), 'seen' in globals(), os.listdir())\nseen = open('f', 'w')";
    const { results, ...counts } = await batch({
      items: [
        { id: "slow", code: `import time; time.sleep(0.5)\n${code}`, stdin: "a" },
        ...["b", "c", "d"].map((stdin) => ({ code, stdin })),
        { code: "1 / 0" },
        { code: "while True: pass", timeout: 0.3 },
        { code: "open('in').read()", files: [{ path: "in", content: "there" }] },
        { code: "open('out', 'w').write('made')", include_files: true },
      ],
    });
    expect(counts).toEqual({ ok: 6, failed: 2, not_run: 0 });
    expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(results.slice(0, 4).map(({ result }) => result?.stdout)).toEqual(
      ["a", "b", "c", "d"].map((letter) => `${letter} False []\n`),
    );
    expect(results[0]).toMatchObject({ id: "slow", state: "done", error: null });
    expect(results[4]?.result).toMatchObject({
      status: "error",
      error: { ename: "ZeroDivisionError" },
    });
    expect(results[5]?.result?.status).toBe("timeout");
    expect(results[6]?.result?.result_text).toBe("'there'\n");
    expect(results[7]?.result).toMatchObject({ files: [{ path: "out", content: "made" }] });
  });

  test("tells each item as it ends, where events are asked for", async () => {
    const { text, headers } = await server.request("/execute/batch", {
      body: {
        stream: true,
        items: [{ code: "import time; time.sleep(1)" }, { code: "print(2)" }],
        concurrency: 2,
      },
    });
    expect(headers.get("content-type")).toContain("text/event-stream");
    const events = [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)];
    expect(events.map(([, id, name]) => `${id} ${name}`)).toEqual(["1 item", "2 item", "3 result"]);
    const data = events.map(([, , , json]) => JSON.parse(json ?? ""));
    expect(data.map(({ index }) => index)).toEqual([1, 0, undefined]);
    expect(data[0]).toMatchObject({ state: "done", result: { stdout: "2\n" } });
    expect(data[2]).toEqual({ ok: 2, failed: 0, not_run: 0 });
  });

  test("runs as many at a time as it was told to", async () => {
    const code = "import time\nstart = time.time()\ntime.sleep(0.4)\nprint(start, time.time())";
    const { results } = await batch({ items: Array(4).fill({ code }), concurrency: 1 });
    const spans = results.map(({ result }) => result?.stdout.trim().split(" ").map(Number) ?? []);
    for (const [at, [start = 0]] of spans.entries()) {
      if (at > 0) expect(start).toBeGreaterThan(spans[at - 1]?.[1] ?? 0);
    }
  });

  test("begins no more after an error, where it was told so", async () => {
    const items = [{ code: "1" }, { code: "1/0" }, { code: "2" }, { code: "3" }];
    const answer = await batch({ items, concurrency: 1, stop_on: "error" });
    expect(answer.results.map(({ state }) => state)).toEqual([
      "done",
      "done",
      "skipped",
      "skipped",
    ]);
    expect(answer).toMatchObject({ ok: 1, failed: 1, not_run: 2 });
  });

  test("refuses an item with a reason, and runs the others", async () => {
    const { results } = await batch({
      items: [
        { code: "1", timeout: 1e6 },
        { code: "2", files: [{ path: "../x", content: "" }] },
        { code: "3" },
      ],
    });
    expect(results.map(({ state, error }) => [state, error?.code])).toEqual([
      ["refused", "INVALID_REQUEST"],
      ["refused", "INVALID_PATH"],
      ["done", undefined],
    ]);
  });

  test.each([
    [{ items: [] }, 400, "INVALID_REQUEST"],
    [{ items: Array(1001).fill({ code: "" }) }, 400, "INVALID_REQUEST"],
    [{ items: [{ code: "1", session_id: "s" }] }, 400, "INVALID_REQUEST"],
    [{ items: [{ code: "1" }], concurrency: 0 }, 400, "INVALID_REQUEST"],
    [{ items: [{ code: `#${"x".repeat(1_100_000)}` }] }, 413, "CODE_TOO_LARGE"],
  ])("that is wrong runs nothing", async (body, status, code) => {
    const answer = await server.request<{ error: { code: string } }>("/execute/batch", { body });
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
  });

  test("waits for the quotas of its key instead of failing", async () => {
    const quotas = { sessions: 1, requests_per_minute: 60 };
    const made = await server.request<{ id: string; key: string }>("/api/keys", {
      body: { name: uniqueId("batch"), role: "execute", quotas },
    });
    const { status, body } = await server.request<Batch>("/execute/batch", {
      headers: { "x-auth-token": made.body.key },
      body: { items: Array(6).fill({ code: "1" }), concurrency: 3 },
    });
    expect([status, body.ok]).toEqual([200, 6]);
    const { body: listed } = await server.request<{
      keys: { id: string; usage: { requests_per_minute: number } }[];
    }>("/api/keys");
    const usage = listed.keys.find(({ id }) => id === made.body.id)?.usage;
    expect(usage?.requests_per_minute).toBeGreaterThanOrEqual(5);
    await server.request(`/api/keys/${made.body.id}`, { method: "DELETE" });
  });

  test("ends with its client", async () => {
    const abort = new AbortController();
    const items = Array(20).fill({ code: "import time; time.sleep(20)" });
    const asked = fetch(`${server.baseUrl}/execute/batch`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-auth-token": server.token },
      body: JSON.stringify({ items, concurrency: 3 }),
      signal: abort.signal,
    });
    const asleep = async () =>
      (await server.request<{ stateless: number }>("/status")).body.stateless;
    await eventually(async () => ((await asleep()) >= 3 ? undefined : "not begun"), 10_000);
    abort.abort();
    await expect(asked).rejects.toThrow();
    await eventually(async () => ((await asleep()) < 3 ? undefined : "still there"), 5000);
  });
});

describe("stdin", () => {
  test("is read by input(), sys.stdin and child processes, and ends", async () => {
    const session_id = uniqueId("stdin");
    const code =
      "import subprocess, sys\nfirst = input()\nrest = sys.stdin.read()\nprint([first, rest, sys.stdin.read()])";
    const read = await server.execute({ session_id, code, stdin: "ä\nb\nc" });
    expect(read.stdout).toBe("['ä', 'b\\nc', '']\n");
    const child = "subprocess.run(['wc', '-l'], check=True)";
    expect((await server.execute({ session_id, code: child, stdin: "1\n2\n" })).stdout).toBe("2\n");
    const after = await server.execute({ session_id, code: "sys.stdin.read()" });
    expect(after.result_text).toBe("''\n");
  });

  test("may be long, and of characters that take two halves", async () => {
    const stdin = `x${"😀".repeat(600_000)}`;
    const code = "import sys\ntext = sys.stdin.read()\nprint(len(text), sorted(set(text)))";
    expect((await server.execute({ code, stdin })).stdout).toBe("600001 ['x', '😀']\n");
  });

  test("does not go with allow_input", async () => {
    const answer = await server.request("/execute", {
      body: { session_id: uniqueId("both"), code: "1", stdin: "", allow_input: true },
    });
    expect(answer.status).toBe(400);
  });
});
