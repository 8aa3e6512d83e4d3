/**
 * HTTP requests as a hostile client would write them. The routes and the bodies come
 * from the description that the server gives of itself: mostly right, so that they get far, and then bent somewhere.
 */
import { brokenText, deepText, jsonString, jsonText } from "./json.ts";
import type { Operation, Schema } from "./openapi.ts";
import type { Random } from "./random.ts";

/** What stops the work of everybody is not for a run that watches an honest session meanwhile. */
export const STOPS_EVERYBODY = /panic|resume/;

/** Few names, so that requests meet in the same sessions. */
const NAMES = ["fuzz-a", "fuzz-b", "fuzz.c:1@x", "f", "200m", "64k", "0.5g", "1048576", "33554432"];
const CODES = [
  "1",
  "print(1)",
  "x = 1",
  "raise ValueError('\\u00e4')",
  "",
  " ",
  "!echo 1",
  "import os; os._exit(1)",
];
const ABSURD_NUMBERS = ["1e999", "-1", "0", "1e-300", "9".repeat(50), "0.05", "0.1", "2", "1.5"];

/** A value that a schema allows, as JSON. */
export function schemaText(random: Random, schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return JSON.stringify(random.pick(schema.enum));
  if (schema.anyOf) return schemaText(random, random.pick(schema.anyOf));
  switch (schema.type) {
    case "object": {
      const fields = Object.entries(schema.properties ?? {})
        .filter(([name]) => schema.required?.includes(name) || random.chance(0.4))
        .map(([name, inner]) => `${JSON.stringify(name)}:${schemaText(random, inner)}`);
      return `{${fields.join(",")}}`;
    }
    case "string": {
      const pattern = new RegExp(schema.pattern ?? "");
      const choices = schema.pattern ? NAMES : CODES;
      return JSON.stringify(random.pick(choices.filter((choice) => pattern.test(choice))));
    }
    case "array":
      return `[${random.list(2, () => schemaText(random, schema.items ?? {})).join(",")}]`;
    case "boolean":
      return random.pick(["true", "false"]);
    case "integer":
      return random.pick(["67108864", "1", "100000000"]);
    case "number":
      return random.pick(["0.1", "0.5", "1", "2"]);
    default:
      return jsonText(random, 2);
  }
}

/** A text with one of its values replaced, doubled or torn. */
function bend(random: Random, text: string): string {
  switch (random.below(9)) {
    case 0:
      return text.replace(/:[^,}]*/, `:${jsonText(random, 2)}`);
    case 1:
      return text.replace(/:[^,}]*/, `:${random.pick(ABSURD_NUMBERS)}`);
    case 2:
      return text.replace(/}$/, `,${jsonString(random)}:${jsonText(random, 2)}}`);
    case 3:
      return text.replace(/}$/, `,${text.slice(1)}`);
    case 4:
      return text.slice(0, random.below(text.length + 1));
    case 5:
      return text.replace(
        /}$/,
        `,"x":${random.chance(0.5) ? deepText(random) : brokenText(random)}}`,
      );
    case 6:
      return `${text}${random.pick(["}", "\0", "garbage", text, " ".repeat(2000)])}`;
    case 7:
      return `{${Array.from({ length: 2000 }, (_, at) => `"k${at}":${at}`).join(",")}}`;
    default:
      return random.pick([jsonText(random), deepText(random), brokenText(random)]);
  }
}

function bodyOf(random: Random, schemas: readonly Schema[]): Buffer {
  let text = schemaText(random, random.pick(schemas));
  while (random.chance(0.35)) text = bend(random, text);
  const bytes = Buffer.from(text);
  if (random.chance(0.1)) return bytes.fill(random.below(256), random.below(bytes.length + 1));
  return bytes;
}

const PATH_GARBAGE = [
  "%2f",
  "%2F..%2f",
  "%00",
  "%",
  "%zz",
  "%c0%ae",
  "%ff",
  "..",
  "//",
  "/../",
  "\\",
  ";",
  "?",
  "?x=%",
  "#",
  "*",
  "ä",
  "__proto__",
  "x".repeat(600),
  "/".repeat(300),
];

