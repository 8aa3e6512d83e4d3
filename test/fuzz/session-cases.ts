/** Headers, names, forms and notebooks for the routes of a session: right ones, and bent ones. */
import { brokenText, jsonText } from "./json.ts";
import type { Random } from "./random.ts";

const NUMBERS = ["0", "1", "9", "10", "99", "100", "101", "-1", "", "007", "1e3", "9".repeat(15)];

function number(random: Random): string {
  return random.chance(0.9) ? random.pick(NUMBERS) : "9".repeat(random.below(400));
}

export function rangeHeader(random: Random): string {
  const one = () => `${number(random)}-${number(random)}`;
  return random.pick([
    () => `bytes=${one()}`,
    () => `bytes=${random.below(110)}-${random.below(120)}`,
    () => `BYTES=${one()}`,
    () => `bytes = ${one()}`,
    () => `bytes=${random.list(30, one).join(",")}`,
    () => `lines=${one()}`,
    () => "bytes=--1",
    () => `bytes=${" ".repeat(random.below(3000))}1-2`,
    () =>
      random
        .bytes(random.below(30))
        .toString("latin1")
        .replace(/[^\x20-\x7e\x80-\xff]/g, "-"),
  ])();
}

export function etagHeader(random: Random, etag: string): string {
  return random.pick([
    etag,
    `W/${etag}`,
    "*",
    `"other", ${etag}`,
    etag.replaceAll('"', ""),
    '"',
    ",".repeat(random.below(5000)),
    `"${"x".repeat(random.below(5000))}"`,
  ]);
}

export function lastEventId(random: Random): string {
  return random.chance(0.8)
    ? number(random)
    : random.pick(["-0", "+1", " 1", "1, 2", "0x1", "NaN", "__proto__", "\xff", "1.0"]);
}

const NAME_PIECES = [
  ...["a", "b.txt", ".html", " ", '"', "'", ";", "=", "%", "%22", "\\", "..", ".", "*", "?", "#"],
  ...["\u00e4", "\u65e5\u672c", "\u202e", "\u0085", "\ufeff", "\ud83d\ude00", "+", "&", "<script>"],
  ...["\r\nX-Evil: 1", "\n", "\0", "\x7f", "x".repeat(90), "filename*=UTF-8''x"],
];

/** One name in a folder; nothing of it is a separator. */
export function fileName(random: Random): string {
  return `n${random.list(5, () => random.pick(NAME_PIECES)).join("")}`;
}

interface Part {
  readonly name: string;
  readonly content: Buffer;
}

export interface Form {
  readonly contentType: string;
  readonly body: Buffer;
  /** What it holds if the form is right; undefined when it is bent. */
  readonly parts: readonly Part[] | undefined;
}

export function multipartForm(random: Random): Form {
  const boundary = random.pick(["x", "----WebKitFormBoundaryABC", "a b", "-".repeat(60)]);
  const quoted = `multipart/form-data; boundary="${boundary}"`;
  const parts = Array.from({ length: random.between(1, 4) }, (_, at) => ({
    name: `part-${at}-${random.below(1000)}`,
    content: contentOf(random, boundary),
  }));
  const pieces = parts.flatMap(({ name, content }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n`,
    ),
    Buffer.from("Content-Type: application/octet-stream\r\n\r\n"),
    content,
    Buffer.from("\r\n"),
  ]);
  const body = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
  if (random.chance(0.4)) return { contentType: quoted, body, parts };
  const contentType = random.pick([
    ...[quoted, quoted, quoted, quoted, "multipart/form-data"],
    ...["multipart/form-data; boundary=", `multipart/form-data; boundary=${"b".repeat(300)}`],
    ...["multipart/form-data; boundary=other", "multipart/mixed; boundary=x"],
  ]);
  return { contentType, body: bendForm(random, body, boundary), parts: undefined };
}

/** Much of it looks like the boundary, nearly. */
function contentOf(random: Random, boundary: string): Buffer {
  const pieces = ["\r\n", `\r\n--${boundary.slice(0, -1)}_`, "--", "\r", "\n--", "text", "\0\xff"];
  return Buffer.concat(random.list(30, () => Buffer.from(random.pick(pieces), "latin1")));
}

const FORM_PIECES = [
  ...["\r\n", "\r\n\r\n", "--", '"', ";", "filename=", 'filename="../../x"', 'filename=""'],
  ...['filename="/etc/passwd"', "filename*=UTF-8''%00", "Content-Disposition: form-data\r\n"],
  ...["Content-Transfer-Encoding: base64\r\n", "X: y\r\n".repeat(200), "z".repeat(100_000)],
];

function bendForm(random: Random, body: Buffer, boundary: string): Buffer {
  let bent = body;
  for (let bends = random.between(1, 3); bends > 0; bends--) {
    const at = random.below(bent.length + 1);
    const piece = random.pick([...FORM_PIECES, `--${boundary}`, `--${boundary}--\r\n`]);
    const cut = random.chance(0.4) ? random.below(60) : 0;
    bent = random.chance(0.35)
      ? bent.subarray(0, at)
      : Buffer.concat([bent.subarray(0, at), Buffer.from(piece), bent.subarray(at + cut)]);
  }
  return bent;
}

/** The text of a body for POST …/notebook. */
export function notebookBody(random: Random): string {
  const odd = () => (random.chance(0.9) ? jsonText(random, 3) : brokenText(random));
  const or = (text: string, probability = 0.93) => (random.chance(probability) ? text : odd());
  const cell = () => {
    const source = random.pick(['"1 + 1"', '["a = 1\\n", "a"]', '"raise ValueError(1)"', '"%"']);
    return or(
      `{"cell_type":${or(random.pick(['"code"', '"code"', '"markdown"', '"raw"']))},"id":${or('"same"')},` +
        `"metadata":${or('{"tags":["raises-exception"]}')},"source":${or(source)},"outputs":${or("[]")}}`,
    );
  };
  const cells = random.chance(0.02) ? Array(1200).fill(cell()) : random.list(5, cell);
  const notebook = `{"nbformat":${or("4", 0.97)},"nbformat_minor":${or("5")},"metadata":${or("{}")},"cells":${or(`[${cells.join(",")}]`)}}`;
  const options = random.pick([
    "",
    ',"on_error":"continue"',
    ',"timeout":0.5',
    `,"stream":${odd()}`,
  ]);
  return `{"notebook":${or(notebook, 0.97)}${options}}`;
}
