/**
 * The live channel under fire: code in a session writes generated frames to the kernel's connection, during
 * a run and between runs. The session itself gets an answer of the right shape, whatever it says;
 * everybody else gets the right answer.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type TestServer, uniqueId } from "../support/server.ts";
import { assertExecutionShape } from "../support/shape.ts";
import { frameStream } from "./frames.ts";
import { Random } from "./random.ts";

const program = readFileSync(fileURLToPath(new URL("hostile_channel.py", import.meta.url)), "utf8");
const WAYS = ["during", "after", "child", "instead"];
const STREAM_BYTES_MAX = 100_000;

function hostileCode(random: Random): string {
  const streams = random.list(12, () => frameStream(random).subarray(0, STREAM_BYTES_MAX));
  const encoded = streams.map((stream) => stream.toString("base64"));
  const constants = { HOW: random.pick(WAYS), STREAMS: encoded };
  const lines = Object.entries(constants).map(
    ([name, value]) => `${name} = ${JSON.stringify(value)}`,
  );
  return `${lines.join("\n")}\n${program}`;
}

async function checkSession(server: TestServer, seed: number): Promise<void> {
  const random = new Random(seed);
  const session_id = uniqueId("hostile");
  for (const code of [hostileCode(random), "print(6 * 7)", hostileCode(random), "print(6 * 7)"]) {
    const answer = await server.tryExecute({ session_id, code, timeout: 3 });
    assert.equal(answer.status, 200, answer.text.slice(0, 1000));
    assertExecutionShape(answer.body);
    assert.equal(answer.body.session_id, session_id);
    assert.equal(answer.body.original_code, code);
  }
  const reset = await server.request(`/sessions/${session_id}/reset`, { method: "POST" });
  assert.equal(reset.status, 200, reset.text);
  assert.equal((await server.execute({ session_id, code: "print(6 * 7)" })).stdout, "42\n");
  const gone = await server.request(`/sessions/${session_id}`, { method: "DELETE" });
  assert.equal(gone.status, 204, gone.text);
}

export interface GuestReport {
  sessions: number;
  neighbourRuns: number;
}

export async function fuzzGuest(
  server: TestServer,
  random: Random,
  seconds: number,
): Promise<GuestReport> {
  const report: GuestReport = { sessions: 0, neighbourRuns: 0 };
  const pid = server.findProcess(/glovebox\.mjs gateway/).pid;
  const neighbour = uniqueId("neighbour");
  await server.execute({ session_id: neighbour, code: "runs = 0" });
  const deadline = performance.now() + seconds * 1000;
  let failed = false;

  async function attack(): Promise<void> {
    while (performance.now() < deadline && !failed) {
      const seed = random.seed();
      try {
        await checkSession(server, seed);
      } catch (error) {
        failed = true;
        throw new Error(`session ${seed}: ${(error as Error).message}`, { cause: error });
      }
      report.sessions++;
    }
  }

  async function neighbours(): Promise<void> {
    while (performance.now() < deadline && !failed) {
      const code = "runs += 1\nprint(runs)";
      const answer = await server.execute({ session_id: neighbour, code });
      report.neighbourRuns++;
      assert.equal(answer.stdout, `${report.neighbourRuns}\n`);
      assert.equal(answer.status, "ok");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  await Promise.all([attack(), attack(), attack(), neighbours()]);
  assert.equal(server.findProcess(/glovebox\.mjs gateway/).pid, pid, "the gateway was restarted");
  return report;
}
