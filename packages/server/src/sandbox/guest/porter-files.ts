/** The files of a sandbox, by its porter. Checks everything that comes back against its schema. */

import { Readable } from "node:stream";
import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type ErrorCode, ServiceError } from "../../errors.js";
import type {
  ArchiveFormat,
  FileEntry,
  FileList,
  FileWatch,
  FileWriter,
  OpenFile,
  SandboxFiles,
  WatchObserver,
  WrittenFile,
} from "../files.js";
import { ProtocolViolation } from "./channel.js";
import {
  KIND,
  type PorterChannel,
  type PorterHandler,
  type PorterRequest,
  WINDOW_BYTES,
} from "./porter-channel.js";

/** The porter lists a million code points of paths; each may be two characters here. */
const LISTED_CHARACTERS_MAX = 2_000_000;

const closed = { additionalProperties: false } as const;
const Path = Type.String({ maxLength: 8192 });
const Kind = Type.Union([
  Type.Literal("file"),
  Type.Literal("directory"),
  Type.Literal("link"),
  Type.Literal("other"),
]);
const described = {
  type: Kind,
  size: Type.Integer({ minimum: 0 }),
  mtime_ms: Type.Integer({ minimum: -8.64e15, maximum: 8.64e15 }),
};
const Entries = Type.Object({ entries: Type.Array(Type.Object({ path: Path, ...described })) });
const Listed = Type.Object({ truncated: Type.Boolean() }, closed);
const Etag = Type.String({ maxLength: 60, pattern: "^[0-9a-f-]{1,60}$" });
const Opened = Type.Object({ ...described, etag: Etag });
const Written = Type.Object({
  files: Type.Array(
    Type.Object({ path: Path, size: Type.Integer({ minimum: 0 }), created: Type.Boolean() }),
  ),
});
const Made = Type.Object({ created: Type.Boolean() }, closed);
const Changes = Type.Object({
  changes: Type.Array(
    Type.Object({
      path: Path,
      change: Type.Union([
        Type.Literal("created"),
        Type.Literal("modified"),
        Type.Literal("deleted"),
      ]),
      type: Kind,
    }),
  ),
  truncated: Type.Optional(Type.Boolean()),
});

const checks = {
  entries: Compile(Entries),
  listed: Compile(Listed),
  opened: Compile(Opened),
  written: Compile(Written),
  made: Compile(Made),
  changes: Compile(Changes),
  nothing: Compile(Type.Object({}, closed)),
};

/** @throws ProtocolViolation */
function checked<S extends TSchema>(
  check: { Check(value: unknown): boolean },
  value: unknown,
): Static<S> {
  if (!check.Check(value)) throw new ProtocolViolation("an answer that does not follow its schema");
  return value as Static<S>;
}

const CODES: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries({
    FILE_NOT_FOUND: "FILE_NOT_FOUND",
    INVALID_PATH: "INVALID_PATH",
    NOT_A_DIRECTORY: "NOT_A_DIRECTORY",
    IS_A_DIRECTORY: "IS_A_DIRECTORY",
    FILE_EXISTS: "FILE_EXISTS",
    DIRECTORY_NOT_EMPTY: "DIRECTORY_NOT_EMPTY",
    FILE_ACCESS_DENIED: "FILE_ACCESS_DENIED",
    FILE_TOO_LARGE: "FILE_TOO_LARGE",
    FILE_CHANGED: "TRANSFER_INTERRUPTED",
    TOO_MANY: "TOO_MANY_TRANSFERS",
  } as const),
);

/** Undefined is the end of the connection, by which nothing half-done stays behind. */
function toError(code: string | undefined): ServiceError {
  if (code === undefined) return new ServiceError("TRANSFER_INTERRUPTED");
  return new ServiceError(CODES.get(code) ?? "FILE_ACCESS_DENIED");
}

export class PorterFiles implements SandboxFiles {
  readonly #channel: PorterChannel;
  /** Told which files are new by what was asked here, and not by user code. */
  readonly #onChanged: (paths: readonly string[]) => void;

