/** Files that a front end sends with a message. They go into the sandbox, where code can read them. */

import { ServiceError } from "../../errors.js";
import { type ModelPicture, pictureOf } from "../pictures.js";
import type { ChatSession } from "./chat-session.js";
import type { ChatMessage, FilePart } from "./parts.js";

const DATA_URL = /^data:[^,]{0,300}?(;base64)?,/i;
const NAME_CHARACTERS_MAX = 200;

/** Puts those of the message into the working directory. @throws ServiceError */
export async function placeAttachments(session: ChatSession, message: ChatMessage): Promise<void> {
  for (const [index, part] of filesOf(message).entries()) {
    await session.writeFile(nameOf(part, index), contentOf(part));
  }
}

/** The names under which code finds them, as a line for the model; empty where there are none. */
export function tellAttachments(message: ChatMessage): string {
  const names = filesOf(message).map((part, index) => JSON.stringify(nameOf(part, index)));
  return names.length === 0 ? "" : `\n\n(Attached, in the working directory: ${names.join(", ")})`;
}

/** What a model can see of them, in their order. */
export function picturesAttached(message: ChatMessage): ModelPicture[] {
  return filesOf(message).flatMap((part) => pictureOfPart(part) ?? []);
}

/** Undefined for what is no picture, and for what lies elsewhere: nothing is ever fetched. */
export function pictureOfPart({ url }: FilePart): ModelPicture | undefined {
  const [start, base64] = DATA_URL.exec(url) ?? [];
  return start !== undefined && base64 ? pictureOf(url.slice(start.length)) : undefined;
}

function filesOf({ parts }: ChatMessage): FilePart[] {
  return parts.filter((part): part is FilePart => part.type === "file");
}

/** Only the last part of a path: attachments lie side by side. */
function nameOf({ filename = "", mediaType }: FilePart, index: number): string {
  const slash = Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\"));
  const name = filename.slice(slash + 1).slice(-NAME_CHARACTERS_MAX);
  if (name !== "" && name !== "." && name !== "..") return name;
  const ending = /^[a-z0-9]{1,10}$/i.exec(mediaType.slice(mediaType.lastIndexOf("/") + 1))?.[0];
  return `attachment-${index + 1}.${ending ?? "bin"}`;
}

function contentOf({ url }: FilePart): Buffer {
  const [start, base64] = DATA_URL.exec(url) ?? [];
  if (start === undefined) {
    throw new ServiceError("INVALID_REQUEST", "A file of a message must be a data: URL.", {
      hint: "Other addresses are not asked. Or write the file with PUT /sessions/{id}/files/{path}.",
    });
  }
  const data = url.slice(start.length);
  if (base64) return Buffer.from(data, "base64");
  if (!data.includes("%")) return Buffer.from(data);
  try {
    return Buffer.from(decodeURIComponent(data));
  } catch {
    throw new ServiceError("INVALID_REQUEST", "A file of a message is not a valid data: URL.");
  }
}
