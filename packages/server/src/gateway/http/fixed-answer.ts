/** Answers that are the same for everybody, as long as the server runs: written once. */

import type { FastifyReply } from "fastify";
import { withWholeCharacters } from "../../sandbox/whole-text.js";

/** `make` is called when it is first asked for. */
export function fixedAnswer(make: () => unknown): (reply: FastifyReply) => Buffer {
  let bytes: Buffer | undefined;
  return (reply) => {
    bytes ??= Buffer.from(withWholeCharacters(JSON.stringify(make())));
    reply.header("content-type", "application/json; charset=utf-8");
    return bytes;
  };
}
