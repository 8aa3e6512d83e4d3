/** The files of a session, by paths relative to its workspace. */

import type { Deadline } from "./deadline.js";
import { ConnectionError, GloveboxError } from "./errors.js";
import type { StreamEvent } from "./event-stream.js";
import { type CallOptions, defined } from "./options.js";
import { readSse } from "./sse.js";
import type { OpenAnswer, Transport, TransportRequest } from "./transport.js";
import type { FileEvents, FileList, RenamedFile, UploadResponse, WrittenFile } from "./wire.js";

/** A stream is sent as it comes; Node can do that, and browsers over HTTP/2 only. */
export type FileContent = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>;

/** Which part of a file is read. */
export interface ReadOptions extends CallOptions {
  /** Bytes from `start` up to, but not including, `end`; default to the end of the file. */
  readonly range?: { readonly start: number; readonly end?: number };
}

/** What is known of a file without its bytes. */
export interface FileStat {
  /** In bytes. */
  readonly size: number;
  /** By the file's name. */
  readonly contentType: string | null;
  /** Changes with every change of the file. */
  readonly etag: string | null;
  /** As an HTTP date. */
  readonly lastModified: string | null;
}

/** `change`, or `truncated` when there was more than can be told. */
export type FileEvent = StreamEvent<FileEvents>;

/** What a folder is packed as. */
export type ArchiveFormat = "tar" | "zip";

/** No bytes for this long, and a transfer or a watch is taken to be broken. */
const SILENCE_MS_MAX = 60_000;

/** The files of a session's workspace; paths are relative to it. */
export class SessionFiles {
  readonly #transport: Transport;
  readonly #base: string;

  constructor(transport: Transport, sessionPath: string) {
    this.#transport = transport;
    this.#base = sessionPath;
  }

  /** What lies in a folder. */
  list(path = "", options: CallOptions & { readonly recursive?: boolean } = {}): Promise<FileList> {
    const query = { path: cleanPath(path), recursive: options.recursive };
    return this.#transport.json({ ...this.#request("GET"), query, signal: options.signal });
  }

  /** The bytes of a file. */
  async read(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
    return new Uint8Array(await new Response(await this.readStream(path, options)).arrayBuffer());
  }

  /** A file as text, UTF-8. */
  async readText(path: string, options: ReadOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options));
  }

  /** A file as it comes, for what is too large for memory. Cancel it to stop. */
  readStream(path: string, options: ReadOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const headers = options.range ? { range: toRange(options.range) } : {};
    return this.#download({ ...this.#request("GET", path), headers, signal: options.signal });
  }

  /** Size and type of a file, without its bytes. */
  async stat(path: string, { signal }: CallOptions = {}): Promise<FileStat> {
    const { response, deadline } = await this.#transport.open({
      ...this.#request("HEAD", path),
      signal,
    });
    deadline.end();
    const { headers } = response;
    return {
      size: Number(headers.get("content-length") ?? 0),
      contentType: headers.get("content-type"),
      etag: headers.get("etag"),
      lastModified: headers.get("last-modified"),
    };
  }

  /** Write a file as a whole, with the folders above it. Half a file is never visible. */
  write(path: string, content: FileContent, { signal }: CallOptions = {}): Promise<WrittenFile> {
    return this.#transport.json({
      ...this.#request("PUT", path),
      headers: { "content-type": "application/octet-stream" },
      body: content instanceof ArrayBuffer ? new Uint8Array(content) : content,
      signal,
      timeoutMs: null,
    });
  }

  /** Make a folder, with those above it. */
  async mkdir(path: string, { signal }: CallOptions = {}): Promise<void> {
    const query = { type: "directory" };
    await this.#transport.done({ ...this.#request("PUT", path), query, signal });
  }

  /** Rename or move. */
  rename(
    from: string,
    to: string,
    options: CallOptions & { readonly overwrite?: boolean } = {},
  ): Promise<RenamedFile> {
    const json = defined({ path: cleanPath(to), overwrite: options.overwrite });
    const { signal } = options;
    return this.#transport.json({ ...this.#request("PATCH", from), json, signal });
  }

  /** Delete a file, or a folder: with `recursive` also one that is not empty. */
  delete(
    path: string,
    options: CallOptions & { readonly recursive?: boolean } = {},
  ): Promise<void> {
    const query = { recursive: options.recursive };
    return this.#transport.done({
      ...this.#request("DELETE", path),
      query,
      signal: options.signal,
    });
  }

  /** Write several files in one request, by their paths. */
  async upload(
    files: Readonly<Record<string, string | Uint8Array | ArrayBuffer | Blob>>,
    { signal }: CallOptions = {},
  ): Promise<readonly WrittenFile[]> {
    const body = new FormData();
    for (const [path, content] of Object.entries(files)) {
      const name = cleanPath(path);
      const blob = content instanceof Blob ? content : new Blob([content as BlobPart]);
      body.append(name, blob, name);
    }
    const answer = await this.#transport.json<UploadResponse>({
      ...this.#request("POST"),
      body,
      signal,
      timeoutMs: null,
    });
    return answer.files;
  }

  /** A whole folder in one file, as it comes. */
  archive(
    path = "",
    options: CallOptions & { readonly format?: ArchiveFormat } = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const query = { archive: options.format ?? "tar" };
    return this.#download({ ...this.#request("GET", path), query, signal: options.signal });
  }

  /**
   * What changes below a folder, from the moment this resolves until the loop is left, or the session
   * ends. A session that was never used has nothing to watch. @throws NotFoundError
   */
  async watch(path = "", { signal }: CallOptions = {}): Promise<AsyncIterable<FileEvent>> {
    const answer = await this.#transport.open({
      method: "GET",
      path: `${this.#base}/watch`,
      query: { path: cleanPath(path) },
      headers: { accept: "text/event-stream" },
      signal,
    });
    answer.deadline.suspend();
    return changesOf(answer, signal);
  }

  async #download(request: TransportRequest): Promise<ReadableStream<Uint8Array>> {
    const { response, deadline } = await this.#transport.open(request);
    deadline.suspend();
    const { body } = response;
    if (body) return guarded(body, deadline, request.signal);
    deadline.end();
    return new Blob([]).stream();
  }

  #request(
    method: TransportRequest["method"],
    path?: string,
  ): Pick<TransportRequest, "method" | "path"> {
    const clean = path === undefined ? "" : cleanPath(path);
    const base = `${this.#base}/files`;
    return { method, path: clean === "" ? base : `${base}/${encodePath(clean)}` };
  }
}

