/**
 * The parsers of text that others have written: the longest text that each can be given, and how a text
 * that is bad for it begins. A new parser is one row; test/event-loop.test.ts runs them all.
 */
import { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { checkSessionId } from "../../packages/sdk/src/options.ts";
import { SseParser } from "../../packages/sdk/src/sse.ts";
import { KeyName } from "../../packages/server/src/access/key-file.ts";
import { unseal } from "../../packages/server/src/audit/record.ts";
import { isIndent, isPlain } from "../../packages/server/src/cli/commands/cell-reader.ts";
import { sentenceOf } from "../../packages/server/src/cli/commands/command.ts";
import { safeParts } from "../../packages/server/src/cli/commands/output-folder.ts";
import { runReplCommand } from "../../packages/server/src/cli/commands/repl-commands.ts";
import { plainText } from "../../packages/server/src/cli/data/failure.ts";
import { parseReference } from "../../packages/server/src/cli/data/hub.ts";
import { safeSegments } from "../../packages/server/src/cli/data/names.ts";
import { Wildcard } from "../../packages/server/src/cli/data/wildcard.ts";
import { bundleText } from "../../packages/server/src/cli/terminal/bundle.ts";
import { EscapeFilter, printable } from "../../packages/server/src/cli/terminal/escape-filter.ts";
import { highlight } from "../../packages/server/src/cli/terminal/highlight.ts";
import { Screen } from "../../packages/server/src/cli/terminal/screen.ts";
import { colourTraceback } from "../../packages/server/src/cli/terminal/traceback.ts";
import { cutToWidth, textWidth } from "../../packages/server/src/cli/terminal/width.ts";
import { parseDataMounts } from "../../packages/server/src/config/data-mounts.ts";
import { readValidationPolicy } from "../../packages/server/src/config/model-settings.ts";
import { loadConfig } from "../../packages/server/src/config.ts";
import { createAuthenticate } from "../../packages/server/src/gateway/auth.ts";
import { SessionChatBench } from "../../packages/server/src/gateway/chat-bench.ts";
import {
  checkName,
  checkPath,
  contentDisposition,
} from "../../packages/server/src/gateway/files/path.ts";
import { matchesEtag, parseRange } from "../../packages/server/src/gateway/files/range.ts";
import { receiveForm } from "../../packages/server/src/gateway/files/upload.ts";
import { checkInputFiles } from "../../packages/server/src/gateway/input-files.ts";
import { parseMemory } from "../../packages/server/src/gateway/limits.ts";
import { MemoryLimit, SessionId } from "../../packages/server/src/gateway/schemas/common.ts";
import {
  extractAnswer,
  extractFields,
} from "../../packages/server/src/generate/answer/extraction.ts";
import {
  placeAttachments,
  tellAttachments,
} from "../../packages/server/src/generate/chat/attachments.ts";
import { ChatAnswer } from "../../packages/server/src/generate/chat/chat-answer.ts";
import {
  readMessage,
  textOf,
  toModelMessages,
} from "../../packages/server/src/generate/chat/messages.ts";
import { imagesOf, tellModel } from "../../packages/server/src/generate/chat/tool-output.ts";
import { readCall } from "../../packages/server/src/generate/chat/tools.ts";
import { DataMarks, withoutDataBlocks } from "../../packages/server/src/generate/data-block.ts";
import {
  refusalOf,
  retryAfterMs,
  toServiceError,
} from "../../packages/server/src/generate/model-errors.ts";
import { countJsonValues } from "../../packages/server/src/sandbox/channel.ts";
import { explainFailure, explainInstall } from "../../packages/server/src/sessions/explanation.ts";
import { notebookOutputs } from "../../packages/server/src/sessions/notebook.ts";
import { readNotebook } from "../../packages/server/src/sessions/notebook-input.ts";
import { checkPackages } from "../../packages/server/src/sessions/packages.ts";
import { ALL_FRAGMENTS, FEW_FRAGMENTS, SHORT_FRAGMENTS } from "./worst-texts.ts";

export interface ParserRow {
  readonly what: string;
  /** The modules whose patterns it runs, below packages/. */
  readonly modules: readonly string[];
  readonly charactersMax: number;
  readonly fragments: readonly string[];
  readonly beginnings: readonly string[];
  /** What it throws is its answer, and told in time as well. */
  readonly parse: (text: string) => unknown;
}

const BODY = 6 * 2 ** 20 + 65_536;
const NOTEBOOK_BODY = 16 * 2 ** 20;
const HEADER = 16_384;
/** An argument of a program, as Linux bounds it. */
const ARGUMENT = 131_072;
const FRAME = 8 * 2 ** 20;
const MODEL_ANSWER = 65_536;
/** As a connection gives it, or a pipe. What is a program of its own serves nobody else meanwhile. */
const PIECE = 65_536;
const JSON_VALUES_MAX = 1_500_000;

type Row = readonly [
  what: string,
  modules: string | readonly string[],
  charactersMax: number,
  parse: (text: string) => unknown,
  beginnings?: readonly string[],
];

const config = loadConfig({ WHEEL_DIR: "/tmp" }, "/nonexistent");
const marks = new DataMarks();
const bounds = {
  timeoutMsMax: 1,
  memoryBytesMax: 1,
  processes: 1,
  openFiles: 1,
  diskBytes: 1,
  diskInodes: 1,
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

const guarded = createAuthenticate({ adminToken: "secret", findKey: () => undefined });
const open = createAuthenticate({ adminToken: undefined, findKey: () => undefined });
const asking = (headers: Record<string, string>) =>
  ({ headers, method: "GET", routeOptions: { url: "/docs" } }) as unknown as FastifyRequest;

function valid(schema: TSchema): (text: string) => unknown {
  const check = Compile(Type.Object({ field: schema }));
  return (text) => check.Check({ field: text }) || [...check.Errors({ field: text })];
}

/** A form of one file, by the name, as the headers of its part have it. */
function form(name: string): Promise<void> {
  const part = `--b\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\nx\r\n--b--\r\n`;
  const raw = Object.assign(Readable.from([Buffer.from(part)]), {
    ...{ setTimeout: () => undefined, complete: true },
  });
  const headers = { "content-type": "multipart/form-data; boundary=b" };
  const writer = { next: () => undefined, write: async () => undefined };
  return receiveForm({ raw, headers } as never, "", writer as never, BODY);
}

const attached = (text: string) => ({
  ...{ id: "1", role: "user" as const },
  parts: [{ type: "file" as const, mediaType: text, filename: text, url: `data:${text}` }],
});
const files = { writeFile: async () => ({ path: "", sizeBytes: 0 }) } as never;
const chatFiles = new SessionChatBench({
  session: { useFiles: async () => ({ entries: [], truncated: false }) },
} as never);

function readParts(text: string): void {
  const answer = new ChatAnswer(1);
  const input = { code: text };
  for (const part of [
    { type: "text-delta", id: text, text },
    { type: "tool-call", toolCallId: text, toolName: text, input },
    { type: "tool-call", toolCallId: "1", toolName: "run_code", input },
  ]) {
    for (const _ of answer.read(part as never));
  }
}

/** Made once for each text: what brings bytes does not make them. */
function bytesOf(text: string): Buffer {
  if (lastBytes.text !== text) lastBytes = { text, bytes: Buffer.from(text, "latin1") };
  return lastBytes.bytes;
}
let lastBytes = { text: "", bytes: Buffer.alloc(0) };

const screen = () => new Screen(() => ({ columns: 80, rows: 24 }));
const silent = { writeOwn: () => undefined, write: () => undefined, settle: () => undefined };
const repl = { session: {}, signal: new AbortController().signal } as never;

const GATEWAY = "server/src/gateway";
const GENERATE = "server/src/generate";
const CLI = "server/src/cli";

/** Short enough that every fragment is tried. */
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
    `${GATEWAY}/files/path.ts`,
    8192,
    (text) => contentDisposition("inline", text),
  ],
  ["a size of memory", `${GATEWAY}/limits.ts`, 32, parseMemory, ["", "1", "1."]],
  ["a name in a form", [], 80_000, form],
  [
    "packages",
    "server/src/sessions/packages.ts",
    200,
    (text) => checkPackages(Array(50).fill(text), config),
    ["a", "a[", "a==", "a>=1,"],
  ],
  [
    "code in a model's answer",
    [
      `${GENERATE}/answer/extraction.ts`,
      `${GENERATE}/answer/clean.ts`,
      `${GENERATE}/answer/code-blocks.ts`,
      `${GENERATE}/answer/marked-code.ts`,
      `${GENERATE}/answer/python-lines.ts`,
      `${GENERATE}/answer/signs.ts`,
      `${GENERATE}/answer/lenient-json.ts`,
      `${GENERATE}/answer/lookahead.ts`,
    ],
    MODEL_ANSWER,
    extractAnswer,
    ["", "```\n", '{"code": "', '{"code": "```\n', '{"code": "“', "<code>", "x “"],
  ],
  [
    "fields in a model's answer",
    `${GENERATE}/answer/extraction.ts`,
    MODEL_ANSWER,
    (text) => extractFields(text, ["verdict"]),
    ['{"verdict": "', "```json\n", "{'a': [\""],
  ],
  [
    "what failed",
    "server/src/sessions/explanation.ts",
    65_536,
    (text) => explainFailure(failureOf(text), bounds),
    ["", "No module named '", "[Errno 22]"],
  ],
  ["a name of a session in the SDK", "sdk/src/options.ts", ARGUMENT, checkSessionId],
  [
    "a line of the prompt",
    `${CLI}/commands/repl-commands.ts`,
    65_536,
    (text) => runReplCommand(text, repl),
    [":q ", ":x"],
  ],
  [
    "an indent, and a completion",
    `${CLI}/commands/cell-reader.ts`,
    65_536,
    (text) => [isIndent(text), isPlain(text)],
  ],
  [
    "a sentence of a server",
    `${CLI}/commands/command.ts`,
    65_536,
    (text) => sentenceOf({ code: "", message: text }),
  ],
  ["a path of a session's file", `${CLI}/commands/output-folder.ts`, 8192, safeParts, ["", "a/"]],
  [
    "a reference to a data set",
    `${CLI}/data/hub.ts`,
    ARGUMENT,
    parseReference,
    ["", "hf:", "hf:a/b@"],
  ],
  [
    "a path of a data set",
    [],
    4096,
    (text) => [safeSegments(text), new Wildcard("*a*b*c*d*e*f").fits(text)],
  ],
  [
    "a line of Python, coloured",
    `${CLI}/terminal/highlight.ts`,
    8192,
    highlight,
    ["", '"', "'''", "def "],
  ],
  [
    "a traceback, coloured",
    `${CLI}/terminal/traceback.ts`,
    65_536,
    (text) => colourTraceback(text, silent as never),
  ],
  [
    "the folders of DATA_MOUNTS",
    "server/src/config/data-mounts.ts",
    ARGUMENT,
    parseDataMounts,
    ["", "a=/"],
  ],
  ["VALIDATION_POLICY", "server/src/config/model-settings.ts", ARGUMENT, readValidationPolicy],
  ["a date to come back at", [], HEADER, (text) => retryAfterMs({ "retry-after": text })],
];

