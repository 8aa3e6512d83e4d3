/** What `--json` prints. */

import { printable } from "./terminal/escape-filter.js";

/** JSON leaves some controls as they are, which a terminal would obey; as escapes they mean the same. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printable(JSON.stringify(value))}\n`);
}
