/** How answers become JSON: small ones at once, large ones in turns, whichever route they are of. */

import type { FastifyReply } from "fastify";
import { withWholeCharacters } from "../../sandbox/whole-text.js";
import { isLargeJson, jsonBytes } from "../../sessions/json-bytes.js";
import type { App } from "../app-type.js";

/** The schemas of answers describe; they leave nothing out of what is sent. */
export function writeAnswers(scope: App): void {
  scope.setSerializerCompiler(() => (answer) => withWholeCharacters(JSON.stringify(answer)));
  scope.addHook("preSerialization", (_request, reply, answer, done) => {
    if (!isLargeJson(answer)) {
      done(null, answer);
      return;
    }
    void writeInTurns(reply, answer).then(
      (bytes) => done(null, bytes),
      (error) => done(error),
    );
  });
}

async function writeInTurns(reply: FastifyReply, answer: unknown): Promise<Buffer> {
  const bytes = await jsonBytes(answer);
  // Fastify sends bytes as they are; its types know of text only.
  reply.serializer(() => bytes as unknown as string);
  return bytes;
}
