/**
 * Pictures on their way to a model: which ones it can take, how many of them, and what they weigh. They go with
 * messages of the user, as OpenAI's API has no place for them in what a tool gives back.
 */

import type { FilePart, ModelMessage } from "ai";
import { imageBytes } from "../mime.js";
import { imagesOf, type Output } from "../sessions/outputs.js";

export type ModelPicture = FilePart;

/** Of one request, the newest. */
const PICTURES_MAX = 8;
/** Base64 characters of one, 3 MiB of picture: what most servers take. */
const PICTURE_CHARACTERS_MAX = 4 * 2 ** 20;
const ALL_CHARACTERS_MAX = 8 * 2 ** 20;
/** Some thousand tokens, whatever its size; its base64 is no text to the model. */
const CHARACTERS_TOLD = 4000;
const SIGNATURE_CHARACTERS = 24;
const LEFT_OUT = "(a picture, left out here)";

/** Undefined for what models do not take, such as SVG, and for what is too large. */
export function pictureOf(base64: string): ModelPicture | undefined {
  if (base64.length > PICTURE_CHARACTERS_MAX) return undefined;
  const start = Buffer.from(base64.slice(0, SIGNATURE_CHARACTERS), "base64").toString("latin1");
  const mediaType = mediaTypeOf(start);
  return mediaType === undefined ? undefined : { type: "file", mediaType, data: base64 };
}

/** By its first bytes: what is no picture would have the whole request refused. */
function mediaTypeOf(start: string): string | undefined {
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) return "image/gif";
  return start.startsWith("RIFF") && start.startsWith("WEBP", 8) ? "image/webp" : undefined;
}

/** What an execution has shown, the last of it. */
export function picturesOf(outputs: readonly Output[]): ModelPicture[] {
  return [...imagesOf(outputs)]
    .filter(({ mimeType }) => mimeType !== "image/svg+xml")
    .slice(-PICTURES_MAX)
    .flatMap((image) => pictureOf(imageBytes(image).toString("base64")) ?? []);
}

/** With the pictures of the newest messages, and a line instead of each other one. */
export function withinBounds(messages: readonly ModelMessage[]): ModelMessage[] {
  const bound = { pictures: PICTURES_MAX, characters: ALL_CHARACTERS_MAX };
  const bounded = messages.toReversed().map((message): ModelMessage => {
    const content = partsOf(message)?.map((part) =>
      part.type !== "file" || isTaken(part, bound)
        ? part
        : { type: "text" as const, text: LEFT_OUT },
    );
    return content ? { role: "user", content } : message;
  });
  return bounded.reverse();
}

function isTaken({ data }: FilePart, bound: { pictures: number; characters: number }): boolean {
  const { length } = String(data);
  if (bound.pictures === 0 || length > bound.characters) return false;
  bound.pictures--;
  bound.characters -= length;
  return true;
}

export function hasPictures(messages: readonly ModelMessage[]): boolean {
  return messages.some((message) => partsOf(message)?.some(({ type }) => type === "file"));
}

/** The length of what a model is told, where about four characters are a token. */
export function charactersTold(messages: readonly ModelMessage[]): number {
  let characters = 0;
  const bare = messages.map((message) => {
    const parts = partsOf(message);
    if (!parts) return message;
    const texts = parts.filter(({ type }) => type !== "file");
    characters += CHARACTERS_TOLD * (parts.length - texts.length);
    return { ...message, content: texts };
  });
  return characters + JSON.stringify(bare).length;
}

type UserParts = Exclude<Extract<ModelMessage, { role: "user" }>["content"], string>;

function partsOf(message: ModelMessage): UserParts | undefined {
  return message.role === "user" && typeof message.content !== "string"
    ? message.content
    : undefined;
}
