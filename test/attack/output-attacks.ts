/** Attacks by what runs leave behind: outputs that cost the gateway more than they cost their author. */
import { expect } from "vitest";
import { openEvents, resultOf } from "../support/events.ts";
import { probeHealth } from "../support/health.ts";
import { type TestServer, uniqueId } from "../support/server.ts";
import type { HttpAttack } from "./http-attacks.ts";

const FOLLOWERS = 15;
const HALVES = 700_000;
/** Of answers of /health that take more than a tenth of a second. Bytes made for each follower would take 10 s. */
const HELD_UP_MS_MAX = 4000;

/** Halves of characters, in as many displays and for as many followers as there may be of a run of no cost. */
async function multipliedEvents(server: TestServer): Promise<void> {
  const session_id = uniqueId("multiplied");
  await server.execute({ session_id, code: "import time" });
  const code = `time.sleep(2)\nfor n in range(2): display({'text/plain': chr(0xd800) * ${HALVES}}, raw=True)`;
  const running = server.execute({ session_id, code });
  const path = `/sessions/${session_id}/executions/2/events`;
  const streams = await Promise.all(
    Array.from({ length: FOLLOWERS }, () => openEvents(server, "GET", path)),
  );
  const health = probeHealth(server);
  const [first, ...others] = await Promise.all(
    streams.map(async (stream, n) => (n === 0 ? stream.all() : bytesOf(stream.response))),
  );
  const result = await running;
  await health.stop();
  const slow = health.answersMs.filter((ms) => ms > 100);
  expect(slow.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(HELD_UP_MS_MAX);
  expect(Math.min(...health.answersMs)).toBeGreaterThanOrEqual(0);
  const whole = { "text/plain": "\ufffd".repeat(HALVES) };
  expect(result.outputs.map((output) => "data" in output && output.data)).toEqual([whole, whole]);
  expect(resultOf(first as never)).toEqual(result);
  expect(new Set(others).size).toBe(1);
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}

/** One key's results are many times what may be kept of all; another's single small one stays. */
async function crowdedResults(server: TestServer): Promise<void> {
  const honest = await createKey(server);
  const greedy = await createKey(server);
  const asked = { session_id: "small", code: "print('x' * 4000)" };
  expect((await ask(server, honest.key, "/execute", asked)).status).toBe(200);
  const code = "display({'text/plain': 'x' * 1_900_000}, raw=True)";
  for (let n = 0; n < SESSIONS; n++) {
    const { status, text } = await ask(server, greedy.key, "/execute", {
      session_id: `s${n}`,
      code,
    });
    expect(status, text.slice(0, 500)).toBe(200);
  }
  const kept = async (key: string, id: string) =>
    (await ask<{ dropped: boolean }>(server, key, `/sessions/${id}/executions/1`)).body.dropped;
  expect(await kept(honest.key, "small")).toBe(false);
  expect(await kept(greedy.key, "s0")).toBe(true);
  expect(await kept(greedy.key, `s${SESSIONS - 1}`)).toBe(false);
  for (const { id } of [honest, greedy]) {
    await server.request(`/api/keys/${id}`, { method: "DELETE" });
  }
}

/** Results of so many are more than the suite's server keeps. */
const SESSIONS = 12;

async function createKey(server: TestServer): Promise<{ id: string; key: string }> {
  const body = { name: uniqueId("attack"), role: "execute" };
  return (await server.request<{ id: string; key: string }>("/api/keys", { body })).body;
}

function ask<Body>(server: TestServer, key: string, path: string, body?: object) {
  const headers = { "x-auth-token": key };
  return server.request<Body>(path, { body, headers, authenticated: false });
}

export const outputAttacks: Readonly<Record<string, HttpAttack>> = {
  multipliedEvents,
  crowdedResults,
};
