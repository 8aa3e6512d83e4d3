import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEvents, resultOf, streamExecute, textOf } from "../support/events.ts";
import {
  type ErrorBody,
  type ExecutionResponse,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";

interface Execution {
  readonly execution_id: number;
  readonly state: "queued" | "running" | "done" | "cancelled";
  readonly status: string | null;
  readonly code: string;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly dropped: boolean;
  readonly result?: ExecutionResponse | null;
}

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ env: { MAX_SESSIONS: "20", MAX_EXECUTION_TIME: "30" } });
});
afterAll(async () => {
  await server?.stop();
});

const SLEEP = "import time\nkept = 1\nprint('begun')\ntime.sleep(25)\nprint('ended')";

async function list(session: string): Promise<Execution[]> {
  const { body } = await server.request<{ executions: Execution[] }>(
    `/sessions/${session}/executions`,
  );
  return body.executions;
}

async function get(session: string, n: number): Promise<Execution> {
  return (await server.request<Execution>(`/sessions/${session}/executions/${n}`)).body;
}

/** When an execution of this number is in this state. */
async function reached(session: string, n: number, state: Execution["state"]): Promise<Execution> {
  return expect
    .poll(() => get(session, n), { timeout: 20_000, interval: 50 })
    .toMatchObject({ execution_id: n, state })
    .then(() => get(session, n));
}

async function expectError(path: string, method: string, status: number, code: string) {
  const { status: answered, body, text } = await server.request<ErrorBody>(path, { method });
  expect(answered, text).toBe(status);
  expect(body.error.code).toBe(code);
}