  constructor(channel: PorterChannel, onChanged: (paths: readonly string[]) => void) {
    this.#channel = channel;
    this.#onChanged = onChanged;
  }

  list(
    path: string,
    { recursive, entriesMax }: { recursive: boolean; entriesMax: number },
  ): Promise<FileList> {
    const entries: FileEntry[] = [];
    let characters = 0;
    const fields = { op: "list", path, recursive, entries_max: entriesMax };
    return this.#ask(
      fields,
      (end) => ({ entries, ...checked<typeof Listed>(checks.listed, end) }),
      {
        item: (item, request) => {
          const found = checked<typeof Entries>(checks.entries, item).entries;
          if (entries.length + found.length > entriesMax) {
            throw new ProtocolViolation("more entries than were asked for");
          }
          for (const { path: name, type, size, mtime_ms } of found) {
            characters += name.length;
            if (characters > LISTED_CHARACTERS_MAX) {
              throw new ProtocolViolation("longer paths than any list has");
            }
            entries.push({ path: name, kind: type, sizeBytes: size, modifiedMs: mtime_ms });
          }
          refill(request, 0);
        },
      },
    );
  }

  open(path: string): Promise<OpenFile> {
    return new Promise((resolve, reject) => {
      let isOpen = false;
      let stream: PorterReadable | undefined;
      const request = this.#channel.request(
        { op: "read", path },
        {
          head: (fields) => {
            if (isOpen) unexpected();
            const head = checked<typeof Opened>(checks.opened, fields);
            isOpen = true;
            resolve({
              sizeBytes: head.size,
              modifiedMs: head.mtime_ms,
              version: head.etag,
              read: (start, length) => {
                stream = new PorterReadable(request, length);
                request.send(KIND.item, { start, length });
                return stream;
              },
              close: () => request.cancel(),
            });
          },
          item: unexpected,
          data: (chunk) => (stream ?? unexpected()).push(chunk),
          end: () => (stream ?? unexpected()).finish(),
          fail: (code) => {
            reject(toError(code));
            stream?.destroy(toError(code));
          },
        },
      );
    });
  }

  write(): FileWriter {
    return new PorterWriter(this.#channel, this.#onChanged);
  }

  makeDirectory(path: string): Promise<boolean> {
    return this.#ask(
      { op: "mkdir", path },
      (end) => checked<typeof Made>(checks.made, end).created,
    );
  }

  async rename(path: string, to: string, overwrite: boolean): Promise<void> {
    await this.#ask({ op: "rename", path, to, overwrite }, (end) => {
      this.#onChanged([to]);
      return checked(checks.nothing, end);
    });
  }

  async remove(path: string, recursive: boolean): Promise<void> {
    await this.#ask({ op: "remove", path, recursive }, (end) => {
      this.#onChanged([]);
      return checked(checks.nothing, end);
    });
  }

  archive(path: string, format: ArchiveFormat): Promise<Readable> {
    return new Promise((resolve, reject) => {
      let stream: PorterReadable | undefined;
      const request = this.#channel.request(
        { op: "archive", path, format },
        {
          head: () => {
            if (stream) unexpected();
            stream = new PorterReadable(request);
            resolve(stream);
          },
          item: unexpected,
          data: (chunk) => (stream ?? unexpected()).push(chunk),
          end: () => (stream ?? unexpected()).finish(),
          fail: (code) => {
            reject(toError(code));
            stream?.destroy(toError(code));
          },
        },
      );
    });
  }

  watch(path: string, observer: WatchObserver): Promise<FileWatch> {
    return new Promise((resolve, reject) => {
      let resolveEnded!: () => void;
      const ended = new Promise<void>((done) => {
        resolveEnded = done;
      });
      let isWatching = false;
      const request = this.#channel.request(
        { op: "watch", path },
        {
          head: () => {
            isWatching = true;
            resolve({ ended, close: () => request.cancel() });
          },
          item: (item) => {
            const { changes, truncated } = checked<typeof Changes>(checks.changes, item);
            const told = truncated ? observer.truncated() : observer.changed(changes);
            void told.then(() => refill(request, 0));
          },
          data: unexpected,
          end: () => (isWatching ? resolveEnded() : unexpected()),
          fail: (code) => {
            reject(toError(code));
            resolveEnded();
          },
        },
      );
    });
  }

  /** A question with one answer at its end. */
  #ask<T>(
    fields: unknown,
    answer: (end: unknown) => T,
    more: { item?: (item: unknown, request: PorterRequest) => void } = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const request = this.#channel.request(fields, {
        head: unexpected,
        item: (item) => (more.item ?? unexpected)(item, request),
        data: unexpected,
        end: (end) => resolve(answer(end)),
        fail: (code) => reject(toError(code)),
      } satisfies PorterHandler);
    });
  }
}

