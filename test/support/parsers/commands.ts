/** Parsers of the commands and of the SDK: what servers, guests and those who type say. */
import { checkSessionId } from "../../../packages/sdk/src/options.ts";
import { SseParser } from "../../../packages/sdk/src/sse.ts";
import { unseal } from "../../../packages/server/src/audit/record.ts";
import { isIndent, isPlain } from "../../../packages/server/src/cli/commands/cell-reader.ts";
import { sentenceOf } from "../../../packages/server/src/cli/commands/command.ts";
import { safeParts } from "../../../packages/server/src/cli/commands/output-folder.ts";
import { runReplCommand } from "../../../packages/server/src/cli/commands/repl-commands.ts";
import { plainText } from "../../../packages/server/src/cli/data/failure.ts";
import { parseReference } from "../../../packages/server/src/cli/data/hub.ts";
import { safeSegments } from "../../../packages/server/src/cli/data/names.ts";
import { Wildcard } from "../../../packages/server/src/cli/data/wildcard.ts";
import { bundleText } from "../../../packages/server/src/cli/terminal/bundle.ts";
import {
  EscapeFilter,
  printable,
} from "../../../packages/server/src/cli/terminal/escape-filter.ts";
import { highlight } from "../../../packages/server/src/cli/terminal/highlight.ts";
import { Screen } from "../../../packages/server/src/cli/terminal/screen.ts";
import { colourTraceback } from "../../../packages/server/src/cli/terminal/traceback.ts";
import { cutToWidth, textWidth } from "../../../packages/server/src/cli/terminal/width.ts";
import { parseDataMounts } from "../../../packages/server/src/config/data-mounts.ts";
import { readValidationPolicy } from "../../../packages/server/src/config/model-settings.ts";
import { ARGUMENT, BODY, FRAME, PIECE, type Row, toParsers } from "./row.ts";

const screen = () => new Screen(() => ({ columns: 80, rows: 24 }));

const silent = { writeOwn: () => undefined, write: () => undefined, settle: () => undefined };

const repl = { session: {}, signal: new AbortController().signal } as never;

const CLI = "server/src/cli";

const short: readonly Row[] = [
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
];

const long: readonly Row[] = [
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

const looked: readonly Row[] = [
  ["a name of a server's, in a sentence", `${CLI}/data/failure.ts`, FRAME, plainText],
  [
    "the text of an output",
    `${CLI}/terminal/bundle.ts`,
    FRAME,
    (text) => bundleText({ "text/plain": text }),
    ["", "<a", "<IPython.core.display."],
  ],
];

export const commandsParsers = toParsers({ short, long, looked });
