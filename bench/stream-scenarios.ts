/** What streaming costs: beside the plain answer, until the first byte, and while nothing happens. */
import { setTimeout as sleep } from "node:timers/promises";
import { EventConnection } from "./event-connection.js";
import type { GloveboxSystem } from "./glovebox-system.js";
import { encodeRequest, HttpConnection } from "./http-connection.js";
import { memoryOf } from "./process-memory.js";
import type { Figures } from "./scenarios.js";
import { summarize } from "./stats.js";

const CODE = "a = 1\na + 1";
const RESULT = '"text/plain":"2"';
/** So many requests of one kind before it is the other's turn: a hiccup hits both. */
const TURN = 20;
const SLOW_CODE = "import time\nprint('now')\ntime.sleep(0.1)";
const SLEEPERS = 4;
const SETTLE_MS = 1_500;

/** The same short run as plain JSON and as a stream, in turns, by one user each. */
export async function measureStreamed(system: GloveboxSystem, rounds: number): Promise<Figures> {
  const plainRequest = execute(system, { session_id: "bench-plain", code: CODE });
  const request = execute(system, { session_id: "bench-stream", code: CODE, stream: true });
  const plain = await HttpConnection.open(system.port);
  const streamed = await EventConnection.open(system.port);
  const times = { plain: [] as number[], streamed: [] as number[] };
  for (let round = 0; round < rounds; round += TURN) {
    await repeat(times.plain, async () => {
      const { body } = await plain.send(plainRequest);
      if (!body.includes(RESULT)) throw new Error(`Another answer: ${body.slice(0, 200)}`);
    });
    await repeat(times.streamed, async () => {
      const { text } = await streamed.send(request, "event: result");
      if (!text.includes(RESULT)) throw new Error(`Another answer: ${text.slice(0, 200)}`);
    });
  }
  plain.close();
  streamed.close();
  // Node compiles its hot paths during the first requests.
  const later = (list: number[]) => summarize(list.slice(list.length / 4));
  const [plainMs, streamedMs] = [later(times.plain).p50_ms, later(times.streamed).p50_ms];
  return {
    plain_p50_ms: plainMs,
    streamed_p50_ms: streamedMs,
    more_percent: 100 * (streamedMs / plainMs - 1),
  };
}

async function repeat(times: number[], once: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < TURN; turn += 1) {
    const start = performance.now();
    await once();
    times.push(performance.now() - start);
  }
}

/** From the request to the first byte of a print that a sleep follows. */
export async function measureFirstByte(system: GloveboxSystem, rounds: number): Promise<Figures> {
  const request = execute(system, { session_id: "bench-first", code: SLOW_CODE, stream: true });
  const connection = await EventConnection.open(system.port);
  const times: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const { markMs } = await connection.send(request, '"text":"now\\n"');
    if (round > 0) times.push(markMs);
  }
  connection.close();
  return { ...summarize(times) };
}

/** What the gateway holds for streams in which nothing happens, their connections included. */
export async function measureIdleStreams(system: GloveboxSystem, count: number): Promise<Figures> {
  const sleepers = await Promise.all(
    Array.from({ length: SLEEPERS }, () => EventConnection.open(system.port)),
  );
  await Promise.all(
    sleepers.map((connection, index) =>
      connection.follow(
        execute(system, {
          session_id: `bench-idle-${index}`,
          code: "import time\ntime.sleep(25)",
          stream: true,
        }),
        '"running"',
      ),
    ),
  );
  await sleep(SETTLE_MS);
  const before = memoryOf([system.gatewayPid()]).private_bytes;
  const streams: EventConnection[] = [];
  for (let index = 0; index < count; index += 1) {
    const path = `/sessions/bench-idle-${index % SLEEPERS}/executions/1/events`;
    const connection = await EventConnection.open(system.port);
    await connection.follow(encodeRequest("GET", path, system.headers), '"running"');
    streams.push(connection);
  }
  await sleep(SETTLE_MS);
  const bytes = memoryOf([system.gatewayPid()]).private_bytes - before;
  for (const connection of [...streams, ...sleepers]) connection.close();
  return { streams: count, mb: bytes / 1e6, kb_per_stream: bytes / count / 1e3 };
}

function execute(system: GloveboxSystem, body: object): Buffer {
  return encodeRequest("POST", "/execute", system.headers, body);
}
