/** `--file LOCAL[:NAME]`: a file of this machine, and what it is called in the sandbox. */

import { statSync } from "node:fs";
import { basename } from "node:path";
import { UsageError } from "./command.js";

export interface FileArgument {
  readonly localPath: string;
  readonly name: string;
  readonly size: number;
}

/** @throws UsageError when there is no such file */
export function parseFileArgument(argument: string): FileArgument {
  // A colon may be part of the local name, so the whole is tried first.
  const whole = sizeOf(argument);
  if (whole !== undefined) return { localPath: argument, name: basename(argument), size: whole };
  const colon = argument.lastIndexOf(":");
  const localPath = argument.slice(0, Math.max(colon, 0));
  const name = argument.slice(colon + 1);
  const size = colon > 0 ? sizeOf(localPath) : undefined;
  if (size === undefined || name === "") throw new UsageError(`there is no file ${argument}`);
  return { localPath, name, size };
}

function sizeOf(path: string): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw new UsageError(`${path} is a folder; name the files in it`);
  return found?.isFile() ? found.size : undefined;
}
