/**
 * The files of one sandbox as the layers above see them. All paths are relative to /workspace and are
 * followed inside the sandbox only. What fails is a ServiceError of the table's file codes.
 */

import type { Readable } from "node:stream";

export type FileKind = "file" | "directory" | "link" | "other";

export interface FileEntry {
  /** Relative to the directory that was listed. What is not UTF-8 shows as U+FFFD. */
  readonly path: string;
  readonly kind: FileKind;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface FileList {
  readonly entries: readonly FileEntry[];
  /** There is more than was asked for. */
  readonly truncated: boolean;
}

/** A file that stays open until one range of it has been read, or close(). */
export interface OpenFile {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Changes with every change of the file. */
  readonly version: string;
  /** At most once. The stream fails when the file turns out to be shorter. */
  read(start: number, length: number): Readable;
  close(): void;
}

export interface WrittenFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** False where another file stood there. */
  readonly created: boolean;
}

/** Files that appear together on commit(), and never when it is not reached. */
export interface FileWriter {
  /** Begin the next file. `sizeBytes`, if it is known, lets a want of room be told early. */
  next(path: string, sizeBytes?: number): void;
  /** Resolves when more may be sent. */
  write(data: Buffer): Promise<void>;
  commit(): Promise<readonly WrittenFile[]>;
  /** Idempotent, and void after commit(). */
  abort(): void;
}

export interface FileChange {
  readonly path: string;
  readonly change: "created" | "modified" | "deleted";
  readonly type: FileKind;
}

export interface FileWatch {
  /** Resolves when there is nothing to watch any more, because the sandbox has ended. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Told of changes, and of a folder with too much in it to tell. What it returns holds up more of them. */
export interface WatchObserver {
  changed(changes: readonly FileChange[]): Promise<void>;
  truncated(): Promise<void>;
}

export type ArchiveFormat = "tar" | "zip";

export interface SandboxFiles {
  list(path: string, options: { recursive: boolean; entriesMax: number }): Promise<FileList>;
  open(path: string): Promise<OpenFile>;
  write(): FileWriter;
  /** With its parents. False when it was there already. */
  makeDirectory(path: string): Promise<boolean>;
  rename(path: string, to: string, overwrite: boolean): Promise<void>;
  remove(path: string, recursive: boolean): Promise<void>;
  archive(path: string, format: ArchiveFormat): Promise<Readable>;
  watch(path: string, observer: WatchObserver): Promise<FileWatch>;
}
