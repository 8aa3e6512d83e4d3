/** The field `files` of an execution. */

import type { Static } from "typebox";
import { ServiceError } from "../errors.js";
import type { ToldOfChange } from "../sessions/changing-files.js";
import { InputFiles } from "../sessions/inline-files.js";
import { checkName } from "./files/path.js";
import type { InputFile } from "./schemas/execute.js";

/** `told` hears of each that is put in place. @throws ServiceError INVALID_PATH, INVALID_REQUEST naming the file */
export function checkInputFiles(
  files: readonly Static<typeof InputFile>[],
  told: ToldOfChange,
): InputFiles {
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
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) {
    throw new ServiceError("INVALID_REQUEST", `files: the content of ${path} is not base64`);
  }
  return Buffer.from(content, "base64");
}
