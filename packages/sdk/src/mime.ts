/** Which types of a MIME bundle are images to the server too; `test/wire-types.ts` compares them. */

export const imageTypes = [
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/svg+xml",
] as const;

export type ImageType = (typeof imageTypes)[number];
