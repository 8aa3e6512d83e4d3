/** Files of a session. */

export type FileType = "file" | "directory" | "link" | "other";

export interface FileEntry {
  readonly name: string;
  /** Relative to the workspace. */
  readonly path: string;
  readonly type: FileType;
  readonly size: number;
  readonly mtime: string;
}

export interface FileList {
  readonly path: string;
  readonly entries: readonly FileEntry[];
  readonly truncated: boolean;
}

export interface WrittenFile {
  readonly path: string;
  readonly size: number;
}

export interface UploadResponse {
  readonly files: readonly WrittenFile[];
}

export interface RenameBody {
  readonly path: string;
  readonly overwrite?: boolean;
}

export interface RenamedFile {
  readonly path: string;
}

/** The data of each event of a watch, by the event's name. */
export interface FileEvents {
  readonly change: FileChange;
  /** More changed than can be told: list the folder again. */
  readonly truncated: Readonly<Record<never, never>>;
}

export interface FileChange {
  readonly path: string;
  readonly change: "created" | "modified" | "deleted";
  readonly type: FileType;
}
