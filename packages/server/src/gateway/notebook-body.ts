/**
 * The body of a notebook's run. It may be many times larger than any other, so it is looked at before
 * it is parsed: a parse takes seconds over bytes that are nothing but brackets.
 */

import { ServiceError } from "../errors.js";
import { countJsonValues, ProtocolViolation } from "../sandbox/guest/channel.js";
import type { App } from "./app.js";

/** Notebooks come with the outputs of earlier runs. */
export const NOTEBOOK_BYTES_MAX = 16 * 2 ** 20;
/** As `countJsonValues` counts. Sixteen MiB of lines of text are fewer. */
const VALUES_MAX = 1_500_000;
const HINT =
  "Clear the outputs that it has: jupyter nbconvert --clear-output --to notebook FILE.ipynb";

/** In a scope of its own, because it holds for all routes of the scope. */
export function parseNotebookBodies(scope: App): void {
  const parseJson = scope.getDefaultJsonParser("error", "error");
  scope.removeContentTypeParser("application/json");
  scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const bytes = body as Buffer;
    if (bytes.length === 0) {
      done(null, undefined);
      return;
    }
    try {
      checkValues(bytes);
    } catch (error) {
      done(error as Error);
      return;
    }
    parseJson(request, bytes.toString("utf8"), done);
  });
}

/** @throws ServiceError INVALID_REQUEST */
function checkValues(bytes: Buffer): void {
  let count: number;
  try {
    count = countJsonValues(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
    throw new ServiceError("INVALID_REQUEST", "the body nests too deep");
  }
  if (count > VALUES_MAX) {
    throw new ServiceError("INVALID_REQUEST", "the notebook holds too many values", { hint: HINT });
  }
}
