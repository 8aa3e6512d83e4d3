/** A server that answers the commands as Glovebox does and does nothing, or lets a test answer instead. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StubAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface StubRequest {
  /** Such as `GET /sessions`. */
  readonly what: string;
  readonly headers: IncomingMessage["headers"];
}

export interface StubServer {
  readonly url: string;
  readonly port: number;
  readonly seen: StubRequest[];
  /** Changes the answer to the request of this number, counted from 0; undefined leaves it. */
  change: (answer: StubAnswer, index: number, what: string) => StubAnswer;
  close(): Promise<void>;
}

const NOW = "2026-01-02T03:04:05.000Z";
const USAGE = { cpu_time: 0.1, memory_peak_bytes: 1, wall_time: 0.1 };
const SESSION = {
  ...{ session_id: "s1", state: "busy", created_at: NOW, last_used_at: NOW, expires_at: NOW },
  ...{ ttl: 60, execution_count: 1, queued: 0, limits: { memory_bytes: 1, cpus: 1 } },
};
const EXECUTED = {
  ...{ status: "ok", stdout: "out\n", stderr: "", truncated: false, exit_code: 0 },
  ...{ execution_time: 0.1, result_text: "out\n", result_base64: null, error: null },
  outputs: [
    { output_type: "stream", name: "stdout", text: "out\n" },
    {
      ...{ output_type: "execute_result", execution_count: 1, metadata: {} },
      data: { "text/plain": "4" },
    },
  ],
  ...{ files_created: ["made.txt"], files_modified: [], session_id: "s1", execution_id: 1 },
  ...{ execution_count: 1, original_code: "x", executed_code: "x" },
  ...{ validation_result: null, validation: null, usage: USAGE },
};
const NOTEBOOK = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] };
const RAN_NOTEBOOK = { notebook: NOTEBOOK, status: "ok", executions: [1] };
const EXECUTION = {
  ...{ execution_id: 1, state: "done", status: "ok", code: "x", dropped: false },
  ...{ created_at: NOW, started_at: NOW, finished_at: NOW },
};
const KEY = {
  ...{ id: "key_1", name: "ci", role: "execute", prefix: "gbx_ab", created_at: NOW },
  ...{ created_by: "admin", last_used_at: null, quotas: { sessions: 2 } },
};
const CONTAINER = {
  ...{ id: "0123456789abcdef", state: "in_use", owner: "admin", session_id: "s1" },
  ...{ cpu_time: 0.1, memory_bytes: 1, memory_peak_bytes: 1, processes: 2 },
  limits: { memory_bytes: 1, cpus: 1 },
};
const CHAT = {
  ...{ session_id: "s1", message: { id: "m", role: "assistant", parts: [] }, text: "Hello" },
  ...{ steps: 1, tool_calls: [], images: [], files_created: ["made.txt"], files_modified: [] },
  ...{ end_reason: "stop", stopped_by: null, usage: {} },
};

