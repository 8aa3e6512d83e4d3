/** The field `files` of an execution. */

import { ServiceError } from "../errors.js";
import type { ToldOfChange } from "../sessions/changing-files.js";
import { InputFiles } from "../sessions/inline-files.js";
import { checkName } from "./paths.js";

/** As callers write it; without an encoding it is UTF-8. */
export interface AskedFile {
  readonly path: string;
  readonly content: string;
  readonly encoding?: "utf-8" | "base64";
}

/** `told` hears of each that is put in place. @throws ServiceError INVALID_PATH, INVALID_REQUEST naming the file */
export function checkInputFiles(files: readonly AskedFile[], told: ToldOfChange): InputFiles {
  return new InputFiles(
    files.map(({ path, content, encoding }) => ({
      path: checkName(path),
      content: encoding === "base64" ? decode(path, content) : Buffer.from(content, "utf8"),
    })),
    told,
  );
}

/** Node would leave out what is no base64, and the file would be another one. */
function decode(path: string, content: string): Buffer {
  if (!isBase64(content)) {
    throw new ServiceError("INVALID_REQUEST", `files: the content of ${path} is not base64`);
  }
  return Buffer.from(content, "base64");
}

const FOREIGN = /[^A-Za-z0-9+/=\s]/;
const PADDING = "=";
const PADDING_MAX = 2;

/** With white space anywhere, as many tools break the lines. Goes through the text once. */
export function isBase64(content: string): boolean {
  if (FOREIGN.test(content)) return false;
  const first = content.indexOf(PADDING);
  if (first < 0) return true;
  const end = content.slice(first).trimEnd();
  return end.length <= PADDING_MAX && end === PADDING.repeat(end.length);
}
