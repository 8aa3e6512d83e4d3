/** Files of a session. What a path means is decided inside the sandbox, never here. */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config.js";
import type { Desk } from "../../desk/desk.js";
import { checkName, checkPath, joinPath, nameOf } from "../../desk/paths.js";
import { ServiceError } from "../../errors.js";
import type { FileList, FileWriter } from "../../sandbox/files.js";
import type { App } from "../app-type.js";
import { sendArchive, sendFile } from "../files/download.js";
import { checkLength, receiveFile, receiveForm } from "../files/upload.js";
import { takeSmallPieces } from "../http/body-pieces.js";
import type { SlowBodies } from "../http/slow-bodies.js";
import { visitOf } from "../http/visit.js";
import { answers, FileContent, Nothing, orArchive, TELLS_ARCHIVES } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import {
  FileParams,
  ListAnswer,
  ListQuery,
  ReadQuery,
  RemoveQuery,
  RenameBody,
  RenamedAnswer,
  UploadedAnswer,
  UploadQuery,
  WriteQuery,
  WrittenAnswer,
} from "../schemas/files.js";

const ENTRIES_MAX = 10_000;
const tags = ["files"];
const LIST = {
  schema: {
    tags,
    operationId: "listFiles",
    summary: "Files of a session, or the whole folder as an archive",
    params: SessionParams,
    querystring: ListQuery,
    ...TELLS_ARCHIVES,
    response: answers({ 200: orArchive(ListAnswer) }),
  },
};
const READ = {
  schema: {
    tags,
    operationId: "readFile",
    summary: "A file, also in part; a folder as an archive",
    params: FileParams,
    querystring: ReadQuery,
    response: answers({ 200: FileContent, 206: FileContent, 304: Nothing }),
  },
};
const WRITE = {
  config: { takes: "bytes" as const },
  schema: {
    tags,
    operationId: "writeFile",
    summary: "Write a file, whole or not at all, or make a folder",
    params: FileParams,
    querystring: WriteQuery,
    response: answers({ 200: WrittenAnswer, 201: WrittenAnswer }),
  },
};
const UPLOAD = {
  config: { takes: "form" as const },
  schema: {
    tags,
    operationId: "uploadFiles",
    summary: "Write several files as multipart/form-data, all or none",
    params: SessionParams,
    querystring: UploadQuery,
    response: answers({ 200: UploadedAnswer }),
  },
};
const RENAME = {
  schema: {
    tags,
    operationId: "renameFile",
    summary: "Rename or move",
    params: FileParams,
    body: RenameBody,
    response: answers({ 200: RenamedAnswer }),
  },
};
const REMOVE = {
  schema: {
    tags,
    operationId: "deleteFile",
    summary: "Delete a file, an empty folder, or a folder with everything in it",
    params: FileParams,
    querystring: RemoveQuery,
    response: answers({ 204: Nothing }),
  },
};

export interface FilesOptions {
  readonly desk: Desk;
  readonly config: Config;
  readonly slowBodies: SlowBodies;
}

export function registerFiles(app: App, options: FilesOptions): void {
  const { desk } = options;

  app.get("/sessions/:id/files", LIST, async (request, reply) => {
    const { id } = request.params;
    const path = checkPath(request.query.path ?? "");
    const { archive, recursive } = request.query;
    return desk.session(visitOf(reply), id).readFiles(async (files) => {
      if (archive) {
        await sendArchive(reply, path, archive, await present(files).archive(path, archive));
        return reply;
      }
      if (!files && path !== "") throw new ServiceError("FILE_NOT_FOUND");
      const found: FileList = (await files?.list(path, {
        recursive: recursive === "true",
        entriesMax: ENTRIES_MAX,
      })) ?? { entries: [], truncated: false };
      return listToWire(path, found);
    });
  });

  const read = async (
    request: FastifyRequest<{ Params: { id: string }; Querystring: ReadQuery }>,
    reply: FastifyReply,
  ) => {
    const { params, query } = request;
    const path = checkPath(wildcardOf(params));
    await desk.session(visitOf(reply), params.id).readFiles(async (files) => {
      if (query.archive && request.method === "GET") {
        const stream = await present(files).archive(path, query.archive);
        await sendArchive(reply, path, query.archive, stream);
      } else {
        await sendFile(request, reply, path, await present(files).open(path));
      }
    });
    return reply;
  };
  app.head("/sessions/:id/files/*", READ, read);
  app.get("/sessions/:id/files/*", READ, read);

  app.patch("/sessions/:id/files/*", RENAME, async ({ params, body }, reply) => {
    const path = checkName(wildcardOf(params));
    const to = checkName(body.path);
    await desk
      .session(visitOf(reply), params.id)
      .changeFiles((files) => present(files).rename(path, to, body.overwrite ?? false));
    return { path: to };
  });

  app.delete("/sessions/:id/files/*", REMOVE, async (request, reply) => {
    const { params, query } = request;
    const path = checkName(wildcardOf(params));
    await desk
      .session(visitOf(reply), params.id)
      .changeFiles((files) => present(files).remove(path, query.recursive === "true"));
    return reply.status(204).send();
  });

  app.register(async (scope) => registerUploads(scope as unknown as App, options));
}