/** Starts a run as plain JSON, and can leave before the answer. */
function leavingExecute(body: object): { answer: Promise<Response>; leave: () => void } {
  const controller = new AbortController();
  const answer = fetch(`${server.baseUrl}/execute`, {
    method: "POST",
    headers: { "x-auth-token": server.token, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: controller.signal,
  });
  answer.catch(() => undefined);
  return { answer, leave: () => controller.abort() };
}

describe("the list", () => {
  test("has what ran, what runs and what waits", async () => {
    const session_id = uniqueId("list");
    await server.execute({ session_id, code: "1/0" });
    const running = leavingExecute({ session_id, code: SLEEP });
    await reached(session_id, 2, "running");
    const waiting = leavingExecute({ session_id, code: `3${" ".repeat(500)}` });
    await expect.poll(async () => (await list(session_id)).length).toBe(3);
    const executions = await list(session_id);
    expect(executions.map(({ state, status }) => [state, status])).toEqual([
      ["done", "error"],
      ["running", null],
      ["queued", null],
    ]);
    expect(executions[0]?.finished_at).toMatch(/^\d{4}-.*Z$/);
    expect(executions[1]).toMatchObject({ execution_id: 2, finished_at: null, dropped: false });
    expect(executions[2]).toMatchObject({ started_at: null });
    expect(executions[2]?.code).toHaveLength(200);
    expect((await get(session_id, 3)).code).toHaveLength(501);
    waiting.leave();
    running.leave();
  });

  test("of one has its result, equal to the answer, and numbers go on over a reset", async () => {
    const session_id = uniqueId("result");
    const answer = await server.execute({ session_id, code: "print(6 * 7)" });
    expect(answer.execution_id).toBe(1);
    const { result, code } = await get(session_id, 1);
    expect(code).toBe("print(6 * 7)");
    expect(result).toEqual(answer);
    await server.request(`/sessions/${session_id}/reset`, { method: "POST" });
    const next = await server.execute({ session_id, code: "2" });
    expect([next.execution_id, next.execution_count]).toEqual([2, 1]);
    expect((await server.execute({ code: "1" })).execution_id).toBeNull();
  });

  test("drops outputs beyond its bound, and says so", async () => {
    const session_id = uniqueId("dropped");
    const code = "print('x' * 900_000)";
    for (let n = 0; n < 6; n++) await server.execute({ session_id, code });
    const executions = await list(session_id);
    expect(executions[0]).toMatchObject({ state: "done", status: "ok", dropped: true });
    expect(executions[5]).toMatchObject({ dropped: false });
    expect((await get(session_id, 1)).result).toBeNull();
    expect((await get(session_id, 6)).result?.stdout).toHaveLength(900_001);
    await expectError(
      `/sessions/${session_id}/executions/1/events`,
      "GET",
      404,
      "EXECUTION_NOT_FOUND",
    );
  });

  test("refuses what is not there, and what is no number", async () => {
    const session_id = uniqueId("refused");
    const path = `/sessions/${session_id}`;
    await expectError(`${path}/executions`, "GET", 404, "SESSION_NOT_FOUND");
    await expectError(`${path}/interrupt`, "POST", 404, "SESSION_NOT_FOUND");
    await expectError(`${path}/keep-alive`, "POST", 404, "SESSION_NOT_FOUND");
    await server.execute({ session_id, code: "1" });
    for (const method of ["GET", "DELETE"]) {
      await expectError(`${path}/executions/7`, method, 404, "EXECUTION_NOT_FOUND");
      await expectError(`${path}/executions/x`, method, 400, "INVALID_REQUEST");
      await expectError(`${path}/executions/-1`, method, 400, "INVALID_REQUEST");
    }
    await expectError(`${path}/executions/1/events?after=-1`, "GET", 400, "INVALID_REQUEST");
    await expectError(`${path}/executions/1/events?from=1`, "GET", 400, "INVALID_REQUEST");
    const headers = { "last-event-id": "seven" };
    const answer = await server.request(`${path}/executions/1/events`, { headers });
    expect(answer.status).toBe(400);
  });
});

describe("cancelling", () => {
  test("takes a queued one back, and tells who asked for it", async () => {
    const session_id = uniqueId("cancel");
    const running = leavingExecute({ session_id, code: SLEEP });
    await reached(session_id, 1, "running");
    const plain = server.tryExecute({ session_id, code: "never = 1" });
    const streamed = await streamExecute(server, { session_id, code: "never = 2" });
    await reached(session_id, 2, "queued");
    await reached(session_id, 3, "queued");
    const path = `/sessions/${session_id}/executions`;
    for (const n of [2, 3]) {
      expect((await server.request(`${path}/${n}`, { method: "DELETE" })).status).toBe(204);
    }
    expect(await plain).toMatchObject({
      status: 409,
      body: { error: { code: "EXECUTION_CANCELLED" } },
    });
    const last = (await streamed.all()).at(-1);
    expect(last).toMatchObject({
      event: "failure",
      data: { error: { code: "EXECUTION_CANCELLED" } },
    });
    await expectError(`${path}/1`, "DELETE", 409, "EXECUTION_RUNNING");
    await expectError(`${path}/2`, "DELETE", 409, "EXECUTION_ENDED");
    await server.request(`/sessions/${session_id}/interrupt`, { method: "POST" });
    await running.answer;
    await expectError(`${path}/1`, "DELETE", 409, "EXECUTION_ENDED");
    const after = await server.execute({ session_id, code: "'never' in globals()" });
    expect(after.result_text).toBe("False\n");
    expect((await list(session_id)).map(({ state }) => state)).toEqual([
      ...["done", "cancelled", "cancelled", "done"],
    ]);
  });
});

describe("an interrupt", () => {
  test("is a KeyboardInterrupt, and state is kept", async () => {
    const session_id = uniqueId("interrupt");
    const client = await streamExecute(server, { session_id, code: SLEEP });
    const reading = client.all();
    await reached(session_id, 1, "running");
    await delay(200);
    const path = `/sessions/${session_id}/interrupt`;
    const { status, body } = await server.request(path, { method: "POST" });
    expect([status, body]).toEqual([200, { status: "ok", execution_id: 1 }]);
    const result = resultOf(await reading);
    expect([result.status, result.exit_code]).toEqual(["interrupted", 130]);
    expect(result.stdout).toBe("begun\n");
    expect((await server.execute({ session_id, code: "kept" })).result_text).toBe("1\n");
  });

  test("is not lost, however early it comes", async () => {
    const session_id = uniqueId("early");
    const path = `/sessions/${session_id}/interrupt`;
    await server.execute({ session_id, code: "1" });
    for (let round = 0; round < 20; round++) {
      const run = server.execute({ session_id, code: "import time; time.sleep(20)" });
      let taken = 409;
      while (taken === 409) taken = (await server.request(path, { method: "POST" })).status;
      expect(taken).toBe(200);
      expect((await run).status).toBe("interrupted");
    }
  });

  test("with nothing running is a 409", async () => {
    const session_id = uniqueId("idle");
    await server.execute({ session_id, code: "1" });
    await expectError(`/sessions/${session_id}/interrupt`, "POST", 409, "NOTHING_RUNNING");
  });

  test("that the code ignores leaves it running until its deadline", async () => {
    const session_id = uniqueId("ignores");
    const code = [
      "import time",
      "end = time.time() + 2",
      "while time.time() < end:",
      "    try: time.sleep(0.1)",
      "    except KeyboardInterrupt: print('no')",
    ].join("\n");
    const run = server.execute({ session_id, code });
    await reached(session_id, 1, "running");
    await delay(500);
    await server.request(`/sessions/${session_id}/interrupt`, { method: "POST" });
    expect(await run).toMatchObject({ status: "ok", stdout: "no\n" });
  });
});

describe("a client that goes away", () => {
  test.each(["a stream", "plain JSON"])("interrupts its run: %s", async (how) => {
    const session_id = uniqueId("gone");
    if (how === "a stream") {
      const client = await streamExecute(server, { session_id, code: SLEEP });
      await client.until(({ data }) => data.text === "begun\n");
      client.leave();
    } else {
      const client = leavingExecute({ session_id, code: SLEEP });
      await reached(session_id, 1, "running");
      await delay(300);
      client.leave();
    }
    const { status, result } = await reached(session_id, 1, "done");
    expect(status).toBe("interrupted");
    expect(result?.stdout).toBe("begun\n");
    expect((await server.execute({ session_id, code: "kept" })).result_text).toBe("1\n");
  });

  test("cancels its run while that waits", async () => {
    const session_id = uniqueId("left-queue");
    const running = leavingExecute({ session_id, code: SLEEP });
    await reached(session_id, 1, "running");
    const waiting = leavingExecute({ session_id, code: "never = 1" });
    await reached(session_id, 2, "queued");
    waiting.leave();
    await reached(session_id, 2, "cancelled");
    running.leave();
    await reached(session_id, 1, "done");
  });

  test("destroys a stateless sandbox that does not heed it", async () => {
    const code =
      "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt: pass";
    const client = leavingExecute({ code, timeout: 25 });
    const stateless = async () =>
      (await server.request<{ stateless: number }>("/status")).body.stateless;
    await expect.poll(stateless).toBe(1);
    await delay(300);
    client.leave();
    await expect.poll(stateless, { timeout: 15_000 }).toBe(0);
  });

  test("with on_disconnect continue leaves it going, and the result can be asked for", async () => {
    const session_id = uniqueId("continue");
    const code = "import time\nprint('begun')\ntime.sleep(1.5)\nprint('ended')";
    const client = await streamExecute(server, { session_id, code, on_disconnect: "continue" });
    await client.until(({ data }) => data.text === "begun\n");
    client.leave();
    const { status, result } = await reached(session_id, 1, "done");
    expect([status, result?.stdout]).toEqual(["ok", "begun\nended\n"]);
  });

  test("in great number on one kept connection leaves no listeners", async () => {
    for (let n = 0; n < 50; n++) await server.execute({ code: "1", session_id: "kept-alive" });
    expect(server.log()).not.toContain("MaxListeners");
  });
});

describe("following", () => {
  test("goes on after the last event that was seen", async () => {
    const session_id = uniqueId("resume");
    const code = "import time\nfor n in range(6):\n    print(n)\n    time.sleep(0.3)";
    const first = await streamExecute(server, { session_id, code, on_disconnect: "continue" });
    let seen = "";
    const { id } = await first.until(({ data }) => {
      seen += data.text ?? "";
      return seen.includes("1\n");
    });
    first.leave();
    const path = `/sessions/${session_id}/executions/1/events`;
    const headers = { "last-event-id": String(id) };
    const rest = await (await openEvents(server, "GET", path, { headers })).all();
    expect(rest[0]?.id).toBe((id ?? 0) + 1);
    expect(seen + textOf(rest)).toBe("0\n1\n2\n3\n4\n5\n");
    expect(resultOf(rest).stdout).toBe("0\n1\n2\n3\n4\n5\n");
    const again = await (await openEvents(server, "GET", `${path}?after=${id}`)).all();
    expect(again.map(({ id, event }) => [id, event])).toEqual(
      rest.map(({ id, event }) => [id, event]),
    );
    const over = await openEvents(server, "GET", `${path}?after=${rest.at(-1)?.id}`);
    expect(over.status).toBe(204);
  });

  test("is for several at once, the same for each", async () => {
    const session_id = uniqueId("two");
    const code = "import time\nfor n in range(5):\n    print(n)\n    time.sleep(0.2)";
    const first = (await streamExecute(server, { session_id, code })).all();
    await reached(session_id, 1, "running");
    const path = `/sessions/${session_id}/executions/1/events`;
    const second = await (await openEvents(server, "GET", path)).all();
    const strip = (events: Awaited<typeof first>) =>
      events.map(({ id, event, data }) => ({ id, event, data }));
    expect(strip(second)).toEqual(strip(await first));
  });

  test("works for a run that was asked for as plain JSON, while it runs and after", async () => {
    const session_id = uniqueId("plain");
    const code = "import time\nprint('a')\ntime.sleep(1)\nprint('b')\n1/0";
    const run = server.execute({ session_id, code });
    await reached(session_id, 1, "running");
    await delay(300);
    const path = `/sessions/${session_id}/executions/1/events`;
    const live = await (await openEvents(server, "GET", path)).all();
    expect(textOf(live)).toBe("a\nb\n");
    expect(resultOf(live)).toEqual(await run);
    const later = await (await openEvents(server, "GET", path)).all();
    expect(later.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["execution", "stream", "error", "result"]),
    );
    expect(textOf(later)).toBe("a\nb\n");
    expect(resultOf(later)).toEqual(await run);
  });

  test("one that was cancelled before it began is told why", async () => {
    const session_id = uniqueId("cancelled");
    const running = leavingExecute({ session_id, code: SLEEP });
    await reached(session_id, 1, "running");
    const waiting = leavingExecute({ session_id, code: "1" });
    await reached(session_id, 2, "queued");
    waiting.leave();
    await reached(session_id, 2, "cancelled");
    const path = `/sessions/${session_id}/executions/2/events`;
    const answer = await openEvents(server, "GET", path);
    const told = JSON.stringify(
      answer.status === 200 ? await answer.all() : [answer.status, await answer.json()],
    );
    expect(told).toContain("EXECUTION_CANCELLED");
    running.leave();
    await reached(session_id, 1, "done");
  });
});

