/** The text that a command's first argument names: a file of this machine, or standard input for `-`. */

import { readFileSync } from "node:fs";
import { UsageError } from "./command.js";

/** `what` it should be, for who names a folder. @throws UsageError saying why it cannot be read */
export function readSourceText(source: string, what: string): string {
  try {
    return readFileSync(source === "-" ? 0 : source, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new UsageError(`there is no file ${source}`);
    if (code === "EISDIR") throw new UsageError(`${source} is a folder; name the ${what} in it`);
    throw new UsageError(`${source} cannot be read (${code})`);
  }
}