function unexpected(): never {
  throw new ProtocolViolation("a frame that answers no question");
}

/** Grants what has been taken, in few frames. */
function refill(request: PorterRequest, heldBytes: number): void {
  const missing = WINDOW_BYTES - request.allowedBytes - heldBytes;
  // With nothing on its way, no answer would bring the next request.
  if (missing >= WINDOW_BYTES / 4 || (request.allowedBytes <= 0 && missing > 0)) {
    request.grant(missing);
  }
}

/** Bytes of a file or of an archive. At most a window of them is held here. */
class PorterReadable extends Readable {
  readonly #request: PorterRequest;
  #left: number;

  constructor(request: PorterRequest, length = Number.POSITIVE_INFINITY) {
    super({ highWaterMark: WINDOW_BYTES / 4 });
    this.#request = request;
    this.#left = length;
    this.on("error", () => undefined); // Errors may come before the first read.
  }

  /** @throws ProtocolViolation for more than was asked for */
  override push(chunk: Buffer): boolean {
    this.#left -= chunk.length;
    if (this.#left < 0) throw new ProtocolViolation("more of a file than was asked for");
    return super.push(chunk);
  }

  /**
   * All of it has come. Fewer bytes than the caller was promised would let the next answer on its
   * connection pass for the rest.
   * @throws ProtocolViolation for less than was asked for
   */
  finish(): void {
    if (this.#left > 0 && this.#left !== Number.POSITIVE_INFINITY) {
      throw new ProtocolViolation("less of a file than was asked for");
    }
    super.push(null);
  }

  override _read(): void {
    // A reader that takes all at once takes it after this call. Of what counts as held nothing would be granted, and then nothing come.
    process.nextTick(() => refill(this.#request, this.readableLength));
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#request.cancel();
    callback(error);
  }
}

class PorterWriter implements FileWriter {
  readonly #request: PorterRequest;
  readonly #written: Promise<readonly WrittenFile[]>;
  #error: ServiceError | undefined;

  constructor(channel: PorterChannel, onWritten: (paths: readonly string[]) => void) {
    let resolveWritten!: (files: readonly WrittenFile[]) => void;
    let rejectWritten!: (error: Error) => void;
    this.#written = new Promise((resolve, reject) => {
      resolveWritten = resolve;
      rejectWritten = reject;
    });
    this.#written.catch(() => undefined);
    this.#request = channel.request(
      { op: "write" },
      {
        head: unexpected,
        item: unexpected,
        data: unexpected,
        end: (end) => {
          const { files } = checked<typeof Written>(checks.written, end);
          onWritten(files.map(({ path }) => path));
          resolveWritten(
            files.map(({ path, size, created }) => ({ path, sizeBytes: size, created })),
          );
        },
        fail: (code) => {
          this.#error = toError(code);
          rejectWritten(this.#error);
        },
      },
    );
  }

  next(path: string, sizeBytes = 0): void {
    this.#request.send(KIND.item, { path, size: sizeBytes });
  }

  async write(data: Buffer): Promise<void> {
    await this.#request.sendData(data);
    if (this.#error) throw this.#error;
  }

  commit(): Promise<readonly WrittenFile[]> {
    this.#request.send(KIND.end, {});
    return this.#written;
  }

  abort(): void {
    this.#request.cancel();
  }
}
