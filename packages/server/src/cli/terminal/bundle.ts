/** What of a MIME bundle a terminal can show. */

import { textInBundle } from "../../described-bundle.js";
import {
  imageBytes,
  imageExtension,
  imageIn,
  type MimeBundle,
  markdownIn,
  plainTextIn,
  textContent,
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

/** What is worth a file where there is no image. Of several forms the one that shows most. */
export function documentOf(data: MimeBundle): Image | undefined {
  return mediumOf(data) ?? pageOf(data) ?? textDocumentOf(data);
}

/** By their types, in base64 as images. */
const MEDIA: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  ...{ "audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp4": "m4a" },
  ...{ "audio/ogg": "ogg", "audio/flac": "flac", "audio/webm": "weba", "audio/aac": "aac" },
  ...{ "video/mp4": "mp4", "video/webm": "webm", "video/ogg": "ogv", "video/quicktime": "mov" },
};

function mediumOf(data: MimeBundle): Image | undefined {
  for (const [mime, extension] of Object.entries(MEDIA)) {
    const base64 = textContent(data[mime]);
    if (base64 !== undefined) return { mime, extension, bytes: Buffer.from(base64, "base64") };
  }
  return undefined;
}

function pageOf(data: MimeBundle): Image | undefined {
  const page = textContent(data["text/html"]);
  if (page === undefined || plainTextIn(data)?.startsWith("<") === false) return undefined;
  return { mime: "text/html", extension: "html", bytes: Buffer.from(page) };
}

function textDocumentOf(data: MimeBundle): Image | undefined {
  for (const [mime, value] of Object.entries(data)) {
    if (!JSON_TYPE.test(mime)) continue;
    const extension = mime === "application/geo+json" ? "geojson" : "json";
    return { mime, extension, bytes: Buffer.from(JSON.stringify(value) ?? "null") };
  }
  for (const [mime, extension] of TEXTS) {
    const text = textContent(data[mime]);
    if (text !== undefined) return { mime, extension, bytes: Buffer.from(text) };
  }
  return undefined;
}

const TEXTS = [
  ["text/latex", "tex"],
  ["text/markdown", "md"],
] as const;
/** Charts as data among them. What we say of charts and tables ourselves has types of its own. */
const JSON_TYPE = /^application\/(json|geo\+json|vnd\.(plotly|vega|vegalite)\.[\w.]{1,20}\+json)$/;

/** The text that stands for the bundle where nothing but text can be shown. */
export function bundleText(data: MimeBundle): string {
  return markdownIn(data) ?? textInBundle(data) ?? `(${Object.keys(data).join(", ")})`;
}
