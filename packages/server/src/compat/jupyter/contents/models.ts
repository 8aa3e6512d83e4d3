/** What Jupyter's clients are told of a file or a folder. */

import { joinPath, nameOf } from "../../../desk/paths.js";
import type { FileEntry } from "../../../sandbox/files.js";
import type { SessionInfo } from "../../../sessions/interface.js";
import { type Place, writtenPath } from "./place.js";

export type ContentType = "file" | "notebook" | "directory";

export interface ContentModel {
  readonly name: string;
  readonly path: string;
  readonly type: ContentType;
  readonly writable: boolean;
  readonly created: string;
  readonly last_modified: string;
  readonly size: number | null;
  readonly mimetype: string | null;
  readonly content: unknown;
  readonly format: "json" | "text" | "base64" | null;
}

export function typeOf(name: string, kind: FileEntry["kind"]): ContentType {
  if (kind === "directory") return "directory";
  return name.endsWith(".ipynb") ? "notebook" : "file";
}

/** Without its content. Times in milliseconds since 1970. */
export function bareModel(
  place: Place,
  type: ContentType,
  modifiedMs: number,
  size: number | null,
): ContentModel {
  const path = writtenPath(place);
  const time = new Date(modifiedMs).toISOString();
  return {
    ...{ name: nameOf(path), path, type, writable: true, created: time, last_modified: time },
    ...{ size, mimetype: null, content: null, format: null },
  };
}

export function entryModel(
  folder: Place,
  { path, kind, sizeBytes, modifiedMs }: FileEntry,
): ContentModel {
  const place = { sessionId: folder.sessionId, path: joinPath(folder.path, path) };
  return bareModel(place, typeOf(path, kind), modifiedMs, kind === "directory" ? null : sizeBytes);
}

export function sessionModel({ id, lastUsedAt }: SessionInfo): ContentModel {
  return bareModel({ sessionId: id, path: "" }, "directory", lastUsedAt, null);
}

/** What holds all sessions. */
export function rootModel(sessions: readonly SessionInfo[], withContent: boolean): ContentModel {
  const latest = Math.max(0, ...sessions.map(({ lastUsedAt }) => lastUsedAt));
  const model = { ...bareModel({ sessionId: "", path: "" }, "directory", latest, null), name: "" };
  return withContent ? filled(model, sessions.map(sessionModel)) : model;
}

export function filled(model: ContentModel, content: readonly ContentModel[]): ContentModel {
  return { ...model, content, format: "json" };
}
