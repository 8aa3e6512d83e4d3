/** POST /execute/batch: many pieces of code, each in a sandbox of its own. */

import { availableParallelism } from "node:os";
import type { AskedItem, ItemEnd } from "../../desk/batch.js";
import type { Desk } from "../../desk/desk.js";
import type { App } from "../app-type.js";
import { BATCH_BODY } from "../http/body-limits.js";
import { EventStream, wantsEvents } from "../http/sse.js";
import { holdWhileUnread } from "../http/unread-answers.js";
import { visitOf } from "../http/visit.js";
import { answers, orEvents, tellsEvents } from "../schemas/answers.js";
import { BATCH_CONCURRENCY_MAX, BatchAnswer, BatchBody } from "../schemas/batch.js";
import { BatchEvent } from "../schemas/events.js";
import { BatchTally, toItemResult } from "../wire/batch.js";
import { failureData } from "../wire/failure-event.js";
import { readLimits } from "../wire/limits.js";

const BATCH = {
  tags: ["execute"],
  operationId: "executeBatch",
  summary: "Run many pieces of code, each in a fresh sandbox of its own",
  ...tellsEvents(BatchEvent),
  body: BatchBody,
  response: answers({ 200: orEvents(BatchAnswer) }),
};

export function registerBatch(app: App, desk: Desk): void {
  app.post("/execute/batch", { schema: BATCH, ...BATCH_BODY }, async (request, reply) => {
    const { body } = request;
    const tally = new BatchTally(body.items);
    const run = (onItemEnd: (index: number, end: ItemEnd) => Promise<void> | void) =>
      desk.executeBatch(visitOf(reply), toAsked(body), onItemEnd);
    if (!wantsEvents(request, body.stream)) {
      await run((index, end) => {
        const result = toItemResult(body.items, index, end, request.id, body.include);
        // What is gathered is held as an answer is that its client does not read.
        holdWhileUnread(reply, tally.keep(result, request.id));
      });
      return tally.answer();
    }
    let stream: EventStream | undefined;
    try {
      await run((index, end) => {
        stream ??= new EventStream(reply);
        const result = toItemResult(body.items, index, end, request.id, body.include);
        return stream.send("item", result, tally.count(result));
      });
      await stream?.send("result", tally.counts(), body.items.length + 1);
    } catch (error) {
      if (!stream) throw error;
      await stream.send("failure", failureData(request, error));
    }
    stream?.end();
    return reply;
  });
}

function toAsked(body: BatchBody) {
  return {
    items: body.items.map(toAskedItem),
    concurrency: body.concurrency ?? Math.min(2 * availableParallelism(), BATCH_CONCURRENCY_MAX),
    stopsOnError: body.stop_on === "error",
  };
}

function toAskedItem(item: BatchBody["items"][number]): AskedItem {
  const { code, stdin, timeout, files, include_files: includeFiles } = item;
  return { code, stdin, timeout, limits: readLimits(item), files, includeFiles };
}
