/** What of a MIME bundle a terminal can show. */

import {
  imageBytes,
  imageExtension,
  imageIn,
  type MimeBundle,
  markdownIn,
  plainTextIn,
  richTextIn,
} from "../../mime.js";

export type { MimeBundle };

export interface Image {
  readonly mime: string;
  /** Of the file that it becomes. */
  readonly extension: string;
  readonly bytes: Buffer;
}

/** What IPython prints for an object that only has a richer form. */
const PLACEHOLDER =
  /^<IPython\.core\.display\.\w+ object>$|^<\w+(\.\w+)* object( at 0x[\da-f]+)?>$/;

export function imageOf(data: MimeBundle): Image | undefined {
  const image = imageIn(data);
  return image && imageOfBytes(image.mimeType, imageBytes(image));
}

/** Undefined for a type that is no image. */
export function imageOfBytes(mime: string, bytes: Buffer): Image | undefined {
  const extension = imageExtension(mime);
  return extension === undefined ? undefined : { mime, extension, bytes };
}

/** The text that stands for the bundle where nothing but text can be shown. */
export function bundleText(data: MimeBundle): string {
  const markdown = markdownIn(data);
  if (markdown !== undefined) return markdown;
  const plain = plainTextIn(data) ?? "";
  if (plain !== "" && !PLACEHOLDER.test(plain)) return plain;
  return richTextIn(data) ?? (plain || `(${Object.keys(data).join(", ")})`);
}
