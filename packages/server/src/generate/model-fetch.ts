/** The one way to a model's server: bounded, without redirects, recorded or replayed. */

import type { Exchanger } from "./exchanges.js";
import { AnswerCut, AnswerOverlong } from "./model-errors.js";

/** Far above what LLM_MAX_TOKENS lets an honest server send, thinking and streaming overhead included. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** To the network. A redirect would take the prompt, if not the key, elsewhere. */
export function overNetwork(baseUrl: string): Exchanger {
  return async (path, body, init) => {
    const response = await fetch(`${baseUrl}${path}`, { ...init, body, redirect: "error" });
    if (!response.body) return response;
    return new Response(bounded(response.body), {
      status: response.status,
      headers: withoutEncoding(response.headers),
    });
  };
}

/** The body has been decoded by now, so what was said about its form is no longer true. */
function withoutEncoding(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) kept.delete(name);
  return kept;
}

/** The same bytes, with names for the two ways in which they can end too early. */
function bounded(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        bytes += value.byteLength;
        if (bytes > ANSWER_BYTES_MAX) throw new AnswerOverlong();
        controller.enqueue(value);
      } catch (error) {
        const told = isOurs(error) ? error : new AnswerCut("", { cause: error });
        controller.error(told);
        void reader.cancel(told).catch(() => undefined);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function isOurs(error: unknown): boolean {
  return error instanceof AnswerOverlong || (error as Error | undefined)?.name === "AbortError";
}
