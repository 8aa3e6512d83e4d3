import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEvents, resultOf, streamExecute, textOf } from "../support/events.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    env: { MAX_OUTPUT_SIZE: "64000000", MAX_EXECUTION_TIME: "60", MAX_SESSIONS: "20" },
  });
});
afterAll(async () => {
  await server?.stop();
});

/** Without what differs from run to run. */
function stable(result: object): object {
  const { usage, execution_time, execution_id, execution_count, ...rest } = result as Record<
    string,
    unknown
  >;
  return rest;
}

function gatewayBytes(): number {
  const { pid } = server.findProcess(/glovebox.*gateway|gateway\.js|cli\/main\.js gateway/);
  const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return Number(pages) * 4096;
}

describe("events", () => {
  test("come in order, with ids from 1, and end with the JSON answer", async () => {
    const session_id = uniqueId("order");
    const code = [
      "import sys",
      "print('one')",
      "print('two', file=sys.stderr)",
      "display({'text/plain': 'three'}, raw=True)",
      "print('four')",
      "5",
    ].join("\n");
    const events = await (await streamExecute(server, { session_id, code })).all();
    expect(events.map(({ event }) => event)).toEqual([
      "execution",
      "stream",
      "stream",
      "display_data",
      "stream",
      "execute_result",
      "result",
    ]);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events[0]?.data).toEqual({
      ...{ execution_id: 1, session_id, state: "running", queued_before: 0 },
    });
    expect(events[2]?.data).toEqual({ name: "stderr", text: "two\n" });
    expect(events[3]?.data).toEqual({ data: { "text/plain": "three" }, metadata: {} });
    const result = resultOf(events);
    expect(result.outputs).toHaveLength(5);
    const plain = await server.execute({ session_id, code });
    expect(stable(result)).toEqual({
      ...stable(plain),
      outputs: plain.outputs.map((output) =>
        output.output_type === "execute_result" ? { ...output, execution_count: 1 } : output,
      ),
    });
  });

  test("are asked for by the header as well, and the field comes first", async () => {
    const headers = { accept: "text/event-stream" };
    const asked = await openEvents(server, "POST", "/execute", { body: { code: "1" }, headers });
    expect(asked.response.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    expect((await asked.all()).at(-1)?.event).toBe("result");
    const body = { code: "1", stream: false };
    const plain = await openEvents(server, "POST", "/execute", { body, headers });
    expect(await plain.json()).toMatchObject({ status: "ok" });
  });

  test("leave as they happen", async () => {
    const code = "import time\nprint('now', flush=True)\ntime.sleep(2)\nprint('later')";
    // The first run pays for the modules that it is the first to touch.
    await (await streamExecute(server, { code: "print(1)" })).all();
    const events = await (await streamExecute(server, { code })).all();
    const at = (text: string) => events.find(({ data }) => data.text === text)?.atMs ?? Infinity;
    expect(at("now\n")).toBeLessThan(1000);
    expect(at("later\n") - at("now\n")).toBeGreaterThan(1000);
  });

  test("tell the mistake of the code, with the hint", async () => {
    const events = await (await streamExecute(server, { code: "print(1)\n1/0" })).all();
    expect(events.map(({ event }) => event)).toEqual(["execution", "stream", "error", "result"]);
    expect(events[2]?.data).toEqual(resultOf(events).error);
  });

  test("have whole characters, wherever the guest cuts its bytes", async () => {
    const code = [
      "import os, time",
      "for byte in 'aä€😀z'.encode():",
      "    os.write(1, bytes([byte])); time.sleep(0.05)",
    ].join("\n");
    const events = await (await streamExecute(server, { code })).all();
    expect(events.length).toBeGreaterThan(4);
    expect(textOf(events)).toBe("aä€😀z");
    expect(resultOf(events).stdout).toBe("aä€😀z");
  });

  test("show progress: carriage returns, displays that change, output that is cleared", async () => {
    const code = [
      "import time",
      "from IPython.display import clear_output",
      "for n in range(3):",
      "    print(f'\\r{n}/3', end=''); time.sleep(0.1)",
      "handle = display({'text/plain': '0'}, raw=True, display_id='bar')",
      "handle.update({'text/plain': '1'}, raw=True)",
      "clear_output(wait=True)",
      "print('done')",
    ].join("\n");
    const events = await (await streamExecute(server, { code })).all();
    const names = events.map(({ event }) => event);
    expect(names.filter((name) => name === "stream").length).toBeGreaterThan(2);
    expect(textOf(events)).toBe("\r0/3\r1/3\r2/3done\n");
    const bar = { metadata: {}, display_id: "bar" };
    expect(events.find(({ event }) => event === "display_data")?.data).toEqual({
      ...bar,
      data: { "text/plain": "0" },
    });
    expect(events.find(({ event }) => event === "update_display_data")?.data).toEqual({
      ...bar,
      data: { "text/plain": "1" },
    });
    expect(events.find(({ event }) => event === "clear_output")?.data).toEqual({ wait: true });
    expect(resultOf(events).outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "done\n" },
    ]);
  });

  test("begin with the place in the queue", async () => {
    const session_id = uniqueId("queue");
    const first = server.execute({ session_id, code: "import time; time.sleep(0.5)" });
    await delay(100);
    const events = await (await streamExecute(server, { session_id, code: "2" })).all();
    expect(events.filter(({ event }) => event === "execution").map(({ data }) => data)).toEqual([
      { execution_id: 2, session_id, state: "queued", queued_before: 1 },
      { execution_id: 2, session_id, state: "running", queued_before: 0 },
    ]);
    expect(resultOf(events).execution_id).toBe(2);
    await first;
  });
});

