/**
 * Every route of the server, asked so that it does what it is for, and the records of the audit log that it must
 * leave by that. They run in this order, on one server with a model, a folder of wheels and the policy `network=deny`.
 */
import { openEvents } from "./events.ts";
import { eventually } from "./host.ts";
import { calls, code, type ModelServer, runs } from "./model-server.ts";
import type { TestServer } from "./server.ts";

export interface AuditedRoute {
  /** As the description of the API has it. */
  readonly route: string;
  /** Events, or an execution's status. In any order. */
  readonly leaves: readonly string[];
  /** Resolves when the route has answered, with the status that it should have. */
  ask(server: TestServer, model: ModelServer): Promise<void>;
}

interface Wanted {
  readonly status?: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly rawBody?: string;
}

function row(
  route: string,
  leaves: readonly string[],
  wanted: Wanted = {},
  path?: string,
): AuditedRoute {
  const [method = "", described = ""] = route.split(" ");
  return {
    route,
    leaves,
    ask: async (server) => {
      const { status = 200, ...request } = wanted;
      const answer = await server.request(path ?? described.replace("{id}", "s"), {
        method,
        ...request,
      });
      if (answer.status !== status) throw new Error(`${route}: ${answer.status} ${answer.text}`);
    },
  };
}

function step(route: string, leaves: readonly string[], ask: AuditedRoute["ask"]): AuditedRoute {
  return { route, leaves, ask };
}

const FILES = [{ path: "planted.csv", content: "a,b\n" }];
const NOTEBOOK = {
  ...{ nbformat: 4, nbformat_minor: 5, metadata: {} },
  cells: ["1", "2"].map((source) => ({
    ...{ cell_type: "code", metadata: {}, outputs: [], execution_count: null, source },
  })),
};
const FORM =
  '--x\r\nContent-Disposition: form-data; name="f"; filename="form.txt"\r\n\r\nhi\r\n--x--\r\n';

interface Listed {
  readonly executions: readonly { readonly execution_id: number; readonly state: string }[];
}

/** The execution of session s that is in this state, once there is one. */
async function oneThat(server: TestServer, is: string): Promise<number> {
  let found: Listed["executions"][number] | undefined;
  await eventually(async () => {
    const { body } = await server.request<Listed>("/sessions/s/executions");
    found = body.executions.find(({ state }) => state === is);
    return found ? undefined : `nothing is ${is}`;
  }, 5000);
  return found?.execution_id ?? 0;
}

let over: Promise<unknown> = Promise.resolve();
let container = "";
let key = "";

