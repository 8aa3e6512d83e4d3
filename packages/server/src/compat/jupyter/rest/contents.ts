/** Jupyter's contents: files of sessions, for file browsers and for saving notebooks. */

import { ServiceError } from "../../../errors.js";
import type { App, FacadeHost } from "../../host.js";
import { CONTENT_BYTES_MAX } from "../contents/bytes.js";
import type { ContentStore } from "../contents/store.js";
import { asked, OPTIONAL_BODY } from "./route.js";
import { ContentBody, ContentParams, ContentQuery, MoveBody, NewContentBody } from "./schemas.js";

/** In base64, with what stands around it. */
const LARGE_BODY = {
  bodyLimit: Math.ceil((CONTENT_BYTES_MAX * 4) / 3) + 65_536,
  body: {
    valuesMax: 400_000,
    hint: "Clear the notebook's outputs, or send the file to PUT /sessions/{id}/files/{path}.",
  },
} as const;

const params = ContentParams;

export function registerContents(
  app: App,
  base: string,
  host: FacadeHost,
  store: ContentStore,
): void {
  const { visitOf } = host;
  for (const all of [`${base}/api/contents`, `${base}/api/contents/*`]) {
    app.get(
      all,
      asked("A file, a folder, or a file's checkpoints", { params, querystring: ContentQuery }),
      async ({ params, query }, reply) => {
        const { path, checkpoint } = read(params);
        if (checkpoint) return store.checkpoints(visitOf(reply), path);
        const { content, type, format } = query;
        return store.get(visitOf(reply), path, { withContent: content !== "0", type, format });
      },
    );

    const creation = asked("A new file or folder, a copy, or a checkpoint", {
      params,
      body: NewContentBody,
    });
    app.post(all, { ...creation, ...OPTIONAL_BODY }, async ({ params, body }, reply) => {
      const visit = visitOf(reply);
      const { path, checkpoint } = read(params);
      if (checkpoint === "one") {
        await store.restoreCheckpoint(visit, path);
        return reply.status(204).send();
      }
      reply.status(201);
      if (checkpoint) return store.makeCheckpoint(visit, path);
      if (body.copy_from) return store.copyTo(visit, body.copy_from, path);
      const extension = body.ext ?? "";
      return store.createIn(
        visit,
        path,
        body.type ?? "file",
        extension.startsWith(".") || extension === "" ? extension : `.${extension}`,
      );
    });

    app.put(
      all,
      {
        ...saving(),
        bodyLimit: LARGE_BODY.bodyLimit,
      },
      async ({ params, body }, reply) => {
        const saved = await store.save(visitOf(reply), read(params).path, body);
        return reply.status(200).send(saved);
      },
    );

    app.patch(
      all,
      asked("Another name", { params, body: MoveBody }),
      async ({ params, body }, reply) => store.rename(visitOf(reply), read(params).path, body.path),
    );

    app.delete(all, asked("Delete", { params }), async ({ params }, reply) => {
      const { path, checkpoint } = read(params);
      if (checkpoint === "all") throw new ServiceError("METHOD_NOT_ALLOWED");
      if (checkpoint) await store.removeCheckpoint(visitOf(reply), path);
      else await store.remove(visitOf(reply), path);
      return reply.status(204).send();
    });
  }
}

function saving() {
  const route = asked("Save a file, or make a folder", { params, body: ContentBody });
  return { ...route, config: { ...route.config, body: LARGE_BODY.body } };
}

/** `a/b.ipynb/checkpoints` and `a/b.ipynb/checkpoints/{id}` are about the file before. */
function read(params: ContentParams): { path: string; checkpoint?: "all" | "one" } {
  const path = params["*"] ?? "";
  const names = path.split("/");
  if (names.at(-1) === "checkpoints" && names.length > 1) {
    return { path: names.slice(0, -1).join("/"), checkpoint: "all" };
  }
  if (names.at(-2) === "checkpoints" && names.length > 2) {
    return { path: names.slice(0, -2).join("/"), checkpoint: "one" };
  }
  return { path };
}
