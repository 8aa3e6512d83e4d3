/** Which part of a file a request asks for (RFC 9110). */

export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * The one range of a Range header; "unsatisfiable" where the file does not reach so far; undefined where
 * the whole file is to be sent, which is also the answer to what is malformed or asks for several.
 */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? "unsatisfiable" : { start: sizeBytes - length, length };
  }
  const start = Number(first);
  const end = last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= sizeBytes ? "unsatisfiable" : { start, length: end - start + 1 };
}

/** Whether an If-None-Match names this version, or any. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((one) => {
    const trimmed = one.trim().replace(/^W\//, "");
    return trimmed === "*" || trimmed === etag;
  });
}
