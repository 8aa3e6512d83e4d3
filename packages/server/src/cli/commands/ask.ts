/** `glovebox ask`: a question to the server's model, which works in a sandbox to answer it. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { ChatChunk, ChatOptions, Glovebox, Session } from "@glovebox/sdk";
import { printJson } from "../json-output.js";
import { ImageFolder } from "../terminal/images.js";
import { ChatPrinter } from "./chat-printer.js";
import { checkChunk } from "./checked-answers.js";
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  type Command,
  connectWith,
  parsing,
  UsageError,
} from "./command.js";
import { type FileArgument, parseFileArgument } from "./file-argument.js";
import { INTERRUPTED, Interruptions } from "./interruptions.js";
import { OutputFolder } from "./output-folder.js";
import { inSession } from "./own-session.js";
import { openTerminal } from "./terminal.js";
import { reportSaved, type SavedFiles, saveAll } from "./transfer.js";

const HELP = `Usage: glovebox ask QUESTION|- [OPTIONS]

Ask the server's model, which writes and runs code in a sandbox to answer. Its words go to standard output;
the code that it runs, what that prints and the names of saved images to standard error.
\`-\` reads the question from standard input.

  --session ID       ask in this session, which stays and remembers what was said; default: a fresh one
                     that ends with the answer
  --file LOCAL[:NAME]  put a file into the working directory first; may be given more than once
  --out DIR          save the files that are made, and the images; default: images here, no files
  --force            let --out replace files that are there already
  --steps N          let the model think and call tools at most N times
${COMMON_HELP}
Ends with 0 after a whole answer, with 1 when there is none or it was stopped, with 130 after Ctrl-C.
`;

interface Question {
  readonly text: string;
  readonly sessionId: string | undefined;
  readonly files: readonly FileArgument[];
  readonly out: string | undefined;
  readonly force: boolean;
  readonly stepsMax: number | undefined;
  readonly json: boolean;
}

async function askQuestion(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsing(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...COMMON_OPTIONS,
        session: { type: "string" },
        file: { type: "string", multiple: true, default: [] },
        out: { type: "string" },
        force: { type: "boolean", default: false },
        steps: { type: "string" },
      },
    }),
  );
  const [source, ...more] = positionals;
  if (source === undefined || more.length > 0) {
    throw new UsageError("give one question, in quotes, or - for standard input");
  }
  const text = source === "-" ? readFileSync(0, "utf8") : source;
  if (text.trim() === "") throw new UsageError("the question is empty");
  const question: Question = {
    ...{ text, sessionId: values.session, out: values.out, json: values.json, force: values.force },
    files: values.file.map(parseFileArgument),
    stepsMax: values.steps === undefined ? undefined : parseSteps(values.steps),
  };
  const interruptions = new Interruptions(() => undefined);
  const { client } = connectWith(values);
  return inSession(client, question, interruptions, (session) =>
    question.json
      ? answerAsJson(client, session, question, interruptions)
      : answer(client, session, question, interruptions),
  );
}

function parseSteps(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new UsageError(`--steps must be a whole number from 1 on, and is "${text}"`);
  }
  return Number(text);
}

function chatOptions(
  session: Session,
  { stepsMax }: Question,
  { signal }: Interruptions,
): ChatOptions {
  return {
    ...{ sessionId: session.id, signal },
    ...(stepsMax !== undefined && { maxSteps: stepsMax }),
  };
}

async function answer(
  client: Glovebox,
  session: Session,
  question: Question,
  interruptions: Interruptions,
): Promise<number> {
  const { stdout, stderr } = openTerminal();
  const images = new ImageFolder(question.out ?? ".");
  const printer = new ChatPrinter({ stdout, stderr, images });
  const made = new MadeFiles();
  let endReason: string | undefined;
  try {
    for await (const chunk of client.chat(
      question.text,
      chatOptions(session, question, interruptions),
    )) {
      checkChunk(chunk);
      printer.print(chunk);
      await printer.drained();
      made.note(chunk);
      if (chunk.type === "finish") endReason = chunk.messageMetadata.end_reason;
    }
  } finally {
    printer.end();
  }
  if (interruptions.exitCode !== undefined) return INTERRUPTED;
  reportSaved(await save(session, [...made.paths], question, interruptions.signal));
  if (question.out === undefined && question.sessionId === undefined && made.paths.size > 0) {
    stderr.writeOwn(`[${made.paths.size} file(s) made and not kept; --out DIR saves them]\n`);
  }
  return endReason === "stop" ? 0 : 1;
}

/** What was made, as the tools tell it. */
class MadeFiles {
  readonly paths = new Set<string>();
  readonly #writes = new Set<string>();

  note(chunk: ChatChunk): void {
    if (chunk.type === "tool-input-available" && chunk.toolName === "write_file") {
      this.#writes.add(chunk.toolCallId);
    }
    if (chunk.type !== "tool-output-available") return;
    const { path, files_created, files_modified } = (chunk.output ?? {}) as {
      readonly path?: string;
      readonly files_created?: readonly string[];
      readonly files_modified?: readonly string[];
    };
    if (path !== undefined && this.#writes.has(chunk.toolCallId)) this.paths.add(path);
    for (const made of [...(files_created ?? []), ...(files_modified ?? [])]) this.paths.add(made);
  }
}

async function answerAsJson(
  client: Glovebox,
  session: Session,
  question: Question,
  interruptions: Interruptions,
): Promise<number> {
  const told = await client.ask(question.text, chatOptions(session, question, interruptions));
  const made = [...new Set([...told.files_created, ...told.files_modified])];
  const files = await save(session, made, question, interruptions.signal);
  printJson({ ...told, saved: files.saved, not_saved: files.refused });
  return told.end_reason === "stop" ? 0 : 1;
}

async function save(
  session: Session,
  paths: readonly string[],
  { out, force }: Question,
  signal: AbortSignal,
): Promise<SavedFiles> {
  if (out === undefined) return { saved: [], refused: [] };
  return saveAll(session, paths, new OutputFolder(out, { force }), signal);
}

export const ask: Command = { help: HELP, run: askQuestion };
