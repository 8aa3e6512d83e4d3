/** Answers on the wire. They describe and do not shape: what a route returns is sent as it is. */

import { type TSchema, Type } from "typebox";
import type { ErrorCode } from "../../errors.js";
import { closed, named, text } from "./common.js";

/** Texts to whoever reads the description: a client made from it must read the codes of a newer server, too. */
const Code = Type.Unsafe<ErrorCode>(text("One of the table in docs/errors.md."));
export const ErrorInfo = named(
  "ErrorInfo",
  "What went wrong.",
  Type.Object(
    {
      code: Code,
      message: text("What went wrong, for people."),
      hint: Type.Optional(Type.String({ description: "What to do next." })),
      retry_after_ms: Type.Optional(
        Type.Number({ minimum: 0, description: "Milliseconds after which to try again." }),
      ),
      request_id: text("The request's name in the server's log."),
    },
    closed,
  ),
);

/** The one shape in which errors travel. */
export const ErrorAnswer = named(
  "ErrorAnswer",
  "What went wrong, and what to do about it.",
  Type.Object(
    {
      detail: text("The message once more, where clients of other services look for it."),
      error: ErrorInfo,
    },
    {
      ...closed,
      examples: [
        {
          detail: "There is no session of this name.",
          error: {
            code: "SESSION_NOT_FOUND",
            message: "There is no session of this name.",
            hint: "Sessions end after their idle time. POST /execute with the session_id makes a new one.",
            request_id: "req-1f",
          },
        },
      ],
    },
  ),
);

export const Nothing = Type.Null({ description: "No content." });

interface Described {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: TSchema }>>;
}

/**
 * A route's answers by HTTP status, for its documentation. Every other status is an ErrorAnswer.
 * The type says nothing on purpose: results hold readonly arrays, which no schema's type does.
 */
export function answers(
  bySuccess: Readonly<Record<number, TSchema | Described>>,
): Record<string, unknown> {
  return { ...bySuccess };
}

/**
 * A route's events, for its documentation: `schema: { ...tellsEvents(ExecutionEvent), … }`. They stand beside the answers,
 * as a description has no other place for what one of many in a stream is.
 */
export function tellsEvents(event: TSchema): Record<string, unknown> {
  return { "x-events": event };
}

const FRAMES =
  "Server-sent events, each of which is described under `x-events`: its lines `id` and `event`, and its `data`, one line of JSON. Comments are heartbeats.";

/** Nothing but events. */
export const Events = {
  description: FRAMES,
  content: { "text/event-stream": { schema: Type.String({ description: FRAMES }) } },
};

const bytes = { schema: Type.String({ format: "binary" }) };

/** A file's content, with a type by its name, or a folder as an archive. Some generators know no `*`. */
export const FileContent = {
  description: "The content.",
  content: { "application/octet-stream": bytes, "*/*": bytes },
};

/** JSON, or an archive where one is asked for. Only the JSON is described as content, as of `orEvents`. */
export function orArchive(schema: TSchema) {
  return {
    description:
      "JSON. Where the query asks for an archive, the whole folder as one of the types under `x-archives`.",
    content: { "application/json": { schema } },
  };
}

/** Beside the answers, as events are. */
export const TELLS_ARCHIVES = { "x-archives": ["application/x-tar", "application/zip"] };

/**
 * JSON, or events where they are asked for. Only the JSON is described as content: a client made
 * from the description would take every answer for either, and could read no field without a check.
 */
export function orEvents(schema: TSchema) {
  const content = { "application/json": { schema } };
  return {
    description: `JSON. Where the request asks for it, \`text/event-stream\` that ends with the same. ${FRAMES} See docs/executions.md.`,
    content,
  };
}

export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
