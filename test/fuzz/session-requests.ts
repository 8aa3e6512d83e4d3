/**
 * The routes of a session under odd input, held against what is known of it: the bytes of a file, the names in its
 * folder, the events of an execution.
 */
import assert from "node:assert/strict";
import { type IncomingHttpHeaders, request } from "node:http";
import { errorTable } from "../../packages/server/src/errors.ts";
import { type ErrorBody, type TestServer, uniqueId } from "../support/server.ts";
import { Random } from "./random.ts";
import {
  etagHeader,
  fileName,
  lastEventId,
  multipartForm,
  notebookBody,
  rangeHeader,
} from "./session-cases.ts";

const CONTENT = Buffer.from(Array.from({ length: 100 }, (_, at) => at));
const EVENTS = 12;
const ANSWER_MS_MAX = 20_000;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One session with a file, a folder and an execution in it. */
class Target {
  readonly #server: TestServer;
  readonly id = uniqueId("fuzz-session");
  etag = "";
  lastEvent = 0;

  constructor(server: TestServer) {
    this.#server = server;
  }

  async prepare(): Promise<void> {
    const lines = Array.from(
      { length: EVENTS },
      (_, at) => `display({'text/plain': '${at}'}, raw=True)`,
    );
    const answer = await this.#server.tryExecute({ session_id: this.id, code: lines.join("\n") });
    assert.equal(answer.status, 200, answer.text);
    const put = await this.ask("PUT", "/files/known", {}, CONTENT);
    assert.equal(put.status, 201);
    const head = await this.ask("HEAD", "/files/known");
    this.etag = head.headers.etag ?? "";
    const all = await this.ask("GET", "/executions/1/events");
    this.lastEvent = eventIds(all).at(-1) ?? 0;
    assert.ok(this.lastEvent > EVENTS);
  }

  ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: Buffer | string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        `${this.#server.baseUrl}/sessions/${this.id}${path}`,
        {
          method,
          headers: { "x-auth-token": this.#server.token, ...headers },
          signal: AbortSignal.timeout(ANSWER_MS_MAX),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
            }),
          );
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  async names(): Promise<string[]> {
    const { body } = await this.ask("GET", "/files");
    const { entries } = JSON.parse(body.toString()) as { entries: { name: string }[] };
    return entries.map(({ name }) => name);
  }
}

function eventIds({ body }: Answer): number[] {
  return [...body.toString().matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
}

/** A refusal is one of the table, in the one shape, and is the caller's fault. */
function assertRefused(answer: Answer, ...statuses: number[]): void {
  assert.ok(
    statuses.includes(answer.status),
    `${answer.status} is none of ${statuses}: ${answer.body.toString().slice(0, 500)}`,
  );
  const { error } = JSON.parse(answer.body.toString()) as ErrorBody;
  assert.ok(Object.hasOwn(errorTable, error.code), error.code);
  assert.equal(typeof error.message, "string");
}

async function checkReading(target: Target, random: Random): Promise<void> {
  const headers: Record<string, string> = {};
  if (random.chance(0.8)) headers["range"] = rangeHeader(random);
  if (random.chance(0.3)) headers["if-none-match"] = etagHeader(random, target.etag);
  if (random.chance(0.3)) headers["if-range"] = etagHeader(random, target.etag);
  const answer = await target.ask("GET", "/files/known", headers);
  if (answer.status < 400) assert.equal(answer.headers.etag, target.etag);
  switch (answer.status) {
    case 200:
      return assert.deepEqual(answer.body, CONTENT);
    case 304:
      assert.ok(headers["if-none-match"] !== undefined);
      return assert.equal(answer.body.length, 0);
    case 206: {
      const [, from, to, size] =
        /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers["content-range"] ?? "") ?? [];
      assert.equal(Number(size), CONTENT.length);
      assert.equal(Number(answer.headers["content-length"]), answer.body.length);
      assert.ok(answer.body.length > 0);
      return assert.deepEqual(answer.body, CONTENT.subarray(Number(from), Number(to) + 1));
    }
    default:
      assertRefused(answer, 416);
      assert.equal(answer.headers["content-range"], `bytes */${CONTENT.length}`);
  }
}

