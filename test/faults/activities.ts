/** What a client may be in the middle of when something of the server dies, and how it can end for it. */
import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { errorTable } from "../../packages/server/src/errors.ts";
import { type EventClient, openEvents, streamExecute } from "../support/events.ts";
import type { ErrorBody, TestServer } from "../support/server.ts";
import { pause } from "./injector.ts";

/**
 * `finished`: with everything that was asked for. `told`: by an answer or an event that says what has happened.
 * `cut`: the connection broke off, where an answer had begun or nobody was left to give one.
 */
export type End = "finished" | "told" | "cut";

export interface Begun {
  /** Ask for the rest. */
  goOn(): void;
  readonly end: Promise<End>;
}

/** Resolves when it is in the middle. */
export type Activity = (server: TestServer, session_id: string) => Promise<Begun>;

const MB = 1_000_000;
export const WHEEL = "gbxfault";

/** An error of the table, and none that means that nobody knows. */
function judgeError(body: ErrorBody | undefined): End {
  const code = body?.error.code ?? "no error at all";
  assert.ok(Object.hasOwn(errorTable, code) && code !== "INTERNAL", code);
  return "told";
}

async function endOfStream(stream: EventClient, onInput?: () => void): Promise<End> {
  let end: End = "cut";
  try {
    for await (const { event, data } of stream) {
      if (event === "input_request") onInput?.();
      if (event === "failure") end = judgeError(data as ErrorBody);
      if (event === "result") end = data.status === "ok" ? "finished" : "told";
    }
  } catch {
    return "cut";
  }
  return end;
}

/** Requests of which nobody sees anything before their answer; they take a second or two. */
async function answered(
  server: TestServer,
  path: string,
  body: object,
  isFinished: (body: { status?: string }) => boolean,
): Promise<Begun> {
  const end = server.request<ErrorBody & { status?: string }>(path, { body }).then(
    (answer) => {
      if (answer.status !== 200) return judgeError(answer.body);
      return isFinished(answer.body) ? "finished" : "told";
    },
    () => "cut" as const,
  );
  await pause(400);
  return { goOn: () => undefined, end };
}

function connect(server: TestServer, method: string, path: string, headers: object = {}) {
  const sent = request(`${server.baseUrl}/sessions/${path}`, {
    ...{ method, agent: false },
    headers: { "x-auth-token": server.token, ...headers },
  });
  const answer = new Promise<IncomingMessage | undefined>((resolve) => {
    sent.once("response", resolve);
    sent.once("error", () => resolve(undefined)).once("close", () => resolve(undefined));
  });
  return { sent, answer };
}

async function put(server: TestServer, path: string): Promise<void> {
  const { sent, answer } = connect(server, "PUT", path);
  sent.end("x");
  (await answer)?.resume();
}

const stream: Activity = async (server, session_id) => {
  const code = "import time\nprint('begun', flush=True)\ntime.sleep(1.5)\nprint('over')";
  const events = await streamExecute(server, { session_id, code });
  await pause(300);
  return { goOn: () => undefined, end: endOfStream(events) };
};

const input: Activity = async (server, session_id) => {
  const events = await streamExecute(server, { session_id, code: "print(input('Who? '))" });
  let asked!: () => void;
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const end = endOfStream(events, asked);
  await Promise.race([isAsked, end]);
  const answer = { body: { text: "me" } };
  const goOn = () =>
    void server.request(`/sessions/${session_id}/input`, answer).catch(() => undefined);
  return { goOn, end };
};

const upload: Activity = async (server, session_id) => {
  await put(server, `${session_id}/files/first`);
  const headers = { "content-length": 4 * MB };
  const { sent, answer } = connect(server, "PUT", `${session_id}/files/large`, headers);
  sent.write(Buffer.alloc(2 * MB));
  await pause(200);
  const end = answer.then(async (response): Promise<End> => {
    if (!response) return "cut";
    const text = await textOf(response);
    return response.statusCode === 201 ? "finished" : judgeError(JSON.parse(text) as ErrorBody);
  });
  return { goOn: () => void sent.end(Buffer.alloc(2 * MB)), end };
};

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const download: Activity = async (server, session_id) => {
  await server.tryExecute({ session_id, code: `open('large', 'wb').write(bytes(${12 * MB}))` });
  const { sent, answer } = connect(server, "GET", `${session_id}/files/large`);
  sent.end();
  const response = await answer;
  assert.equal(response?.statusCode, 200);
  let received = 0;
  const end = new Promise<End>((resolve) => {
    response?.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    response?.on("error", () => undefined);
    response?.on("close", () => resolve(received === 12 * MB ? "finished" : "cut"));
  });
  response?.pause();
  await pause(200);
  return { goOn: () => void response?.resume(), end };
};

const watch: Activity = async (server, session_id) => {
  await put(server, `${session_id}/files/first`);
  const events = await openEvents(server, "GET", `/sessions/${session_id}/watch`);
  assert.equal(events.status, 200);
  const end = events
    .until(({ event }) => event === "change")
    .then(
      () => "finished" as const,
      () => "cut" as const,
    );
  return {
    goOn: () => void put(server, `${session_id}/files/new`),
    end: end.finally(() => events.leave()),
  };
};

const question: Activity = async (server, session_id) => {
  const code =
    "import time\nclass A:\n    def __dir__(self):\n        time.sleep(1.5); return ['x']\na = A()";
  await server.tryExecute({ session_id, code });
  return answered(server, `/sessions/${session_id}/complete`, { code: "a." }, () => true);
};

const notebook: Activity = async (server, session_id) => {
  const sources = ["import time\ntime.sleep(1.2)", "print(1)"];
  const cells = sources.map((source) => ({ cell_type: "code", metadata: {}, source, outputs: [] }));
  const body = { notebook: { nbformat: 4, nbformat_minor: 5, metadata: {}, cells } };
  return answered(
    server,
    `/sessions/${session_id}/notebook`,
    body,
    ({ status }) => status === "ok",
  );
};

const install: Activity = async (server, session_id) => {
  await server.tryExecute({ session_id, code: "1" });
  const body = { packages: [WHEEL] };
  return answered(
    server,
    `/sessions/${session_id}/packages`,
    body,
    ({ status }) => status === "ok",
  );
};

export const activities = {
  ...{ stream, input, upload, download, watch, question, notebook, install },
} as const satisfies Readonly<Record<string, Activity>>;
export type ActivityName = keyof typeof activities;
export const ACTIVITIES = Object.keys(activities) as ActivityName[];
/** These need the porter of their session. */
export const TRANSFERS: readonly ActivityName[] = ["upload", "download", "watch"];
