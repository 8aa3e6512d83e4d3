/** What of a MIME bundle a terminal can show. */

export type MimeBundle = Readonly<Record<string, unknown>>;

export interface Image {
  readonly mime: string;
  /** Of the file that it becomes. */
  readonly extension: string;
  readonly bytes: Buffer;
}

const IMAGE_EXTENSIONS: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/svg+xml": "svg",
};

/** What says more than the name of an object does, the best first. */
const TEXTS = ["text/markdown", "text/latex", "application/json", "text/html"];
/** What IPython prints for an object that only has a richer form. */
const PLACEHOLDER =
  /^<IPython\.core\.display\.\w+ object>$|^<\w+(\.\w+)* object( at 0x[\da-f]+)?>$/;

export function imageOf(data: MimeBundle): Image | undefined {
  for (const [mime, extension] of Object.entries(IMAGE_EXTENSIONS)) {
    const content = textOf(data[mime]);
    if (content === undefined) continue;
    const bytes = Buffer.from(content, mime === "image/svg+xml" ? "utf8" : "base64");
    return { mime, extension, bytes };
  }
  return undefined;
}

/** The text that stands for the bundle where nothing but text can be shown. */
export function bundleText(data: MimeBundle): string {
  const plain = textOf(data["text/plain"]) ?? "";
  // Markdown is made to be read as it is; the rest only replaces what says nothing.
  const markdown = textOf(data["text/markdown"]);
  if (markdown !== undefined) return markdown;
  if (plain !== "" && !PLACEHOLDER.test(plain)) return plain;
  for (const mime of TEXTS) {
    const text = textOf(data[mime]);
    if (text !== undefined) return text;
  }
  return plain || `(${Object.keys(data).join(", ")})`;
}

/** nbformat allows a list of lines where a text may stand, and any JSON where JSON is. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((line) => typeof line === "string"))
    return value.join("");
  return JSON.stringify(value, undefined, 2);
}
