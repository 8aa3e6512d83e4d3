/** What `--json` prints. */

import { printable } from "./terminal/escape-filter.js";

export function printJson(value: unknown): void {
  process.stdout.write(jsonLine(value));
}

/** JSON leaves some controls as they are, which a terminal would obey; as escapes they mean the same. */
export function jsonLine(value: unknown): string {
  return `${printable(JSON.stringify(value))}\n`;
}
