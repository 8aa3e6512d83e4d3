/** What changes in a session's files, as server-sent events. */

import type { Desk } from "../../desk/desk.js";
import { checkPath, joinPath } from "../../desk/paths.js";
import { ServiceError } from "../../errors.js";
import type { FileChange, FileWatch } from "../../sandbox/files.js";
import type { App } from "../app-type.js";
import { EventStream } from "../http/sse.js";
import { visitOf } from "../http/visit.js";
import { answers, Events, tellsEvents } from "../schemas/answers.js";
import { SessionParams } from "../schemas/common.js";
import { FileEvent } from "../schemas/events.js";
import { WatchQuery } from "../schemas/files.js";

const WATCH = {
  // A HEAD would hold a watch whose events are not sent.
  exposeHeadRoute: false,
  schema: {
    tags: ["files"],
    operationId: "watchFiles",
    summary: "Follow changes below a folder",
    params: SessionParams,
    ...tellsEvents(FileEvent),
    querystring: WatchQuery,
    response: answers({ 200: Events }),
  },
};

export function registerWatch(app: App, desk: Desk): void {
  app.get("/sessions/:id/watch", WATCH, async (request, reply) => {
    const { params, query } = request;
    const folder = checkPath(query.path ?? "");
    let begin!: (stream: EventStream) => void;
    const begun = new Promise<EventStream>((resolve) => {
      begin = resolve;
    });
    let id = 0;
    /** Changes are few and small; the porter waits with more of them until these are gone. */
    async function tell(changes: readonly FileChange[]): Promise<void> {
      const stream = await begun;
      for (const { path, change, type } of changes) {
        const told = { path: joinPath(folder, path), change, type };
        await stream.send("change", told, ++id);
      }
    }
    // Watching does not keep a session alive.
    const watch: FileWatch = await desk.session(visitOf(reply), params.id).readFiles((files) => {
      if (!files) {
        throw new ServiceError("FILE_NOT_FOUND", "The session has no sandbox yet.", {
          hint: "Execute something or upload a file first.",
        });
      }
      return files.watch(folder, {
        changed: tell,
        truncated: async () => (await begun).send("truncated", {}, ++id),
      });
    });
    const stream = new EventStream(reply);
    stream.onClosed(() => watch.close());
    void watch.ended.then(() => stream.end());
    begin(stream);
    return reply;
  });
}
