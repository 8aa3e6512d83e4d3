/** A bounded run of the fuzzers that need a server; `npm run fuzz` has longer ones. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { fuzzGuest } from "../fuzz/guest.ts";
import { converse, fuzzHttp } from "../fuzz/http.ts";
import { judgeAnswer, readAnswers } from "../fuzz/http-answers.ts";
import { chosenSeed, Random, withSeed } from "../fuzz/random.ts";
import { fuzzSession } from "../fuzz/session-requests.ts";
import { startServer, type TestServer } from "../support/server.ts";

const seed = chosenSeed();
let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    env: { MAX_SESSIONS: "20", MAX_EXECUTION_TIME: "5", ACQUIRE_TIMEOUT: "2" },
  });
});

afterAll(() => server?.stop());

/** Found by the fuzzer: Node has answers of its own to these, without a body. */
test.each([
  ["no Host", "GET /health HTTP/1.1\r\n\r\n", 400],
  ["no Host and HTTP/1.0", "GET /health HTTP/1.0\r\n\r\n", 200],
  ["a strange expectation", "GET /none HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n\r\n", 401],
])("a request with %s is answered by the gateway", async (_, request, status) => {
  const port = Number(new URL(server.baseUrl).port);
  const answers = readAnswers(await converse(port, Buffer.from(request), new Random(1)), true);
  expect(answers.map((answer) => answer.status)).toEqual([status]);
  for (const answer of answers) judgeAnswer(answer);
});

test("hostile HTTP gets an answer of the one shape or a closed connection", () =>
  withSeed(seed, async () => {
    const report = await fuzzHttp(server, new Random(seed), 8);
    expect(report.connections).toBeGreaterThan(20);
    // Most are answered; the others end in the middle of a request.
    expect(report.answers).toBeGreaterThan(report.connections / 2);
  }));

test("odd requests for a session's files, events and notebooks are answered by what is known of it", () =>
  withSeed(seed, async () => {
    const report = await fuzzSession(server, new Random(seed), 8);
    expect(report.checks).toBeGreaterThan(20);
  }));

test("hostile frames on the live channel cost their own session only", () =>
  withSeed(seed, async () => {
    const report = await fuzzGuest(server, new Random(seed), 8);
    expect(report.sessions).toBeGreaterThan(0);
    expect(report.neighbourRuns).toBeGreaterThan(10);
  }));