/** So long that some fragments have to do. */
const long: readonly Row[] = [
  ["a path", `${GATEWAY}/files/path.ts`, BODY, checkPath, ["", "a"]],
  ["a path that must have a name", `${GATEWAY}/files/path.ts`, BODY, checkName],
  [
    "a path as a model writes it",
    `${GATEWAY}/chat-bench.ts`,
    BODY,
    (text) => chatFiles.listFiles(text),
    ["", "/workspace/", "./"],
  ],
  [
    "base64",
    `${GATEWAY}/input-files.ts`,
    BODY,
    (content) => checkInputFiles([{ path: "a", content, encoding: "base64" }]),
  ],
  ["a session's name", [], BODY, valid(SessionId)],
  ["a size in a body", [], BODY, valid(MemoryLimit), ["", "1"]],
  ["a key's name", [], BODY, valid(KeyName)],
  [
    "an attached file",
    `${GENERATE}/chat/attachments.ts`,
    BODY,
    (text) => [tellAttachments(attached(text)), placeAttachments(files, attached(text))],
    [",", ";base64,"],
  ],
  [
    "a message",
    `${GENERATE}/chat/messages.ts`,
    BODY,
    (text) =>
      textOf(readMessage({ role: "user", parts: [{ type: text, text, toolCallId: text }] }, "1")),
    ["", "tool-"],
  ],
  [
    "a conversation",
    `${GENERATE}/chat/messages.ts`,
    100_000,
    (text) => toModelMessages([readMessage({ role: "user", content: text }, "1")], marks, ""),
  ],
  [
    "what a tool gave, as a client says it",
    `${GENERATE}/chat/tool-output.ts`,
    BODY,
    (text) => tellModel(marks, text, { status: text, result_text: text }),
  ],
  ["parts of a model's answer", `${GENERATE}/chat/chat-answer.ts`, BODY, readParts],
  [
    "arguments of a tool",
    `${GENERATE}/chat/tools.ts`,
    BODY,
    (text) => readCall("run_code", { [text]: text }),
  ],
  [
    "thoughts in a model's answer",
    `${GENERATE}/answer/clean.ts`,
    400_000,
    extractAnswer,
    ["", "<think>", "<|channel|>final"],
  ],
  [
    "a conversation with data",
    `${GENERATE}/data-block.ts`,
    240_000,
    (text) => [withoutDataBlocks(text), marks.wrap("x", text.slice(0, 16_000))],
  ],
  [
    "a notebook",
    "server/src/sessions/notebook-input.ts",
    NOTEBOOK_BODY,
    (text) =>
      readNotebook({ nbformat: 4, cells: [{ cell_type: "raw", id: text, source: text }] }, BODY),
  ],
  ["a record of the audit log", "server/src/audit/record.ts", BODY, unseal, ["{", '{,"hash":"']],
  [
    "events in the SDK",
    "sdk/src/sse.ts",
    2 ** 20,
    (text) => new SseParser().push(text),
    ["", "data: ", "id: ", "retry: "],
  ],
  [
    "escape sequences",
    `${CLI}/terminal/escape-filter.ts`,
    PIECE,
    (text) => [new EscapeFilter().pass(text), printable(text)],
  ],
  ["where the cursor stands", `${CLI}/terminal/screen.ts`, PIECE, (text) => screen().follow(text)],
  [
    "the width of a text",
    `${CLI}/terminal/width.ts`,
    PIECE,
    (text) => [textWidth(text), cutToWidth(text, 80)],
  ],
];

