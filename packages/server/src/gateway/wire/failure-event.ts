/** The last event of a stream that fails after it has begun, when no status can be answered any more. */

import type { FastifyRequest } from "fastify";
import { ServiceError, toWireError } from "../../errors.js";

/** Its data. Unexpected errors are logged, as in the error handler. */
export function failureData({ id, log }: FastifyRequest, cause: unknown): object {
  const error =
    cause instanceof ServiceError ? cause : new ServiceError("INTERNAL", undefined, { cause });
  if (error !== cause) log.error({ err: error, request_id: id }, error.code);
  return toWireError(error, id);
}
