/** Colours for tracebacks, which come without any. */

import type { Sink } from "./sink.js";

const RED = "\u001b[31m";
const BOLD_RED = "\u001b[1;31m";
const CYAN = "\u001b[36m";
const PLAIN = "\u001b[0m";

/** The text goes through the sink's filter; only the colours are ours. */
export function colourTraceback(text: string, sink: Sink): void {
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    sink.writeOwn(colourOf(line, index === lines.length - 1));
    sink.write(line);
    sink.settle();
    sink.writeOwn(index === lines.length - 1 ? PLAIN : `${PLAIN}\n`);
  }
}

function colourOf(line: string, last: boolean): string {
  if (last || /^\w+(\.\w+)*(Error|Exception|Interrupt|Exit|Warning)\b/.test(line)) return BOLD_RED;
  if (/^\s*(File |Cell |Traceback )/.test(line)) return CYAN;
  if (/^(-*>|\s*\^)/.test(line.trimStart())) return RED;
  return "";
}