/** Long, and looked at only. */
const looked: readonly Row[] = [
  [
    "values in a notebook's JSON",
    [],
    NOTEBOOK_BODY,
    (text) => countJsonValues(bytesOf(text), JSON_VALUES_MAX),
    ['"', '""', "1"],
  ],
  [
    "an image, for a chat",
    `${GENERATE}/chat/tool-output.ts`,
    FRAME,
    (text) =>
      imagesOf([{ output_type: "display_data", data: { "image/png": text }, metadata: {} }]).next(),
  ],
  [
    "a refusal of a model's server",
    [],
    FRAME,
    (text) => [
      refusalOf({ statusCode: 400, responseBody: text }),
      toServiceError({ message: text }, "secret"),
    ],
  ],
  [
    "what pip said",
    "server/src/sessions/explanation.ts",
    FRAME,
    (text) => explainInstall(text, { hasWheels: true }),
  ],
  [
    "kinds of an output",
    "server/src/sessions/notebook.ts",
    FRAME,
    (text) => notebookOutputs([{ output_type: "display_data", data: { [text]: 1 }, metadata: {} }]),
    ["", "application/"],
  ],
  ["a name of a server's, in a sentence", `${CLI}/data/failure.ts`, FRAME, plainText],
  [
    "the text of an output",
    `${CLI}/terminal/bundle.ts`,
    FRAME,
    (text) => bundleText({ "text/plain": text }),
    ["", "<a", "<IPython.core.display."],
  ],
];

