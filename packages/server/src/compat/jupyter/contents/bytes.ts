/** What a file holds, as Jupyter's clients send and get it: a notebook as JSON, text, or base64. */

import { isUtf8 } from "node:buffer";
import { isBase64 } from "../../../desk/input-files.js";
import { ServiceError } from "../../../errors.js";
import type { ReadingFiles } from "../../../sessions/changing-files.js";
import { parseJson } from "../wire/parse.js";
import type { ContentModel, ContentType } from "./models.js";

/** Of one answer, which is held in memory. */
export const CONTENT_BYTES_MAX = 16 * 2 ** 20;

type Format = "text" | "base64" | "json";
type Content = Pick<ContentModel, "content" | "format" | "mimetype">;

export async function readBytes(
  files: ReadingFiles,
  path: string,
): Promise<{ bytes: Buffer; modifiedMs: number }> {
  const file = await files.open(path);
  if (file.sizeBytes > CONTENT_BYTES_MAX) {
    file.close();
    throw new ServiceError(
      "ANSWER_TOO_LARGE",
      `The file has more than ${CONTENT_BYTES_MAX} bytes.`,
      {
        hint: "GET /sessions/{id}/files/{path} sends files of any size.",
      },
    );
  }
  const chunks: Buffer[] = [];
  for await (const chunk of file.read(0, file.sizeBytes)) chunks.push(chunk as Buffer);
  return { bytes: Buffer.concat(chunks), modifiedMs: file.modifiedMs };
}

/** @throws ServiceError INVALID_REQUEST: it is no notebook, or not the text that was asked for */
export async function toContent(
  bytes: Buffer,
  type: ContentType,
  format: Format | undefined,
): Promise<Content> {
  if (type === "notebook") {
    const content = await parseJson(bytes);
    return { content, format: "json", mimetype: null };
  }
  if (format !== "base64" && isUtf8(bytes)) {
    return { content: bytes.toString("utf8"), format: "text", mimetype: "text/plain" };
  }
  if (format === "text") throw new ServiceError("INVALID_REQUEST", "the file is not UTF-8 text");
  const content = bytes.toString("base64");
  return { content, format: "base64", mimetype: "application/octet-stream" };
}

/** @throws ServiceError INVALID_REQUEST */
export function fromContent(content: unknown, format: string | null | undefined): Buffer {
  if (format === "base64") {
    // Some clients break it into lines.
    const text = typeof content === "string" ? content.replaceAll("\n", "") : undefined;
    if (text === undefined || !isBase64(text)) {
      throw new ServiceError("INVALID_REQUEST", "content is not base64");
    }
    return Buffer.from(text, "base64");
  }
  if (typeof content === "string") return Buffer.from(content);
  if (content === null || typeof content !== "object") {
    throw new ServiceError("INVALID_REQUEST", "content is missing");
  }
  return Buffer.from(`${JSON.stringify(content, undefined, 1)}\n`);
}
