/** Parsers of what comes in requests, and of what a session holds. */

import { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { KeyName } from "../../../packages/server/src/access/key-file.ts";
import { historyOf } from "../../../packages/server/src/compat/jupyter/kernel/questions.ts";
import { loadConfig } from "../../../packages/server/src/config.ts";
import { textInBundle } from "../../../packages/server/src/described-bundle.ts";
import { ChatRunner } from "../../../packages/server/src/desk/chat-runner.ts";
import { checkInputFiles } from "../../../packages/server/src/desk/input-files.ts";
import { parseMemory } from "../../../packages/server/src/desk/limits.ts";
import { checkName, checkPath } from "../../../packages/server/src/desk/paths.ts";
import { createAuthenticate } from "../../../packages/server/src/gateway/auth.ts";
import { contentDisposition } from "../../../packages/server/src/gateway/files/content-disposition.ts";
import { matchesEtag, parseRange } from "../../../packages/server/src/gateway/files/range.ts";
import { receiveForm } from "../../../packages/server/src/gateway/files/upload.ts";
import { COUNTED_BYTES } from "../../../packages/server/src/gateway/http/json-bodies.ts";
import { MemoryLimit, SessionId } from "../../../packages/server/src/gateway/schemas/common.ts";
import { countJsonValues } from "../../../packages/server/src/sandbox/guest/channel.ts";
import {
  explainCommand,
  explainFailure,
  explainInstall,
} from "../../../packages/server/src/sessions/explanation.ts";
import { notebookOutputs } from "../../../packages/server/src/sessions/notebook.ts";
import { readNotebook } from "../../../packages/server/src/sessions/notebook-input.ts";
import { checkPackages } from "../../../packages/server/src/sessions/packages.ts";
import {
  BODY,
  FRAME,
  HEADER,
  JSON_VALUES_MAX,
  NOTEBOOK_BODY,
  PIECE,
  type Row,
  toParsers,
} from "./row.ts";

const config = loadConfig({ WHEEL_DIR: "/tmp" }, "/nonexistent");

const bounds = {
  timeoutMsMax: 1,
  memoryBytesMax: 1,
  processes: 1,
  openFiles: 1,
  diskBytes: 1,
  diskInodes: 1,
  homeBytes: 512 * 2 ** 20,
  homeInodes: 65_536,
  hasWheels: true,
};

function failureOf(text: string) {
  return {
    ...{ status: "killed" as const, ename: text.slice(0, 1024), evalue: text, stderr: text },
    ...{ traceback: Array.from({ length: 200 }, () => text), kernelExitCode: undefined },
    ...{ sessionGoesOn: false, events: { oomKills: 0, processesRefused: 0 } },
    ...{ timeoutMs: 1, memoryBytes: 1, memoryPeakBytes: 1 },
  };
}

const guarded = createAuthenticate({
  adminToken: "secret",
  findKey: () => undefined,
  allowsOrigin: () => false,
});

const open = createAuthenticate({
  adminToken: undefined,
  findKey: () => undefined,
  allowsOrigin: () => false,
});

const asking = (headers: Record<string, string>, config: object = {}) =>
  ({
    ...{ headers, method: "GET", query: {} },
    routeOptions: { url: "/docs", config },
  }) as unknown as FastifyRequest;

const cell = (code: string) => ({
  request: { code, timeoutMs: 1, outputBytesMax: 1, allowInput: false },
  status: "ok" as const,
});

function valid(schema: TSchema): (text: string) => unknown {
  const check = Compile(Type.Object({ field: schema }));
  return (text) => check.Check({ field: text }) || [...check.Errors({ field: text })];
}

/** A form of one file, by the name, as the headers of its part have it. */
function form(name: string): Promise<void> {
  const head = `Content-Disposition: form-data; name="f"; filename="${name}"`;
  return receive(`--b\r\n${head}\r\n\r\nx\r\n--b--\r\n`);
}

function receive(body: string): Promise<void> {
  const raw = Object.assign(Readable.from([Buffer.from(body)]), {
    ...{ setTimeout: () => undefined, complete: true },
  });
  const headers = { "content-type": "multipart/form-data; boundary=b" };
  const writer = { next: () => undefined, write: async () => undefined };
  return receiveForm({ raw, headers } as never, "", writer as never, BODY);
}

const chatFiles = new ChatRunner({
  session: { useFiles: async () => ({ entries: [], truncated: false }) },
} as never);

/** Made once for each text: what brings bytes does not make them. */
function bytesOf(text: string): Buffer {
  if (lastBytes.text !== text) lastBytes = { text, bytes: Buffer.from(text, "latin1") };
  return lastBytes.bytes;
}

let lastBytes = { text: "", bytes: Buffer.alloc(0) };

const GATEWAY = "server/src/gateway";
const DESK = "server/src/desk";

const short: readonly Row[] = [
  [
    "a header of a range",
    `${GATEWAY}/files/range.ts`,
    HEADER,
    (text) => parseRange(text, 10),
    ["", "bytes=", "bytes=0-"],
  ],
  [
    "a header of versions",
    `${GATEWAY}/files/range.ts`,
    HEADER,
    (text) => matchesEtag(text, '"a"'),
    ["", "W/"],
  ],
  [
    "a token",
    `${GATEWAY}/auth.ts`,
    HEADER,
    (text) => guarded(asking({ authorization: text })),
    ["Bearer ", "Basic ", ""],
  ],
  [
    "a token of a Jupyter client",
    `${GATEWAY}/auth.ts`,
    HEADER,
    (text) => guarded(asking({ authorization: text }, { takesJupyterTokens: true })),
    ["token ", ""],
  ],
  [
    "a search in the history of a kernel",
    [],
    64,
    (text) =>
      historyOf(
        Array.from({ length: 100 }, () => cell("a".repeat(2000))),
        { hist_access_type: "search", pattern: text },
      ),
    ["*", "a*", "*a"],
  ],
  ["a host", `${GATEWAY}/auth.ts`, HEADER, (text) => open(asking({ host: text })), ["", "a."]],
  [
    "an origin",
    `${GATEWAY}/auth.ts`,
    HEADER,
    (text) => open(asking({ origin: text })),
    ["", "http://"],
  ],
  [
    "the name of a file in an answer",
    `${GATEWAY}/files/content-disposition.ts`,
    8192,
    (text) => contentDisposition("inline", text),
  ],
  ["a size of memory", `${DESK}/limits.ts`, 32, parseMemory, ["", "1", "1."]],
  ["a name in a form", [], PIECE - 200, form],
  [
    "parts of a form",
    [],
    PIECE,
    (text) => receive(`${text}\r\n--b--\r\n`),
    ["--b\r\n", "--b\r\nA: "],
  ],
  [
    "packages",
    "server/src/sessions/packages.ts",
    200,
    (text) => checkPackages(Array(50).fill(text), config),
    ["a", "a[", "a==", "a>=1,"],
  ],
  [
    "what failed",
    "server/src/sessions/exception-hints.ts",
    65_536,
    (text) => explainFailure(failureOf(text), bounds),
    ["", "No module named '", "[Errno 22]"],
  ],
  [
    "a file that is missing",
    "server/src/sessions/exception-hints.ts",
    65_536,
    (text) =>
      explainFailure({ ...failureOf(text), status: "error", ename: "FileNotFoundError" }, bounds),
    ["", "'", "[Errno 2] '"],
  ],
];

const long: readonly Row[] = [
  ["a path", `${DESK}/paths.ts`, BODY, checkPath, ["", "a"]],
  ["a path that must have a name", `${DESK}/paths.ts`, BODY, checkName],
  [
    "a path as a model writes it",
    `${DESK}/chat-runner.ts`,
    BODY,
    (text) => chatFiles.listFiles(text),
    ["", "/workspace/", "./"],
  ],
  [
    "base64",
    `${DESK}/input-files.ts`,
    BODY,
    (content) => checkInputFiles([{ path: "a", content, encoding: "base64" }], () => undefined),
  ],
  ["a session's name", [], BODY, valid(SessionId)],
  ["a size in a body", [], BODY, valid(MemoryLimit), ["", "1"]],
  ["a key's name", [], BODY, valid(KeyName)],
  [
    "a notebook",
    "server/src/sessions/notebook-input.ts",
    NOTEBOOK_BODY,
    (text) =>
      readNotebook({ nbformat: 4, cells: [{ cell_type: "raw", id: text, source: text }] }, BODY),
  ],
];

const looked: readonly Row[] = [
  [
    "a page that code shows",
    [
      "server/src/described-bundle.ts",
      "server/src/described-bundle/charts.ts",
      "server/src/described-bundle/markup.ts",
    ],
    FRAME,
    (text) => textInBundle({ "text/html": text, [text]: 1 }),
    ["", "<video src=", '<source src="data:video/'],
  ],
  [
    "a drawing that code shows",
    [],
    FRAME,
    (text) => textInBundle({ "image/svg+xml": text }),
    ["", "<svg width=", "<title>"],
  ],
  [
    "a document that code shows",
    [],
    FRAME,
    (text) => textInBundle({ "application/pdf": text, "text/plain": text }),
  ],
  [
    "values in a step of a notebook's JSON",
    [],
    COUNTED_BYTES,
    (text) => countJsonValues(bytesOf(text), JSON_VALUES_MAX),
    ['"', '""', "1"],
  ],
  [
    "what pip said, or a shell",
    "server/src/sessions/explanation.ts",
    FRAME,
    (text) => explainInstall(text, { hasWheels: true }) ?? explainCommand(text),
    ["", "sh: 1: "],
  ],
  [
    "kinds of an output",
    "server/src/sessions/notebook.ts",
    FRAME,
    (text) => notebookOutputs([{ output_type: "display_data", data: { [text]: 1 }, metadata: {} }]),
    ["", "application/"],
  ],
];

export const gatewayParsers = toParsers({ short, long, looked });