const toRow =
  (fragments: readonly string[]) =>
  (row: Row): ParserRow => {
    const [what, modules, charactersMax, parse, beginnings = [""]] = row;
    return { what, modules: [modules].flat(), charactersMax, fragments, beginnings, parse };
  };

export const parsers: readonly ParserRow[] = [
  ...short.map(toRow(ALL_FRAGMENTS)),
  ...long.map(toRow(SHORT_FRAGMENTS)),
  ...looked.map(toRow(FEW_FRAGMENTS)),
];

/** Modules with patterns whose text is short, or nobody's but the operator's and the kernel's. */
export const withoutRow: Readonly<Record<string, string>> = {
  "sdk/src/chat.ts": "One error of a chat, by a pattern that begins and ends with the text.",
  "sdk/src/event-stream.ts":
    "An id and a content type, by patterns of one repetition from the start.",
  "sdk/src/files.ts": "A path of the caller's own, by its fixed beginning.",
  "sdk/src/settings.ts": "The caller's own token.",
  "server/src/audit/files.ts": "Names in a folder of our own.",
  "server/src/cli/commands/ask.ts": "Arguments of the command.",
  "server/src/cli/commands/connection.ts": "Arguments of the command.",
  "server/src/cli/commands/kill.ts": "Arguments of the command.",
  "server/src/cli/commands/repl.ts": "A cell that its user has typed.",
  "server/src/cli/commands/terminal.ts": "A prompt of at most 4096 characters.",
  "server/src/cli/commands/transfer.ts": "The last character of our own message.",
  "server/src/cli/data.ts": "Arguments of the command.",
  "server/src/cli/data/download.ts": "Headers, which Node bounds at 16 KiB.",
  "server/src/cli/data/requests.ts": "The name in an address.",
  "server/src/cli/doctor/kernel-checks.ts": "The kernel's own text.",
  "server/src/cli/doctor/machine-checks.ts": "The kernel's own text.",
  "server/src/cli/live-check.ts": "What our own process prints.",
  "server/src/cli/model-key.ts": "The operator's own key.",
  "server/src/cli/serve.ts": "An address of at most 300 characters.",
  "server/src/cli/token.ts": "The operator's own token.",
  "server/src/config.ts": "The operator's own settings.",
  "server/src/config/dot-env.ts": "The operator's own settings.",
  "server/src/gateway/app.ts": "The first character of a place in a schema.",
  "server/src/gateway/json.ts": "JSON of our own making; a lookbehind lets no match begin anew.",
  "server/src/gateway/openapi.ts": "Our own routes.",
  "server/src/gateway/routes/chat.ts": "A field whose schema has at most 256 characters.",
  "server/src/gateway/routes/executions.ts": "A header, which Node bounds at 16 KiB.",
  "server/src/gateway/routes/files.ts": "A header, which Node bounds at 16 KiB.",
  "server/src/gateway/routes/notebook.ts": "A session's name of at most 128 characters.",
  "server/src/generate/context.ts": "Fields of at most 640 characters.",
  "server/src/generate/model.ts": "At most 65536 characters of an error, by a choice of words.",
  "server/src/generate/validation.ts": "One word, trimmed, by a choice of words.",
  "server/src/sandbox/native/accounting.ts": "The kernel's own text.",
  "server/src/sandbox/native/judgement.ts": "The kernel's own text.",
  "server/src/sandbox/native/seal.ts": "The kernel's own text.",
};