/** Apart from the others, as here nothing reads the body but the handler. */
function registerUploads(app: App, options: FilesOptions): void {
  const { desk, config, slowBodies } = options;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (request, _body, done) => {
    slowBodies.exempt(request.raw);
    takeSmallPieces(request.raw);
    done(null);
  });

  /** Write with `fill`. Whatever ends it before the commit leaves nothing. */
  async function write(
    reply: FastifyReply,
    id: string,
    fill: (writer: FileWriter) => Promise<void>,
  ) {
    return desk.session(visitOf(reply), id).addFiles(async (files) => {
      const writer = files.write();
      try {
        await fill(writer);
        return await writer.commit();
      } finally {
        writer.abort();
      }
    });
  }

  app.put("/sessions/:id/files/*", WRITE, async (request, reply) => {
    const { params, query } = request;
    const path = checkName(wildcardOf(params));
    const length = checkLength(request, config.workspaceBytesMax);
    if (query.type === "directory") {
      if (length > 0) throw new ServiceError("INVALID_REQUEST", "A folder takes no body.");
      const created = await desk
        .session(visitOf(reply), params.id)
        .addFiles((files) => files.makeDirectory(path));
      return reply.status(created ? 201 : 200).send({ path, size: 0 });
    }
    const [file] = await write(reply, params.id, async (writer) => {
      writer.next(path, length);
      await receiveFile(request, writer, config.workspaceBytesMax);
    });
    return reply.status(file?.created ? 201 : 200).send({ path, size: file?.sizeBytes ?? 0 });
  });

  app.post("/sessions/:id/files", UPLOAD, async (request, reply) => {
    const { params, query } = request;
    const folder = checkPath(query.path ?? "");
    if (!/^multipart\/form-data\b/i.test(request.headers["content-type"] ?? "")) {
      throw new ServiceError("UNSUPPORTED_MEDIA_TYPE", "The body must be multipart/form-data.", {
        hint: "curl -F file=@data.csv does it. PUT /sessions/{id}/files/{path} takes a file as it is.",
      });
    }
    checkLength(request, config.workspaceBytesMax + FORM_BYTES_MAX);
    const written = await write(reply, params.id, (writer) =>
      receiveForm(request, folder, writer, config.workspaceBytesMax),
    );
    return { files: written.map(({ path, sizeBytes }) => ({ path, size: sizeBytes })) };
  });
}

/** What the form itself may take beside the files. */
const FORM_BYTES_MAX = 1024 * 1024;

/** @throws ServiceError FILE_NOT_FOUND: a session without a sandbox has no files */
function present<Files>(files: Files | undefined): Files {
  if (!files) throw new ServiceError("FILE_NOT_FOUND");
  return files;
}

function wildcardOf(params: object): string {
  return (params as FileParams)["*"];
}

function listToWire(folder: string, { entries, truncated }: FileList) {
  return {
    path: folder,
    entries: entries.map(({ path, kind, sizeBytes, modifiedMs }) => ({
      name: nameOf(path),
      path: joinPath(folder, path),
      type: kind,
      size: sizeBytes,
      mtime: new Date(modifiedMs).toISOString(),
    })),
    truncated,
  };
}
