/** Whatever answers may go on without end, also in few bytes that are unpacked to many. */

import { GloveboxError } from "./errors.js";

/** Far more than the largest answer of a server. */
export const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

/**
 * The text of an answer, of `bytesMax` bytes at most, as they are after unpacking.
 * @throws GloveboxError INVALID_RESPONSE when there are more; what is left is not read
 */
export async function boundedText(
  response: Response,
  bytesMax: number = ANSWER_BYTES_MAX,
): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > bytesMax) {
      await reader.cancel().catch(() => undefined);
      throw new GloveboxError(
        "INVALID_RESPONSE",
        `The answer, HTTP ${response.status}, is longer than any of a Glovebox server.`,
      );
    }
    pieces.push(decoder.decode(value, { stream: true }));
  }
  pieces.push(decoder.decode());
  return pieces.join("");
}
