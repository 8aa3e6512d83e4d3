/** HTTP as a careful client speaks it: https only, redirects looked at one by one, time limits. */

import { setTimeout as delay } from "node:timers/promises";
import { DataFailure, plainText } from "./failure.js";

const REDIRECTS_MAX = 10;
/** Until the headers are there, and between two pieces of a body. */
export const SILENCE_MS_MAX = 60_000;
const ATTEMPTS_MAX = 6;
const PAUSE_FIRST_MS = 1000;
const PAUSE_MS_MAX = 30_000;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export interface Source {
  readonly url: URL;
  /** Sent to the origin of `url` and to no other. */
  readonly token?: string | undefined;
}

/** It may work when it is tried again. */
export class Transient extends Error {
  constructor(
    message: string,
    readonly retryAfterMs: number | undefined = undefined,
  ) {
    super(message);
  }
}

/** An address that may be fetched. @throws DataFailure */
export function checkedUrl(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new DataFailure(`"${plainText(text)}" is not an address`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new DataFailure("an address with a user or a password is refused");
  }
  const isLocal = LOOPBACK.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal)) {
    throw new DataFailure(`${shown(url)} is refused: https only, and http on this machine`);
  }
  // A server elsewhere must not make us ask this machine's own services.
  if (base && isLocal && !LOOPBACK.test(base.hostname)) {
    throw new DataFailure(`${shown(base)} leads to ${shown(url)}, which is refused`);
  }
  return url;
}

/** Without the query, which may hold a signature. */
export function shown(url: URL): string {
  return plainText(`${url.origin}${url.pathname}`);
}

/**
 * The answer after all redirects, which is a success. The caller reads its body.
 * @throws DataFailure, Transient
 */
export async function request(
  source: Source,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  accepted: readonly number[] = [200],
): Promise<Response> {
  let url = source.url;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const token = url.origin === source.url.origin ? source.token : undefined;
    const answer = await ask(url, signal, {
      // What is compressed on the way has another length than the file.
      "accept-encoding": "identity",
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    });
    const location = answer.headers.get("location");
    if (location === null || answer.status < 300 || answer.status >= 400) {
      if (accepted.includes(answer.status)) return answer;
      await answer.body?.cancel();
      throw refusal(url, answer);
    }
    await answer.body?.cancel();
    url = checkedUrl(location, url);
  }
  throw new DataFailure(`${shown(source.url)} redirects more than ${REDIRECTS_MAX} times`);
}

async function ask(
  url: URL,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), SILENCE_MS_MAX);
  const either = AbortSignal.any([signal, patience.signal]);
  try {
    return await fetch(url, { headers, redirect: "manual", signal: either });
  } catch (error) {
    signal.throwIfAborted();
    const cause = (error as Error).cause as Error | undefined;
    throw new Transient(`${shown(url)} cannot be reached: ${cause?.message ?? "no answer"}`);
  } finally {
    // The body that follows has a limit of its own.
    clearTimeout(timer);
  }
}

function refusal(url: URL, { status, headers }: Response): Error {
  const message = `${shown(url)} answers ${status}`;
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number(headers.get("retry-after"));
    return new Transient(message, seconds > 0 ? seconds * 1000 : undefined);
  }
  const hints: Readonly<Record<number, string>> = {
    401: ": it asks for a token, see --token-file",
    403: ": it does not let you have it; a token may help, see --token-file",
    404: ": there is no such file or data set",
  };
  return new DataFailure(message + (hints[status] ?? ""));
}

/** Try until it works, fails for good, or has failed too often without getting any further. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  options: {
    readonly signal: AbortSignal;
    readonly say: (line: string) => void;
    /** Grows while the attempts get somewhere; falling back and catching up again is nowhere. */
    readonly progress: () => number;
    readonly pauseFirstMs?: number;
  },
): Promise<T> {
  let failures = 0;
  let furthest = options.progress();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      failures = options.progress() > furthest ? 1 : failures + 1;
      furthest = Math.max(furthest, options.progress());
      if (failures >= ATTEMPTS_MAX) {
        throw new DataFailure(`${error.message}; given up after ${failures} attempts`);
      }
      const grown = (options.pauseFirstMs ?? PAUSE_FIRST_MS) * 2 ** (failures - 1);
      const pauseMs = Math.min(PAUSE_MS_MAX, error.retryAfterMs ?? grown);
      options.say(`${error.message}; trying again in ${(pauseMs / 1000).toFixed(1)} s`);
      await delay(pauseMs, undefined, { signal: options.signal });
    }
  }
}
