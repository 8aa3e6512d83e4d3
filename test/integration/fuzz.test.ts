/** What `npm run fuzz` has found of HTTP; short runs of it are in `test/long`. */
import { beforeAll, expect, test } from "vitest";
import { converse } from "../fuzz/http.ts";
import { judgeAnswer, readAnswers } from "../fuzz/http-answers.ts";
import { Random } from "../fuzz/random.ts";
import type { Client } from "../support/client.ts";
import { joinSharedServer } from "../support/shared-server.ts";

let server: Client;

beforeAll(async () => {
  server = await joinSharedServer();
});

/** Node has answers of its own to these, without a body. */
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
