/** Sends hostile HTTP to a live server and holds it to what it promises meanwhile. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { TestServer } from "../support/server.ts";
import { judgeAnswer, readAnswers } from "./http-answers.ts";
import { connectionBytes, STOPS_EVERYBODY } from "./http-cases.ts";
import { type Operation, readDescription } from "./openapi.ts";
import { Random } from "./random.ts";

const CONNECTIONS = 8;
/** After this long without a byte the client ends its side: what is incomplete stays incomplete. */
const QUIET_MS = 150;
/** Much more than any of these requests may take on a machine that does other work as well. */
const CLOSE_TIMEOUT_MS = 20_000;
const HEALTH_INTERVAL_MS = 100;
const HEALTH_MS_MAX = 5000;
const GROWTH_BYTES_MAX = 200 * 2 ** 20;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Everything that the server sends until it closes, or until all that came is whole and it is quiet. */
export function converse(port: number, bytes: Buffer, random: Random): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const timeout = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end after ${CLOSE_TIMEOUT_MS} ms; so far: ${Buffer.concat(chunks)}`));
    }, CLOSE_TIMEOUT_MS);
    let quiet: NodeJS.Timeout | undefined;
    const wait = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(() => socket.end(), chunks.length > 0 ? QUIET_MS : QUIET_MS * 4);
    };
    socket.on("connect", () => void writeInPieces(socket, bytes, random).then(wait));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      wait();
    });
    // A server that refuses what it is still being sent may reset the connection.
    socket.on("error", () => undefined);
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      clearTimeout(timeout);
      clearTimeout(quiet);
      resolve(Buffer.concat(chunks));
    });
  });
}

async function writeInPieces(socket: Socket, bytes: Buffer, random: Random): Promise<void> {
  const size = random.chance(0.8) ? bytes.length : 1 + random.below(bytes.length);
  for (let at = 0; at < bytes.length && socket.writable; at += size) {
    socket.write(bytes.subarray(at, at + size));
    if (size < bytes.length) await pause(random.below(4));
  }
}

interface Target {
  readonly port: number;
  readonly token: string;
  readonly routes: readonly Operation[];
}

/** The answers to one connection's bytes; how many there were. */
async function checkConnection(target: Target, seed: number): Promise<number> {
  const random = new Random(seed);
  const bytes = connectionBytes(random, target.routes, target.token);
  const received = await converse(target.port, bytes, random);
  // What the server still had to say when the client ended its side may be cut.
  const answers = readAnswers(received, false);
  for (const answer of answers) {
    try {
      judgeAnswer(answer);
    } catch (error) {
      const request = bytes.toString("latin1").slice(0, 600);
      throw new Error(`${(error as Error).message}\n--- the request\n${request}`, { cause: error });
    }
  }
  return answers.length;
}

function residentBytes(server: TestServer): number {
  const { pid } = server.findProcess(/glovebox\.mjs gateway/);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
}

export interface HttpReport {
  connections: number;
  answers: number;
  healthMsMax: number;
  growthBytes: number;
}

/** Until the time is over. Fails with the seed of the connection that broke a promise. */
export async function fuzzHttp(
  server: TestServer,
  random: Random,
  seconds: number,
): Promise<HttpReport> {
  const { operations } = await readDescription(server);
  const target: Target = {
    port: Number(new URL(server.baseUrl).port),
    token: server.token,
    routes: operations.filter(({ path }) => !STOPS_EVERYBODY.test(path)),
  };
  assert.ok(target.routes.length > 5, "the routes are not described");
  const report: HttpReport = { connections: 0, answers: 0, healthMsMax: 0, growthBytes: 0 };
  const deadline = performance.now() + seconds * 1000;
  const warmUp = performance.now() + (seconds * 1000) / 3;
  let residentAfterWarmUp = 0;
  let failed = false;

  async function clients(): Promise<void> {
    while (performance.now() < deadline && !failed) {
      const seed = random.seed();
      try {
        const answers = await checkConnection(target, seed);
        report.answers += answers;
      } catch (error) {
        failed = true;
        throw new Error(`connection ${seed}: ${(error as Error).message}`, { cause: error });
      }
      report.connections++;
    }
  }

  async function health(): Promise<void> {
    while (performance.now() < deadline && !failed) {
      const before = performance.now();
      const { status } = await server.request("/health");
      const took = performance.now() - before;
      report.healthMsMax = Math.max(report.healthMsMax, took);
      assert.equal(status, 200);
      assert.ok(took < HEALTH_MS_MAX, `/health took ${took} ms`);
      if (residentAfterWarmUp === 0 && performance.now() > warmUp) {
        residentAfterWarmUp = residentBytes(server);
      }
      await pause(HEALTH_INTERVAL_MS);
    }
  }

  const pid = server.findProcess(/glovebox\.mjs gateway/).pid;
  await Promise.all([...Array.from({ length: CONNECTIONS }, clients), health()]);
  assert.equal(server.findProcess(/glovebox\.mjs gateway/).pid, pid, "the gateway was restarted");
  report.growthBytes = residentBytes(server) - residentAfterWarmUp;
  assert.ok(
    report.growthBytes < GROWTH_BYTES_MAX,
    `the gateway grew by ${report.growthBytes} bytes`,
  );
  return report;
}
