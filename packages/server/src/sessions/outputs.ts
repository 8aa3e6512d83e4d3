/** What an execution has shown, in the shape of nbformat v4, and how it reads as text and as images. */

import { textInBundle } from "../described-bundle.js";
import { type BundleImage, imageIn, type MimeBundle } from "../mime.js";

export type { MimeBundle };

/** nbformat v4 output objects. */
export type Output =
  | { output_type: "stream"; name: StreamName; text: string }
  | { output_type: "display_data"; data: MimeBundle; metadata: MimeBundle }
  | {
      output_type: "execute_result";
      execution_count: number;
      data: MimeBundle;
      metadata: MimeBundle;
    }
  | { output_type: "error"; ename: string; evalue: string; traceback: readonly string[] };

export type StreamName = "stdout" | "stderr";

/**
 * What stands in a text for an image. It is left out, with the text beside it, where the reader
 * has the image itself; a reader that sees no images is told of it.
 */
export type ImagesInText = "leave out" | "name";

/** All text in order. Reading ends with the output that passes `charactersMax`, which is not cut. */
export function textOf(
  outputs: readonly Output[],
  images: ImagesInText,
  charactersMax = Number.POSITIVE_INFINITY,
): string {
  let text = "";
  for (const output of outputs) {
    if (output.output_type === "stream") text += output.text;
    else if (output.output_type === "error") text += `${output.traceback.join("\n")}\n`;
    else text += textOfBundle(output.data, images);
    if (text.length > charactersMax) break;
  }
  return text;
}

/** The text of one result or display, with a line end; empty where there is none. */
export function textOfBundle(data: MimeBundle, images: ImagesInText): string {
  const isImage = imageIn(data) !== undefined;
  if (isImage && images === "leave out") return "";
  const plain = textInBundle(data);
  return `${plain === undefined ? "" : `${plain}\n`}${isImage ? "(an image)\n" : ""}`;
}

/** In order, at most one of each output. */
export function* imagesOf(outputs: readonly Output[]): Generator<BundleImage> {
  for (const output of outputs) {
    const image = "data" in output ? imageIn(output.data) : undefined;
    if (image !== undefined) yield image;
  }
}
