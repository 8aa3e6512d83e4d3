/** What stands in a MIME bundle: which types are images, and which are text. A new type is a row here. */

export type MimeBundle = Readonly<Record<string, unknown>>;

/** The preferred first. The SDK has the same names in its `mime.ts`. */
const images = {
  "image/png": { extension: "png", encoding: "base64" },
  "image/jpeg": { extension: "jpg", encoding: "base64" },
  "image/gif": { extension: "gif", encoding: "base64" },
  "image/webp": { extension: "webp", encoding: "base64" },
  "image/svg+xml": { extension: "svg", encoding: "utf8" },
} as const;

export type ImageType = keyof typeof images;
const imageTypes = Object.keys(images) as ImageType[];

export interface BundleImage {
  readonly mimeType: ImageType;
  /** As the bundle has it: base64, or text for SVG. */
  readonly content: string;
}

/** The image that a bundle shows. All others are other forms of it. */
export function imageIn(data: MimeBundle): BundleImage | undefined {
  for (const mimeType of imageTypes) {
    const content = textContent(data[mimeType]);
    if (content !== undefined) return { mimeType, content };
  }
  return undefined;
}

export function imageBytes({ mimeType, content }: BundleImage): Buffer {
  return Buffer.from(content, images[mimeType].encoding);
}

/** Of a file's name, without the dot. Undefined for what is no image. */
export function imageExtension(mimeType: string): string | undefined {
  return Object.hasOwn(images, mimeType) ? images[mimeType as ImageType].extension : undefined;
}

export function plainTextIn(data: MimeBundle): string | undefined {
  return textContent(data["text/plain"]);
}

/** Markdown is made to be read as it is. */
export function markdownIn(data: MimeBundle): string | undefined {
  return textContent(data["text/markdown"]);
}

/** nbformat allows a list of lines where a text may stand. */
export function textContent(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const isLines = Array.isArray(value) && value.every((line) => typeof line === "string");
  return isLines ? value.join("") : undefined;
}
