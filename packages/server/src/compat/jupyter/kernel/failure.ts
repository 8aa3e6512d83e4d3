/** What went wrong, as Jupyter has errors. */

import { errorTable, ServiceError } from "../../../errors.js";

export interface ErrorContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** Names the code of the table. Everything that is not ours is INTERNAL, without its message. */
export function errorContent(error: unknown): ErrorContent {
  const known = error instanceof ServiceError ? error : new ServiceError("INTERNAL");
  const hint = known.hint ?? errorTable[known.code].hint;
  const evalue = hint === undefined ? known.message : `${known.message} ${hint}`;
  return { ename: known.code, evalue, traceback: [`${known.code}: ${evalue}`] };
}
