/** Paths as callers write them. */

import { withoutTrailing } from "../config/text.js";
import { ServiceError } from "../errors.js";

export const PATH_BYTES_MAX = 4000;
const NAME_BYTES_MAX = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A path below /workspace, "" for the workspace itself. It is followed inside the sandbox only;
 * what is refused here is what no honest caller means.
 * @throws ServiceError INVALID_PATH saying what is wrong
 */
export function checkPath(path: string): string {
  if (path.startsWith("/")) {
    throw invalid("the path begins with /", "Leave the / and /workspace out: data/in.csv.");
  }
  // No character has less than a byte: what is long is refused before anything goes through it.
  if (path.length > PATH_BYTES_MAX || Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw invalid(`the path has more than ${PATH_BYTES_MAX} bytes`);
  }
  if (CONTROL.test(path)) throw invalid("the path has a control character");
  if (LONE_SURROGATE.test(path)) throw invalid("the path is not valid Unicode");
  const trimmed = withoutTrailing(path, "/");
  if (trimmed === "") return "";
  for (const name of trimmed.split("/")) {
    if (name === "" || name === "." || name === "..") {
      throw invalid(`the path has "${name}" as a name`);
    }
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
      throw invalid(`the path has a name of more than ${NAME_BYTES_MAX} bytes`);
    }
  }
  return trimmed;
}

/** As checkPath, for what must have a name. */
export function checkName(path: string): string {
  const checked = checkPath(path);
  if (checked === "") throw invalid("the path is empty", "Name a file or a folder.");
  return checked;
}

function invalid(problem: string, hint?: string): ServiceError {
  return new ServiceError("INVALID_PATH", problem, hint === undefined ? {} : { hint });
}

export function joinPath(folder: string, path: string): string {
  return folder === "" ? path : `${folder}/${path}`;
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
