/** The answer to what code asks: a line as a person types it, or a piece of standard input as a pipe has it. */

import { ServiceError } from "../errors.js";
import type { InputReply } from "../sandbox/sandbox.js";
import { isBase64 } from "./input-files.js";

export const INPUT_BYTES_MAX = 65_536;

/** As callers write it. */
export interface AskedInput {
  readonly text?: string;
  readonly data?: string;
  readonly encoding?: "utf-8" | "base64";
  readonly eof?: boolean;
}

/** @throws ServiceError INVALID_REQUEST, REQUEST_TOO_LARGE */
export function readInput({ text, data, encoding, eof }: AskedInput): InputReply {
  if (text !== undefined) {
    if (data !== undefined || encoding !== undefined || eof) {
      throw new ServiceError("INVALID_REQUEST", "send text alone, or data, or eof");
    }
    checkLength("text", Buffer.byteLength(text));
    return { line: text };
  }
  if (data === undefined && !eof) {
    throw new ServiceError("INVALID_REQUEST", "send text, or data, or eof: true");
  }
  if (encoding === "base64" && !isBase64(data ?? "")) {
    throw new ServiceError("INVALID_REQUEST", "data is not base64");
  }
  const bytes = Buffer.from(data ?? "", encoding ?? "utf-8");
  checkLength("data", bytes.length);
  return { data: bytes.toString("base64"), eof: eof ?? false };
}

function checkLength(name: string, bytes: number): void {
  if (bytes <= INPUT_BYTES_MAX) return;
  throw new ServiceError("REQUEST_TOO_LARGE", `${name} has more than ${INPUT_BYTES_MAX} bytes`);
}
