/** What of a MIME bundle a terminal can show. */

import { textInBundle } from "../../described-bundle.js";
import {
  imageBytes,
  imageExtension,
  imageIn,
  type MimeBundle,
  markdownIn,
  plainTextIn,
} from "../../mime.js";

export type { MimeBundle };

export interface Image {
  readonly mime: string;
  /** Of the file that it becomes. */
  readonly extension: string;
  readonly bytes: Buffer;
}

export function imageOf(data: MimeBundle): Image | undefined {
  const image = imageIn(data);
  return image && imageOfBytes(image.mimeType, imageBytes(image));
}

/** Undefined for a type that is no image. */
export function imageOfBytes(mime: string, bytes: Buffer): Image | undefined {
  const extension = imageExtension(mime);
  return extension === undefined ? undefined : { mime, extension, bytes };
}

/** What is worth a file where there is no image: a page, or the data of a chart. */
export function documentOf(data: MimeBundle): Image | undefined {
  const page = data["text/html"];
  if (typeof page === "string" && plainTextIn(data)?.startsWith("<") !== false) {
    return { mime: "text/html", extension: "html", bytes: Buffer.from(page) };
  }
  for (const [mime, value] of Object.entries(data)) {
    if (!CHART.test(mime)) continue;
    return { mime, extension: "json", bytes: Buffer.from(JSON.stringify(value) ?? "null") };
  }
  return undefined;
}

const CHART = /^application\/vnd\.(plotly|vega|vegalite)\.[\w.]{1,20}\+json$/;

/** The text that stands for the bundle where nothing but text can be shown. */
export function bundleText(data: MimeBundle): string {
  return markdownIn(data) ?? textInBundle(data) ?? `(${Object.keys(data).join(", ")})`;
}
