/** Which types of a MIME bundle are images to the server too; `test/wire-types.ts` compares them. */

/** MIME types of images. */
export const imageTypes = [
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/svg+xml",
] as const;

/** One of `imageTypes`. */
export type ImageType = (typeof imageTypes)[number];