async function checkNames(target: Target, random: Random): Promise<void> {
  const name = fileName(random);
  const path = `/files/${encodeURIComponent(name)}`;
  const put = await target.ask("PUT", path, {}, name);
  if (put.status !== 201 && put.status !== 200) return assertRefused(put, 400);
  assert.ok((await target.names()).includes(name), "what was written is not listed");
  const read = await target.ask("GET", path);
  assert.equal(read.body.toString(), name);
  const disposition = read.headers["content-disposition"] ?? "";
  const [, plain, encoded] =
    /^inline; filename="([^"\\]*)"; filename\*=UTF-8''([\w.~%!#$&+^`|-]*)$/.exec(disposition) ?? [];
  assert.ok(plain !== undefined, `an odd Content-Disposition: ${disposition}`);
  assert.equal(decodeURIComponent(encoded ?? ""), name);
  assert.equal(read.headers["x-content-type-options"], "nosniff");
  assert.equal(read.headers["x-evil"], undefined);
  assert.equal((await target.ask("DELETE", path)).status, 204);
}

async function checkForm(target: Target, random: Random): Promise<void> {
  const { contentType, body, parts } = multipartForm(random);
  const folder = `form-${random.seed()}`;
  const answer = await target.ask(
    "POST",
    `/files?path=${folder}`,
    { "content-type": contentType },
    body,
  );
  if (answer.status !== 200) {
    assert.equal(parts, undefined, `a right form is refused: ${answer.body}`);
    assertRefused(answer, 400, 409, 413, 415);
    assert.ok(!(await target.names()).includes(folder), "a refused form leaves something");
    return;
  }
  const { files } = JSON.parse(answer.body.toString()) as {
    files: { path: string; size: number }[];
  };
  for (const { path, size } of files) {
    assert.ok(path.startsWith(`${folder}/`), `${path} is not in the folder that was named`);
    const read = await target.ask(
      "GET",
      `/files/${path.split("/").map(encodeURIComponent).join("/")}`,
    );
    assert.equal(read.body.length, size);
  }
  for (const { name, content } of parts ?? []) {
    const read = await target.ask("GET", `/files/${folder}/${name}`);
    assert.deepEqual(read.body, content);
  }
  assert.equal((await target.ask("DELETE", `/files/${folder}?recursive=true`)).status, 204);
}

async function checkEvents(target: Target, random: Random): Promise<void> {
  const id = lastEventId(random);
  const answer = await target.ask("GET", "/executions/1/events", { "last-event-id": id });
  if (answer.status === 400) return assertRefused(answer, 400);
  const after = Number(id);
  if (answer.status === 204) return assert.ok(after >= target.lastEvent);
  assert.equal(answer.status, 200);
  const expected = Array.from({ length: target.lastEvent - after }, (_, at) => after + at + 1);
  assert.deepEqual(eventIds(answer), expected);
}

async function checkNotebook(target: Target, random: Random): Promise<void> {
  const json = { "content-type": "application/json" };
  const answer = await target.ask("POST", "/notebook", json, notebookBody(random));
  if (answer.status !== 200) return assertRefused(answer, 400, 413, 429);
  if (answer.headers["content-type"]?.startsWith("text/event-stream")) return;
  const { notebook, status } = JSON.parse(answer.body.toString()) as {
    notebook: { nbformat: number; cells: { id: string; outputs?: unknown[] }[] };
    status: string;
  };
  assert.equal(notebook.nbformat, 4);
  assert.equal(typeof status, "string");
  const ids = notebook.cells.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, "two cells have one id");
}

const checks = [checkReading, checkReading, checkNames, checkForm, checkEvents, checkNotebook];

export interface SessionReport {
  checks: number;
}

/** Fails with the seed of the case that broke a promise. */
export async function fuzzSession(
  server: TestServer,
  random: Random,
  seconds: number,
): Promise<SessionReport> {
  const report: SessionReport = { checks: 0 };
  const pid = server.findProcess(/glovebox\.mjs gateway/).pid;
  const deadline = performance.now() + seconds * 1000;
  let failed = false;

  async function client(): Promise<void> {
    const target = new Target(server);
    await target.prepare();
    // A session keeps a hundred executions, and what is known of the first one's events must stay.
    const notebooks = new Target(server);
    while (performance.now() < deadline && !failed) {
      const check = random.pick(checks);
      const seed = random.seed();
      try {
        await check(check === checkNotebook ? notebooks : target, new Random(seed));
      } catch (error) {
        failed = true;
        throw new Error(`${check.name}(${seed}): ${(error as Error).message}`, { cause: error });
      }
      report.checks++;
    }
  }

  await Promise.all([client(), client()]);
  assert.equal(server.findProcess(/glovebox\.mjs gateway/).pid, pid, "the gateway was restarted");
  return report;
}