function pathOf(random: Random, path: string): string {
  let full = path.replace(/\{\w+\}/g, () =>
    random.chance(0.8) ? random.pick(NAMES) : random.pick(PATH_GARBAGE),
  );
  if (random.chance(0.15)) {
    const at = random.below(full.length + 1);
    full = full.slice(0, at) + random.pick(PATH_GARBAGE) + full.slice(at);
  }
  if (random.chance(0.03)) full = `http://127.0.0.1${full}`;
  return full;
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "QUERY"];
const NOT_METHODS = ["CONNECT", "get", "G\0T", "", "XYZZY", "GET GET"];
const CONTENT_TYPES = [
  "application/json; charset=utf-8",
  "application/json; charset=utf-16",
  "APPLICATION/JSON",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/json, text/plain",
  "application/",
  ";",
  "",
];
const ODD_HEADERS = [
  "Content-Encoding: gzip",
  "Transfer-Encoding: gzip",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding : chunked",
  "Content-Length: -1",
  "Content-Length: 0x10",
  "Content-Length: 99999999999999999999",
  "Content-Length: 1\r\nContent-Length: 2",
  "Expect: 100-continue",
  "Expect: 200-ok",
  "Upgrade: websocket\r\nConnection: Upgrade",
  "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAAA",
  "Connection: close",
  "Connection: content-length",
  "Host: a\r\nHost: b",
  "Cookie: \xff\xfe",
  "X-Null: a\0b",
  "X-Fold: a\r\n b",
  "X-Bare: a\nX-Other: b",
  ": no name",
  "no colon",
  `X-Long: ${"a".repeat(9000)}`,
  `X-Longer: ${"a".repeat(40_000)}`,
  `Authorization: Bearer ${"x".repeat(3000)}`,
  "Authorization: Bearer \xe4",
  "Request-Id: ../../etc/passwd",
  "X-HTTP-Method-Override: DELETE",
  "Range: bytes=0-1",
  "Accept-Encoding: gzip, br",
];

/** A body in chunks, and sometimes in what only looks like chunks. */
function chunked(random: Random, body: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const piece = body.subarray(at, at + 1 + random.below(40));
    at += piece.length;
    const told = random.chance(0.97)
      ? piece.length
      : random.pick([0, -1, 1, 2 ** 40, piece.length + 1]);
    const extension = random.chance(0.05) ? `;${"e".repeat(random.below(3000))}` : "";
    pieces.push(Buffer.from(`${told.toString(16)}${extension}\r\n`), piece, Buffer.from("\r\n"));
  }
  const end = random.pick([
    "0\r\n\r\n",
    "0\r\n\r\n",
    "0\r\n\r\n",
    "0\r\nX-Trailer: y\r\n\r\n",
    "0\r\n",
    "zz\r\n",
  ]);
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

/** One request, from its method to the end of its body. */
function oneRequest(random: Random, routes: readonly Operation[], token: string): Buffer {
  const route = random.pick(routes);
  let method = random.chance(0.85) ? route.method : random.pick(METHODS);
  if (random.chance(0.02)) method = random.pick(NOT_METHODS);
  const version = random.chance(0.96)
    ? "HTTP/1.1"
    : random.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/9", "X"]);
  const headers = [`${method} ${pathOf(random, route.path)} ${version}`];
  if (random.chance(0.97)) headers.push("Host: fuzz");
  if (random.chance(0.9)) headers.push(`X-Auth-Token: ${token}`);
  while (random.chance(0.2)) headers.push(random.pick(ODD_HEADERS));
  let body: Buffer = Buffer.alloc(0);
  if (random.chance(method === "GET" ? 0.1 : 0.9)) {
    const own = random.chance(0.7) && route.body ? [route.body] : undefined;
    body = bodyOf(random, own ?? routes.flatMap((one) => one.body ?? []));
    const type = random.chance(0.9) ? "application/json" : random.pick(CONTENT_TYPES);
    headers.push(`Content-Type: ${type}`);
    if (random.chance(0.8)) {
      const told = random.chance(0.95)
        ? body.length
        : random.pick([0, 1, body.length + 9, 900_000_000]);
      headers.push(`Content-Length: ${told}`);
    } else {
      headers.push("Transfer-Encoding: chunked");
      body = chunked(random, body);
    }
  }
  return Buffer.concat([Buffer.from(`${headers.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

/** What goes over one connection: a request, often several at once, sometimes damaged on the wire. */
export function connectionBytes(
  random: Random,
  routes: readonly Operation[],
  token: string,
): Buffer {
  const count = random.chance(0.8) ? 1 : random.between(2, 6);
  const requests = Array.from({ length: count }, () => oneRequest(random, routes, token));
  let bytes: Buffer = Buffer.concat(requests);
  if (random.chance(0.08)) {
    const at = random.below(bytes.length);
    bytes[at] = random.below(256);
  }
  if (random.chance(0.04)) bytes = bytes.subarray(0, random.below(bytes.length));
  if (random.chance(0.02)) bytes = random.bytes(random.below(300));
  return bytes;
}