describe("keep-alive", () => {
  test("counts the time to live from now, and may give another", async () => {
    const session_id = uniqueId("alive");
    await server.request("/sessions", { body: { session_id, ttl: 3 } });
    const path = `/sessions/${session_id}`;
    for (let n = 0; n < 3; n++) {
      await delay(1500);
      const { status } = await server.request(`${path}/keep-alive`, { method: "POST" });
      expect(status).toBe(200);
    }
    const { body } = await server.request<{ ttl: number; expires_at: string }>(
      `${path}/keep-alive`,
      { body: { ttl: 600 } },
    );
    expect(body.ttl).toBe(600);
    expect(Date.parse(body.expires_at) - Date.now()).toBeGreaterThan(500_000);
    for (const ttl of [0, -1, 604_801, "1"]) {
      const refused = await server.request(`${path}/keep-alive`, { body: { ttl } });
      expect(refused.status, String(ttl)).toBe(400);
    }
  });
});

describe("a panic", () => {
  test("ends every stream, and those that wait", async () => {
    const session_id = uniqueId("panic");
    const running = await streamExecute(server, { session_id, code: SLEEP });
    const followed = running.all();
    await reached(session_id, 1, "running");
    const waiting = (await streamExecute(server, { session_id, code: "1" })).all();
    await delay(300);
    await server.request("/api/security/panic", { method: "POST" });
    expect((await followed).at(-1)?.event).toBe("result");
    expect((await waiting).at(-1)?.event).toBe("failure");
    await server.request("/api/security/resume", { method: "POST" });
    expect((await server.execute({ code: "print(1)" })).stdout).toBe("1\n");
  });
});
