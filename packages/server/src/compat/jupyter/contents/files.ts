/** Reading and writing below one session's /workspace, for contents. */

import { ServiceError } from "../../../errors.js";
import type { ChangingFiles, ReadingFiles } from "../../../sessions/changing-files.js";
import { readBytes, toContent } from "./bytes.js";
import { bareModel, type ContentModel, entryModel, filled, typeOf } from "./models.js";
import type { Place } from "./place.js";

export const ENTRIES_MAX = 10_000;

export interface AskedContent {
  readonly withContent: boolean;
  readonly type: string | undefined;
  readonly format: "text" | "base64" | undefined;
}

export async function describe(
  files: ReadingFiles,
  place: Place,
  asked: AskedContent,
): Promise<ContentModel> {
  if (asked.type !== "directory") {
    try {
      return await describeFile(files, place, asked);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== "IS_A_DIRECTORY") throw error;
    }
  }
  const content = await entriesOf(files, place);
  const model = bareModel(place, "directory", Date.now(), null);
  return asked.withContent ? filled(model, content) : model;
}

async function describeFile(
  files: ReadingFiles,
  place: Place,
  { withContent, type: wanted, format }: AskedContent,
): Promise<ContentModel> {
  const type = wanted === "file" ? "file" : typeOf(place.path, "file");
  if (!withContent) {
    const file = await files.open(place.path);
    file.close();
    return bareModel(place, type, file.modifiedMs, file.sizeBytes);
  }
  const { bytes, modifiedMs } = await readBytes(files, place.path);
  const content = await toContent(bytes, type, format);
  return { ...bareModel(place, type, modifiedMs, bytes.length), ...content };
}

/** Hidden ones are not shown, as in Jupyter. */
export async function entriesOf(files: ReadingFiles, folder: Place): Promise<ContentModel[]> {
  const options = { recursive: false, entriesMax: ENTRIES_MAX };
  const { entries } = await files.list(folder.path, options);
  return entries
    .filter(({ path }) => !path.startsWith("."))
    .map((entry) => entryModel(folder, entry));
}

export async function write(
  files: ChangingFiles,
  path: string,
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  const writer = files.write();
  try {
    writer.next(path);
    for await (const piece of pieces) if (piece.length > 0) await writer.write(piece);
    await writer.commit();
  } finally {
    writer.abort();
  }
}

/** @throws ServiceError FILE_NOT_FOUND: a session without a sandbox has no files */
export function present<Files>(files: Files | undefined): Files {
  if (!files) throw new ServiceError("FILE_NOT_FOUND");
  return files;
}
