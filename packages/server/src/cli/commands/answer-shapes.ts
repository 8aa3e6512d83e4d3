/** What the commands rely on in answers and events of the server, by route and by name. */

import {
  anything,
  bundle,
  either,
  exitCode,
  integer,
  list,
  nullable,
  number,
  optional,
  record,
  type Shape,
  text,
  truth,
  variants,
} from "./shapes.js";

const output = variants("output_type", {
  stream: record({ name: text, text }),
  display_data: record({ data: bundle }),
  execute_result: record({ data: bundle }),
  error: record({ ename: text, evalue: text, traceback: list(text) }),
});
const executed = record({
  status: text,
  stdout: text,
  stderr: text,
  exit_code: exitCode,
  result_text: nullable(text),
  outputs: list(output),
  files_created: list(text),
  files_modified: list(text),
  execution_count: nullable(integer),
});
const batchItem = record({
  ...{ index: integer, id: nullable(text), state: text, result: nullable(executed) },
  error: nullable(record({ code: text, message: text })),
});
const batchCounts = record({ ok: integer, failed: integer, not_run: integer });
const notebook = record({ nbformat: integer, metadata: bundle, cells: list(bundle) });
const ranNotebook = record({ notebook, status: text, executions: list(integer) });

const session = record({
  session_id: text,
  state: text,
  expires_at: nullable(text),
  ttl: number,
  queued: integer,
});
const executionFields = {
  execution_id: integer,
  state: text,
  status: nullable(text),
  code: text,
  started_at: nullable(text),
  finished_at: nullable(text),
};
const container = record({
  id: text,
  state: text,
  owner: nullable(text),
  session_id: nullable(text),
  cpu_time: number,
  memory_bytes: number,
  processes: integer,
});
const status = record({
  version: text,
  panic: nullable(record({ since: text, reason: text })),
  pool: record({
    ...{ size: integer, idle: integer, starting: integer },
    ...{ leased: integer, leases_max: integer, waiting: integer },
  }),
  sessions: integer,
  stateless: integer,
});
const panicked = record({
  ...{ sandboxes: nullable(integer), processes: nullable(integer), sessions: integer },
  ...{ total_ms: number, verified: truth, problem: optional(text) },
});
const keyFields = {
  id: text,
  name: text,
  role: text,
  prefix: text,
  created_by: nullable(text),
  last_used_at: nullable(text),
};
const key = record({ ...keyFields, quotas: bundle, usage: bundle });
const files = record({
  entries: list(record({ name: text, path: text, type: text, size: number, mtime: text })),
  truncated: truth,
});
const variables = record({
  variables: list(
    record({
      ...{ name: text, type: text, preview: text },
      ...{ shape: nullable(list(number)), length: nullable(number) },
    }),
  ),
  total: integer,
});
const chatAnswer = record({
  ...{ session_id: text, text, end_reason: text },
  ...{ files_created: list(text), files_modified: list(text) },
});

/** 204, and nothing else. */
export const NOTHING = "nothing";
/** Bytes of any kind, with what only a server of files sends along. */
export const CONTENT = "content";

export interface Route {
  readonly method: string;
  /** Whether the path, below the server's root, is one of this route. */
  readonly fits: (path: string) => boolean;
  readonly answer: Shape | typeof NOTHING | typeof CONTENT;
}

/** `:id` stands for one part of a path, and `*` for what is left of it. */
const route = (words: string, answer: Route["answer"]): Route => {
  const [method = "", path = ""] = words.split(" ");
  const parts = path.split("/");
  const fits = (asked: string): boolean => {
    const given = asked.split("/");
    const isAsLong =
      parts.at(-1) === "*" ? given.length >= parts.length : given.length === parts.length;
    return isAsLong && parts.every((part, at) => fitsPart(part, given[at] ?? ""));
  };
  return { method, fits, answer };
};

function fitsPart(part: string, given: string): boolean {
  return part === ":id" || part === "*" ? given !== "" : part === given;
}

export const ROUTES: readonly Route[] = [
  route(
    "GET health",
    record({
      ...{ status: text, version: text, uptime_seconds: number },
      event_loop_delay_ms: record({ p99: number, max: number }),
    }),
  ),
  route("GET status", status),
  route("POST execute", executed),
  route("POST execute/batch", batchCounts),
  route("POST api/chat", chatAnswer),
  route("GET sessions", record({ sessions: list(session) })),
  route("POST sessions", session),
  route("GET sessions/:id", session),
  route("DELETE sessions/:id", NOTHING),
  route("POST sessions/:id/keep-alive", session),
  route("POST sessions/:id/reset", session),
  route("POST sessions/:id/interrupt", record({ execution_id: integer })),
  route("POST sessions/:id/input", record({ status: text })),
  route(
    "POST sessions/:id/complete",
    record({ matches: list(text), cursor_start: integer, cursor_end: integer }),
  ),
  route("POST sessions/:id/inspect", record({ found: truth, data: bundle })),
  route("POST sessions/:id/is_complete", record({ status: text, indent: text })),
  route("GET sessions/:id/variables", variables),
  route("GET sessions/:id/notebook", notebook),
  route("POST sessions/:id/notebook", ranNotebook),
  route("GET sessions/:id/executions", record({ executions: list(record(executionFields)) })),
  route(
    "GET sessions/:id/executions/:id",
    record({ ...executionFields, result: nullable(executed) }),
  ),
  // Events, which are looked at one by one.
  route("GET sessions/:id/executions/:id/events", anything),
  route("GET sessions/:id/files", files),
  route("HEAD sessions/:id/files/*", CONTENT),
  route("GET sessions/:id/files/*", CONTENT),
  route("PUT sessions/:id/files/*", record({ path: text, size: number })),
  route("PATCH sessions/:id/files/*", record({ path: text })),
  route("DELETE sessions/:id/files/*", NOTHING),
  route("POST api/security/panic", panicked),
  route(
    "POST api/security/resume",
    record({ was_panicked: truth, panicked_since: optional(text) }),
  ),
  route("GET api/security/containers", record({ containers: list(container) })),
  route("DELETE api/security/containers/:id", record({ status: text, id: text })),
  route("DELETE api/security/sessions/:id", record({ status: text, session_id: text })),
  route("POST api/keys", record({ ...keyFields, key: text })),
  route("GET api/keys", record({ keys: list(key) })),
  route("DELETE api/keys/:id", NOTHING),
];

const display = record({ data: bundle, display_id: optional(text) });

/** The data of events, by their names. */
export const EVENTS: Readonly<Record<string, Shape>> = {
  execution: record({ state: text }),
  stream: record({ name: text, text }),
  display_data: display,
  update_display_data: display,
  execute_result: record({ data: bundle }),
  clear_output: record({ wait: truth }),
  error: record({ ename: text, evalue: text, traceback: list(text) }),
  input_request: record({ prompt: text, password: truth }),
  item: batchItem,
  result: either(executed, ranNotebook, batchCounts),
};

const made = record({
  path: optional(text),
  files_created: optional(list(text)),
  files_modified: optional(list(text)),
});

export const CHAT_CHUNK = variants("type", {
  "text-delta": record({ delta: text }),
  "tool-input-available": record({ toolCallId: text, toolName: text }),
  "tool-input-error": record({ errorText: text }),
  "tool-output-error": record({ errorText: text }),
  "tool-output-available": record({
    toolCallId: text,
    output: optional(either(made, nullable(either(text, number, truth, list(anything))))),
  }),
  "data-output": record({ data: record({ text }) }),
  file: record({ mediaType: text, url: text }),
  finish: record({ messageMetadata: record({ end_reason: text }) }),
});
