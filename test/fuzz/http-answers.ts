/** Reads what a server has sent on one connection, and judges it. */
import assert from "node:assert/strict";
import { errorTable } from "../../packages/server/src/errors.ts";

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/**
 * Whole answers at the beginning of `bytes`. Bytes that begin no answer, or a part of one at the end, fail
 * when `ended` says that nothing more will come.
 */
export function readAnswers(bytes: Buffer, ended: boolean): Answer[] {
  const answers: Answer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const headEnd = rest.indexOf("\r\n\r\n");
    if (headEnd < 0) break;
    const head = rest.toString("latin1", 0, headEnd);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    assert.ok(status >= 100, `no answer begins with ${JSON.stringify(head.slice(0, 200))}`);
    const withoutBody = status < 200 || status === 204;
    const bodyStart = headEnd + 4;
    if (!withoutBody && /^transfer-encoding: chunked\r?$/im.test(head)) {
      const chunked = readChunks(rest.subarray(bodyStart));
      if (!chunked) break;
      answers.push({ status, head, body: chunked.body });
      rest = rest.subarray(bodyStart + chunked.length);
      continue;
    }
    // A stream to a client of HTTP/1.0, which knows no chunks, ends with its connection.
    const isStream = /^content-type: text\/event-stream/im.test(head);
    if (isStream && /^connection: close\r?$/im.test(head)) {
      if (!ended) break;
      answers.push({ status, head, body: rest.toString("utf8", bodyStart) });
      return answers;
    }
    const length = withoutBody ? 0 : Number(/^content-length: (\d+)\r?$/im.exec(head)?.[1]);
    assert.ok(Number.isInteger(length), `an answer without a length: ${head}`);
    // The answer to HEAD tells the length of what it leaves out; nothing or another answer follows.
    const following = rest.toString("latin1", bodyStart, bodyStart + 9);
    const isHead = length > 0 && (following === "HTTP/1.1 " || (following === "" && ended));
    const bodyEnd = bodyStart + (isHead ? 0 : length);
    if (rest.length < bodyEnd) break;
    answers.push({ status, head, body: rest.toString("utf8", bodyStart, bodyEnd) });
    rest = rest.subarray(bodyEnd);
  }
  if (ended) {
    const text = rest.toString("latin1", 0, 300);
    assert.equal(rest.length, 0, `an answer was cut or followed by ${JSON.stringify(text)}`);
  }
  return answers;
}

/** A body in chunks and how many bytes it took; undefined where its end has not come. */
function readChunks(bytes: Buffer): { body: string; length: number } | undefined {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (Number.isNaN(size) || bytes.length < next) return undefined;
    if (size === 0) return { body: Buffer.concat(pieces).toString("utf8"), length: next };
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}

/** The 504 is the answer to a timeout in the dialect that names `user_uuid`. */
const NOT_ERRORS = new Set([100, 200, 201, 204, 504]);
const SERVICE_CODES = Object.entries(errorTable)
  .filter(([, { status }]) => status === 503)
  .map(([code]) => code);

/** Of the program or of the host; a request never holds any of these, so an echo cannot either. */
const SECRETS = /\bat [^\n]*:\d+:\d+|node_modules|\.(ts|js|py):\d|\/(root|home|opt|var\/lib|run)\//;

export function judgeAnswer({ status, body, head }: Answer): void {
  const shown = `${head}\n\n${body}`.slice(0, 1500);
  assert.ok(status < 500 || status === 503 || status === 504, `status ${status}: ${shown}`);
  if (NOT_ERRORS.has(status) || body === "") {
    assert.ok(NOT_ERRORS.has(status) || body !== "" || /content-length: [1-9]/i.test(head), shown);
    return;
  }
  const { error } = JSON.parse(body) as { error: Record<string, unknown> };
  assert.deepEqual(Object.keys(JSON.parse(body) as object), ["detail", "error"], shown);
  assert.equal((JSON.parse(body) as { detail: unknown }).detail, error.message, shown);
  assert.equal(typeof error.code, "string", shown);
  assert.equal(typeof error.message, "string", shown);
  assert.equal(typeof error.request_id, "string", shown);
  const known = ["code", "message", "hint", "retry_after_ms", "request_id"];
  assert.deepEqual(
    Object.keys(error).filter((name) => !known.includes(name)),
    [],
    shown,
  );
  const { status: told } = errorTable[error.code as keyof typeof errorTable];
  assert.ok(status === told || (status === 431 && told === 400), shown);
  if (status === 503) assert.ok(SERVICE_CODES.includes(String(error.code)), shown);
  assert.ok(String(error.message).length < 3000, shown);
  assert.doesNotMatch(body, SECRETS, shown);
}