async function* changesOf(
  { response, deadline }: OpenAnswer,
  signal: AbortSignal | undefined,
): AsyncGenerator<FileEvent, void, undefined> {
  try {
    if (!response.body) return;
    const messages = readSse(response.body, {
      onWait: () => deadline.restart(SILENCE_MS_MAX),
      onBytes: () => deadline.suspend(),
    });
    for await (const message of messages) {
      if (message.event !== "change" && message.event !== "truncated") continue;
      const { event: type, id, data } = message;
      yield { type, id: Number(id), data: JSON.parse(data) } as FileEvent;
    }
  } catch (error) {
    throw signal?.aborted ? signal.reason : broken("The watch", error);
  } finally {
    deadline.end();
  }
}

/**
 * Relative to the workspace, without `.` and empty parts. `..` is refused here because a URL takes it
 * out before any server sees it, and would so lead to another route.
 */
function cleanPath(path: string): string {
  const inside = path === "/workspace" ? "" : path.replace(/^\/workspace\//, "");
  const parts = inside.split("/").filter((part) => part !== "" && part !== ".");
  if (!inside.startsWith("/") && !parts.includes("..")) return parts.join("/");
  throw new GloveboxError("INVALID_ARGUMENT", `This path leaves the workspace: ${path}`, {
    hint: "Paths are relative to /workspace, such as data/a.csv.",
  });
}

function encodePath(clean: string): string {
  try {
    return clean.split("/").map(encodeURIComponent).join("/");
  } catch (cause) {
    throw new GloveboxError("INVALID_ARGUMENT", "This path is not valid Unicode.", { cause });
  }
}

function toRange({ start, end }: { readonly start: number; readonly end?: number }): string {
  return `bytes=${start}-${end === undefined ? "" : end - 1}`;
}

/** A body that ends its deadline when it ends, and whose failures are this package's errors. */
function guarded(
  body: ReadableStream<Uint8Array>,
  deadline: Deadline,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        deadline.restart(SILENCE_MS_MAX);
        try {
          const { done, value } = await reader.read();
          deadline.suspend();
          if (!done) {
            controller.enqueue(value);
            return;
          }
          deadline.end();
          controller.close();
        } catch (error) {
          deadline.end();
          controller.error(signal?.aborted ? signal.reason : broken("The transfer", error));
        }
      },
      async cancel(reason) {
        deadline.end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function broken(what: string, cause: unknown): ConnectionError {
  return new ConnectionError("CONNECTION_FAILED", `${what} broke off: ${String(cause)}.`, {
    cause,
  });
}
