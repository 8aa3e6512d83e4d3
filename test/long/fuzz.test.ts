/** A bounded run of the fuzzers that need a server; `npm run fuzz` has longer ones. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { fuzzGuest } from "../fuzz/guest.ts";
import { fuzzHttp } from "../fuzz/http.ts";
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
