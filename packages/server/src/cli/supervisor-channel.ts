/** The gateway's side of its two pipes to the supervisor. */

import { fstatSync, writeSync } from "node:fs";

/** Standard input has the token, and then nothing until the supervisor is gone. */
const ORDERS_DESCRIPTOR = 0;
/** Where the gateway says that it lives, see gateway-signs.ts. */
export const SIGNS_DESCRIPTOR = 3;
const BEAT_MS = 1000;
const TOKEN_LENGTH_MAX = 4096;

export interface Orders {
  /** The admin token; undefined for AUTH=none. */
  readonly token: Promise<string | undefined>;
  /** Resolves when the supervisor has ended, however it did. */
  readonly gone: Promise<void>;
}

/** Whether this process has been started by a supervisor. */
export function hasSupervisor(): boolean {
  try {
    return [ORDERS_DESCRIPTOR, SIGNS_DESCRIPTOR].every((descriptor) =>
      fstatSync(descriptor).isFIFO(),
    );
  } catch {
    return false;
  }
}

export function listenToSupervisor(input: NodeJS.ReadableStream): Orders {
  let text = "";
  let onToken: (token: string | undefined) => void;
  const token = new Promise<string | undefined>((resolve) => {
    onToken = resolve;
  });
  input.setEncoding("utf8");
  input.on("data", (chunk: string) => {
    text = (text + chunk).slice(0, TOKEN_LENGTH_MAX);
    const end = text.indexOf("\n");
    if (end >= 0) onToken(text.slice(0, end) || undefined);
  });
  const gone = new Promise<void>((resolve) => {
    for (const ending of ["end", "close", "error"]) input.on(ending, () => resolve());
  });
  return { token, gone };
}

/** From now until the process ends, while it is drained as well. */
export function startHeartbeat(): void {
  say("");
  setInterval(() => say(""), BEAT_MS).unref();
}

/** Where it serves from now on. */
export function tellAddress(address: string): void {
  say(address);
}

function say(line: string): void {
  try {
    writeSync(SIGNS_DESCRIPTOR, `${line}\n`);
  } catch {
    // The supervisor does not read, and has enough to read; or it is gone, which standard input tells.
  }
}
