/** The terminal or the pipes that a command prints to, and the person or the pipe that answers. */

import type { InputRequest } from "@glovebox/sdk";
import { loadClientConfig } from "../../config.js";
import { EscapeFilter } from "../terminal/escape-filter.js";
import type { ImageFolder } from "../terminal/images.js";
import type { LineReader } from "../terminal/line-reader.js";
import { Printer } from "../terminal/printer.js";
import { Screen } from "../terminal/screen.js";
import { openSink, type Sink } from "../terminal/sink.js";

export interface Terminal {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Makes a printer for one execution. */
  printer(images: ImageFolder | undefined): Printer;
}

export function openTerminal(): Terminal {
  const { colour } = loadClientConfig();
  const { stdout: out, stderr: errors } = process;
  const screen = out.isTTY
    ? new Screen(() => ({ columns: out.columns || 80, rows: out.rows || 24 }))
    : undefined;
  const stdout = openSink(out, { colour, ...(screen && { screen }) });
  // What goes to the same terminal moves the same cursor.
  const stderr = openSink(errors, { colour, ...(screen && errors.isTTY && { screen }) });
  return {
    stdout,
    stderr,
    printer: (images) => new Printer({ stdout, stderr, images, ...(screen && { screen }) }),
  };
}

/** Where nobody types, what a program asks stands in its output, as Python writes it. */
export function showPrompt(prompt: string, { stdout }: Terminal): void {
  stdout.write(prompt);
  stdout.settle();
}

/** Puts an input request to the person at the terminal. Undefined when the question was taken back. */
export async function askUser(
  { prompt, password }: InputRequest,
  reader: LineReader,
  terminal: Terminal,
  printer: Printer,
): Promise<string | undefined> {
  const lines = prompt.split("\n");
  const last = lines.pop() ?? "";
  terminal.stdout.write(lines.map((line) => `${line}\n`).join(""));
  if (!reader.isTerminal) terminal.stdout.write(last);
  terminal.stdout.settle();
  const answer = await reader.ask({ prompt: promptLine(last), secret: password });
  printer.goOnBelow();
  return answer;
}

/** The line editor counts columns, so nothing that moves the cursor may be in it. */
function promptLine(text: string): string {
  const filter = new EscapeFilter();
  const safe = filter.pass(text.replaceAll(/[\b\r]/g, "").replaceAll("\t", " ")) + filter.end();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences begin with ESC.
  return safe.replaceAll(/\u001b\[\d*[AK]/g, "");
}