describe("what fails", () => {
  test.each([
    [{ code: "1", timeout: 9999 }, 400],
    [{ code: "1", on_disconnect: "continue" as const }, 400],
  ])("before the first event is an ordinary error: %j", async (body, status) => {
    const answer = await streamExecute(server, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { code: "INVALID_REQUEST" } });
  });

  test("for want of a sandbox too", async () => {
    const small = await startServer({
      env: { MAX_SESSIONS: "1", POOL_SIZE: "1", ACQUIRE_TIMEOUT: "0.2" },
    });
    try {
      await small.execute({ session_id: "only", code: "1" });
      const answer = await streamExecute(small, { code: "1" });
      expect(answer.status).toBe(503);
      expect(answer.response.headers["retry-after"]).toBe("1");
    } finally {
      await small.stop();
    }
  });

  test("later comes as the last event", async () => {
    const session_id = uniqueId("deleted");
    const running = server.execute({ session_id, code: "import time; time.sleep(30)" });
    await delay(300);
    const waiting = await streamExecute(server, { session_id, code: "1" });
    await server.request(`/sessions/${session_id}`, { method: "DELETE" });
    const last = (await waiting.all()).at(-1);
    expect(last?.event).toBe("failure");
    expect(last?.data.error).toMatchObject({ code: "SESSION_NOT_FOUND" });
    expect((await running).status).toBe("killed");
  });

  test.each(["reset", "DELETE"])("a %s in the middle ends the stream", async (how) => {
    const session_id = uniqueId("ended");
    const code = "import time\nprint('begun')\ntime.sleep(30)";
    const client = await streamExecute(server, { session_id, code });
    const reading = client.all();
    await delay(500);
    const path = `/sessions/${session_id}`;
    if (how === "reset") await server.request(`${path}/reset`, { method: "POST" });
    else await server.request(path, { method: "DELETE" });
    const events = await reading;
    expect(textOf(events)).toBe("begun\n");
    expect(resultOf(events).status).toBe("killed");
  });
});

describe("a slow reader", () => {
  test("does not keep the server from stopping", async () => {
    const other = await startServer({ env: { POOL_SIZE: "1", DRAIN_TIMEOUT: "1" } });
    const code = "print('z' * 900_000)\nprint('z' * 900_000, file=__import__('sys').stderr)\n";
    const display = "display({'text/plain': 'z' * 4_000_000}, raw=True)\n".repeat(4);
    await streamExecute(other, { session_id: "stalled", code: code + display });
    await delay(500);
    const startedAt = Date.now();
    await other.stop();
    expect(Date.now() - startedAt).toBeLessThan(20_000);
  });

  test("slows its own run, and the gateway does not grow", async () => {
    const session_id = uniqueId("slow");
    const code = [
      "import sys",
      "for n in range(800):",
      "    sys.stdout.write('x' * 65535 + '\\n')",
    ].join("\n");
    const client = await streamExecute(server, { session_id, code, timeout: 50 });
    const before = gatewayBytes();
    await delay(2500);
    const stalled = gatewayBytes();
    const { body } = await server.request<{ executions: { state: string }[] }>(
      `/sessions/${session_id}/executions`,
    );
    expect(body.executions[0]?.state).toBe("running");
    expect(stalled - before).toBeLessThan(30 * 2 ** 20);
    const events = await client.all();
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(textOf(events).length).toBe(800 * 65536);
    expect(resultOf(events).stdout.length).toBe(800 * 65536);
  });

  test("does not move the deadline, and others are not slowed", async () => {
    const code = "while True:\n    print('y' * 10000)";
    const startedAt = Date.now();
    const client = await streamExecute(server, { session_id: "stuck", code, timeout: 1.5 });
    expect((await server.execute({ code: "print(1)" })).stdout).toBe("1\n");
    for (;;) {
      const { body } = await server.request<{
        executions: { state: string; status: string | null }[];
      }>("/sessions/stuck/executions");
      if (body.executions[0]?.state === "done") {
        expect(body.executions[0].status).toBe("timeout");
        break;
      }
      expect(Date.now() - startedAt).toBeLessThan(20_000);
      await delay(100);
    }
    expect(resultOf(await client.all()).status).toBe("timeout");
  });
});
