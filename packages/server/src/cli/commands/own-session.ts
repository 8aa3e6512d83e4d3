/** The session of one command: the one that it names, or a fresh one that ends with it. */

import type { Glovebox, Session } from "@glovebox/sdk";
import type { FileArgument } from "./file-argument.js";
import type { Interruptions } from "./interruptions.js";
import { upload } from "./transfer.js";

/** A session whose command was killed itself ends after that long. */
const ABANDONED_AFTER_MS = 600_000;

export interface SessionWanted {
  readonly sessionId: string | undefined;
  /** Of a fresh session. */
  readonly memory?: string | undefined;
  /** Put in place first. */
  readonly files: readonly FileArgument[];
}

/** Resolves with the exit code of `body`, or of an interruption. */
export async function inSession(
  client: Glovebox,
  { sessionId, memory, files }: SessionWanted,
  interruptions: Interruptions,
  body: (session: Session) => Promise<number>,
): Promise<number> {
  const stopListening = interruptions.listen();
  try {
    const session =
      sessionId === undefined
        ? await client.createSession({
            ttlMs: ABANDONED_AFTER_MS,
            ...(memory !== undefined && { memoryLimit: memory }),
          })
        : client.session(sessionId);
    try {
      for (const file of files) await upload(session, file, interruptions.signal);
      return await body(session);
    } finally {
      if (sessionId === undefined) await session.release();
    }
  } catch (error) {
    if (interruptions.exitCode !== undefined) return interruptions.exitCode;
    throw error;
  } finally {
    stopListening();
  }
}