const json = (value: unknown, status = 200): StubAnswer => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});
const nothing: StubAnswer = { status: 204, body: "" };
const content: StubAnswer = { headers: { etag: '"1"', "content-length": "4" }, body: "made" };
const events = (lines: readonly string[]): StubAnswer => ({
  headers: { "content-type": "text/event-stream", "x-session-id": "s1" },
  body: lines.map((line) => `${line}\n\n`).join(""),
});
const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}`;
const running = {
  ...{ execution_id: 1, session_id: "s1", state: "running", queued_before: 0 },
};
const runEvents = (result: unknown) =>
  events([
    event("execution", running),
    event("stream", { name: "stdout", text: "out\n" }),
    event("display_data", { data: { "text/plain": "shown" }, metadata: {} }),
    event("result", result),
  ]);
const batchEvents = events([
  ...[0, 1].map((index) =>
    event("item", { index, id: null, state: "done", result: EXECUTED, error: null }),
  ),
  event("result", { ok: 2, failed: 0, not_run: 0 }),
]);
const chunk = (value: unknown) => `data: ${JSON.stringify(value)}`;
const chatEvents = events([
  chunk({ type: "start", messageId: "m", messageMetadata: { session_id: "s1" } }),
  chunk({ type: "text-delta", id: "t", delta: "Hello" }),
  chunk({
    type: "tool-input-available",
    toolCallId: "c",
    toolName: "write_file",
    input: { path: "a" },
  }),
  chunk({ type: "tool-output-available", toolCallId: "c", output: { path: "made.txt" } }),
  chunk({
    ...{ type: "finish", finishReason: "stop" },
    messageMetadata: { session_id: "s1", end_reason: "stop", usage: {} },
  }),
  "data: [DONE]",
]);

type Answering = (isStream: boolean) => StubAnswer;

const always =
  (answer: StubAnswer): Answering =>
  () =>
    answer;
const ROUTES: readonly (readonly [RegExp, Answering])[] = [
  [
    /^GET \/health$/,
    always(
      json({
        ...{ status: "healthy", version: "0.1.0", uptime_seconds: 5 },
        event_loop_delay_ms: { p99: 1.5, max: 9 },
      }),
    ),
  ],
  [
    /^GET \/status$/,
    always(
      json({
        ...{ version: "0.1.0", panic: null, sessions: 1, stateless: 0 },
        pool: { size: 8, idle: 8, starting: 0, leased: 0, leases_max: 100, waiting: 0 },
      }),
    ),
  ],
  [/^POST \/execute$/, (isStream) => (isStream ? runEvents(EXECUTED) : json(EXECUTED))],
  [/^POST \/execute\/batch$/, always(batchEvents)],
  [/^POST \/api\/chat$/, (isStream) => (isStream ? chatEvents : json(CHAT))],
  [/^GET \/sessions$/, always(json({ sessions: [SESSION] }))],
  [/^POST \/sessions$/, always(json(SESSION, 201))],
  [/^GET \/sessions\/[^/]+$/, always(json(SESSION))],
  [/^DELETE \/sessions\//, always(nothing)],
  [
    /^POST \/sessions\/[^/]+\/notebook$/,
    (isStream) => (isStream ? runEvents(RAN_NOTEBOOK) : json(RAN_NOTEBOOK)),
  ],
  [/^POST \/sessions\/[^/]+\/is_complete$/, always(json({ status: "complete", indent: "" }))],
  [/^POST \/sessions\/[^/]+\/(keep-alive|reset)$/, always(json({ ...SESSION, status: "ok" }))],
  [
    /^POST \/sessions\/[^/]+\/inspect$/,
    always(json({ found: true, data: { "text/plain": "int" }, metadata: {} })),
  ],
  [
    /^GET \/sessions\/[^/]+\/variables$/,
    always(
      json({
        variables: [
          {
            ...{ name: "x", type: "int", module: "builtins", shape: [2], length: null },
            ...{ dtype: null, size_bytes: 1, preview: "4" },
          },
        ],
        ...{ total: 1, truncated: false },
      }),
    ),
  ],
  [/^GET \/sessions\/[^/]+\/notebook$/, always(json(NOTEBOOK))],
  [/^GET \/sessions\/[^/]+\/executions$/, always(json({ executions: [EXECUTION] }))],
  [/^GET \/sessions\/[^/]+\/executions\/1$/, always(json({ ...EXECUTION, result: EXECUTED }))],
  [
    /^GET \/sessions\/[^/]+\/files$/,
    always(
      json({
        path: "",
        entries: [{ name: "made.txt", path: "made.txt", type: "file", size: 4, mtime: NOW }],
        truncated: false,
      }),
    ),
  ],
  [/^(GET|HEAD) \/sessions\/[^/]+\/files\//, always(content)],
  [/^(PUT|PATCH) \/sessions\/[^/]+\/files\//, always(json({ path: "made.txt", size: 4 }))],
  [
    /^POST \/api\/security\/panic$/,
    always(
      json({
        ...{ status: "panicked", since: NOW, reason: "r", sandboxes: 1, processes: 2, sessions: 1 },
        ...{ frozen_ms: 1, gone_ms: 1, total_ms: 2, verified: true, remaining: null },
      }),
    ),
  ],
  [
    /^POST \/api\/security\/resume$/,
    always(json({ status: "running", was_panicked: true, panicked_since: NOW, reason: "r" })),
  ],
  [/^GET \/api\/security\/containers$/, always(json({ containers: [CONTAINER] }))],
  [/^POST \/api\/keys$/, always(json({ ...KEY, key: "gbx_abcdef" }, 201))],
  [
    /^GET \/api\/keys$/,
    always(
      json({
        keys: [{ ...KEY, usage: { sessions: 0, requests_per_minute: 0, cpu_seconds_per_hour: 0 } }],
      }),
    ),
  ],
  [/^DELETE \/api\/keys\//, always(nothing)],
];

const UNKNOWN: StubAnswer = { status: 404, body: "{}" };

export async function startStub(): Promise<StubServer> {
  const seen: StubRequest[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    const { pathname } = new URL(request.url ?? "", "http://x");
    const what = `${request.method} ${pathname}`;
    seen.push({ what, headers: request.headers });
    const isStream = /"stream":true/.test(body);
    const answer = ROUTES.find(([pattern]) => pattern.test(what))?.[1](isStream) ?? UNKNOWN;
    send(response, stub.change(answer, seen.length - 1, what));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stub: StubServer = {
    ...{ url: `http://127.0.0.1:${port}`, port, seen },
    change: (answer) => answer,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return stub;
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: StubAnswer): void {
  response.writeHead(status, { ...headers }).end(body);
}