export const auditedRoutes: readonly AuditedRoute[] = [
  row("GET /health", []),
  row("GET /status", []),
  row("GET /tools", []),
  row("POST /sessions", ["session_created"], { status: 201, body: { session_id: "s" } }),
  row("GET /sessions", []),
  row("GET /sessions/{id}", []),
  row("POST /sessions/{id}/keep-alive", [], { body: {} }),
  row("POST /execute", ["ok"], { body: { code: "1" } }),
  row("POST /execute", ["ok", "files_changed"], { body: { code: "1", files: FILES } }),
  row("POST /execute", ["ok", "files_changed"], {
    body: { session_id: "s", code: "1", files: FILES },
  }),
  row("POST /execute/batch", ["ok", "ok", "error"], {
    body: { items: [{ code: "1" }, { code: "2" }, { code: "1/0" }] },
  }),
  row("POST /execute", ["rejected"], { body: { code: "import socket", validate_code: true } }),
  row("POST /execute", ["session_created", "not_run"], {
    status: 409,
    body: {
      session_id: "fails",
      code: "1",
      files: [
        { path: "a/b", content: "" },
        { path: "a", content: "" },
      ],
    },
  }),
  step(
    "POST /generate-and-execute",
    ["ok", "files_changed", "model_used"],
    async (server, model) => {
      model.say([code("print(1)")]);
      const body = { query: "one", files: FILES };
      await row("POST /generate-and-execute", [], { body }).ask(server, model);
    },
  ),
  step("POST /api/chat", ["ok", "files_changed", "model_used"], async (server, model) => {
    const write = { name: "write_file", input: { path: "told.txt", content: "hi" } };
    model.say([calls(write), runs("1"), { text: "Done." }]);
    const body = { session_id: "s", message: "go", stream: false };
    await row("POST /api/chat", [], { body }).ask(server, model);
  }),
  row("GET /api/chat/{id}", []),
  row("GET /api/chat/{id}/stream", [], { status: 204 }),
  row("DELETE /api/chat/{id}", [], { status: 204 }),
  row("GET /sessions/{id}/executions", []),
  row("GET /sessions/{id}/executions/{n}", [], {}, "/sessions/s/executions/1"),
  row("GET /sessions/{id}/executions/{n}/events", [], {}, "/sessions/s/executions/1/events"),
  step("DELETE /sessions/{id}/executions/{n}", ["not_run"], async (server, model) => {
    over = server.tryExecute({ session_id: "s", code: "import time; time.sleep(25)" });
    await oneThat(server, "running");
    const waits = server.tryExecute({ session_id: "s", code: "2" });
    const path = `/sessions/s/executions/${await oneThat(server, "queued")}`;
    await row("DELETE /sessions/{id}/executions/{n}", [], { status: 204 }, path).ask(server, model);
    await waits;
  }),
  step("POST /sessions/{id}/interrupt", ["interrupted"], async (server, model) => {
    await row("POST /sessions/{id}/interrupt", []).ask(server, model);
    await over;
  }),
  step("POST /sessions/{id}/input", ["ok"], async (server, model) => {
    const body = { session_id: "s", code: "input()", allow_input: true };
    over = server.request("/execute", { body });
    const answer = row("POST /sessions/{id}/input", [], { body: { text: "x" } });
    const asked = () => answer.ask(server, model).then(() => undefined, String);
    await eventually(asked, 5000);
    await over;
  }),
  row("POST /sessions/{id}/complete", [], { body: { code: "pri" } }),
  row("POST /sessions/{id}/inspect", [], { body: { code: "print" } }),
  row("POST /sessions/{id}/is_complete", [], { body: { code: "1" } }),
  row("GET /sessions/{id}/variables", []),
  row("GET /sessions/{id}/notebook", []),
  row("POST /sessions/{id}/notebook", ["ok", "ok"], { body: { notebook: NOTEBOOK } }),
  row("POST /sessions/{id}/packages", ["ok"], { body: { packages: ["gbxaudited"] } }),
  row(
    "PUT /sessions/{id}/files/{path}",
    ["files_changed"],
    { status: 201, rawBody: "x", headers: { "content-type": "text/plain" } },
    "/sessions/s/files/put.txt",
  ),
  row(
    "PUT /sessions/{id}/files/{path}",
    ["files_changed"],
    { status: 201 },
    "/sessions/s/files/d?type=directory",
  ),
  row("POST /sessions/{id}/files", ["files_changed"], {
    rawBody: FORM,
    headers: { "content-type": "multipart/form-data; boundary=x" },
  }),
  row(
    "PATCH /sessions/{id}/files/{path}",
    ["files_changed"],
    { body: { path: "moved.txt" } },
    "/sessions/s/files/put.txt",
  ),
  row("GET /sessions/{id}/files", []),
  row("GET /sessions/{id}/files/{path}", [], {}, "/sessions/s/files/moved.txt"),
  step("GET /sessions/{id}/watch", [], async (server) => {
    (await openEvents(server, "GET", "/sessions/s/watch")).leave();
  }),
  row(
    "DELETE /sessions/{id}/files/{path}",
    ["files_changed"],
    { status: 204 },
    "/sessions/s/files/moved.txt",
  ),
  row("POST /sessions/{id}/reset", []),
  row("DELETE /sessions/{id}", ["session_ended"], { status: 204 }),
  step("POST /release", ["session_created", "ok", "session_ended"], async (server, model) => {
    await server.execute({ session_id: "s", code: "1" });
    await row("POST /release", [], { body: { session_id: "s" } }).ask(server, model);
  }),
  step("POST /api/keys", ["key_created"], async (server) => {
    const body = { name: "audited", role: "execute" };
    key = (await server.request<{ id: string }>("/api/keys", { body })).body.id;
  }),
  row("GET /api/keys", []),
  step("DELETE /api/keys/{id}", ["key_revoked"], (server, model) =>
    row("DELETE /api/keys/{id}", [], { status: 204 }, `/api/keys/${key}`).ask(server, model),
  ),
  row("GET /api/security/health", []),
  step("GET /api/security/containers", ["session_created", "ok"], async (server) => {
    await server.execute({ session_id: "s", code: "1" });
    const { body } = await server.request<{ containers: { id: string; session_id: string }[] }>(
      "/api/security/containers",
    );
    container = body.containers.find(({ session_id }) => session_id === "s")?.id ?? "";
  }),
  step("DELETE /api/security/containers/{id}", ["container_killed"], (server, model) => {
    const path = `/api/security/containers/${container}`;
    return row("DELETE /api/security/containers/{id}", [], {}, path).ask(server, model);
  }),
  row("DELETE /api/security/sessions/{id}", ["session_ended", "session_killed"]),
  // The session that was made for a run that could not begin is still there.
  row("POST /api/security/panic", ["session_ended", "panic"], {
    body: { reason: "to see its record" },
  }),
  row("POST /api/security/resume", ["resume"]),
];
