/** `--file LOCAL[:NAME]`: a file or folder of this machine, and what it is called in the sandbox. */

import { readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
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

/** More is sent as an archive. */
const FILES_MAX = 10_000;

/** The same, of every file in a folder as well; links are followed to files and not to folders. @throws UsageError */
export function parseFilesArgument(argument: string): FileArgument[] {
  const colon = argument.lastIndexOf(":");
  const [folder, name] = isFolder(argument)
    ? [argument, basename(resolve(argument))]
    : [argument.slice(0, Math.max(colon, 0)), argument.slice(colon + 1)];
  if (!isFolder(folder)) return [parseFileArgument(argument)];
  if (name === "") throw new UsageError(`there is no file ${argument}`);
  return [...filesIn(folder, name)];
}

function isFolder(path: string): boolean {
  return path !== "" && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function* filesIn(folder: string, name: string): Generator<FileArgument> {
  let count = 0;
  const folders = [{ folder, name }];
  for (let next = folders.pop(); next; next = folders.pop()) {
    for (const entry of readdirSync(next.folder, { withFileTypes: true })) {
      const localPath = join(next.folder, entry.name);
      const within = `${next.name}/${entry.name}`;
      if (entry.isDirectory()) folders.push({ folder: localPath, name: within });
      else {
        const found = statSync(localPath, { throwIfNoEntry: false });
        if (!found?.isFile()) continue;
        if (++count > FILES_MAX) {
          throw new UsageError(
            `${folder} has more than ${FILES_MAX} files: pack them, and unpack them in the sandbox`,
          );
        }
        yield { localPath, name: within, size: found.size };
      }
    }
  }
}

function sizeOf(path: string): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw new UsageError(`${path} is a folder; name the files in it`);
  return found?.isFile() ? found.size : undefined;
}
