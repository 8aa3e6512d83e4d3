/** How a turn of a chat looks on the wire: as one answer, and as the AI SDK's stream of UI message chunks. */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { ServiceError } from "../../errors.js";
import type { ChatTurn } from "../../generate/chat/chat-turn.js";
import type { ChatChunk } from "../../generate/chat/chunks.js";
import { isToolPart, textOf, toolNameOf } from "../../generate/chat/messages.js";
import type { FilePart } from "../../generate/chat/parts.js";
import { EventStream } from "../http/sse.js";

export const SESSION_HEADER = "x-session-id";
const PROTOCOL = { "x-vercel-ai-ui-message-stream": "v1" };
const DONE = "[DONE]";

type Chunks = AsyncGenerator<ChatChunk, void, undefined>;

/** @throws ServiceError what goes wrong before the first chunk, and then nothing was answered */
export async function streamChat(
  reply: FastifyReply,
  chunks: Chunks,
  sessionId: string,
): Promise<void> {
  let next = await chunks.next();
  const stream = new EventStream(reply, { headers: { ...PROTOCOL, [SESSION_HEADER]: sessionId } });
  while (!next.done && !stream.closed) {
    const drained = stream.send(undefined, next.value);
    if (drained) await drained;
    next = await chunks.next();
  }
  if (!next.done) await chunks.return();
  if (stream.closed) return;
  await stream.sendText(DONE);
  stream.end();
}

/** Reads all of it. @throws ServiceError where the model did nothing before it failed */
export async function answerChat(chunks: Chunks, turn: ChatTurn, sessionId: string) {
  for await (const _ of chunks);
  const { failure, reply, files, usage } = turn;
  const calls = reply.parts.filter(isToolPart);
  // What was done is told, whatever went wrong afterwards.
  if (failure && calls.length === 0) throw failure;
  return {
    session_id: sessionId,
    message: reply,
    text: textOf(reply),
    steps: usage.steps,
    tool_calls: calls.map((call) => ({
      tool_call_id: call.toolCallId,
      tool_name: toolNameOf(call),
      input: call.input ?? null,
      output: call.output ?? null,
      error: call.errorText ?? null,
    })),
    images: reply.parts.filter((part): part is FilePart => part.type === "file").map(toWireImage),
    files_created: files.created,
    files_modified: files.modified,
    end_reason: turn.endReason ?? "error",
    stopped_by: failure ? { code: failure.code, message: failure.message } : null,
    usage,
  };
}

function toWireImage({ mediaType, url }: FilePart): { mime_type: string; data: string } {
  return { mime_type: mediaType, data: url.slice(url.indexOf(",") + 1) };
}

/** What the operator should know of a failure that the client is told in its stream. */
export function logFailure(request: FastifyRequest, failure: ServiceError | undefined): void {
  if (failure?.cause === undefined) return;
  request.log.error({ err: failure, request_id: request.id }, failure.code);
}
