/** What somebody would write with openapi-fetch and the types that openapi-typescript has made. It is checked, and run. */
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];

const [baseUrl = "", token = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { "X-Auth-Token": token } });

const { data, error } = await client.POST("/execute", { body: { code: "print(6 * 7)" } });
if (!data) throw new Error(JSON.stringify(error));
const status: Schemas["ExecutionStatus"] = data.status;
assert.deepEqual([status, data.stdout, data.usage.wall_time > 0], ["ok", "42\n", true]);
// @ts-expect-error There is no such field.
assert.equal(data.state, undefined);
// @ts-expect-error A body needs code.
await client.POST("/execute", { body: {} });

const session = await client.POST("/sessions");
const id = session.data?.session_id ?? "";
assert.match(id, /./);
const path = { id };
const alive = await client.POST("/sessions/{id}/keep-alive", {
  params: { path },
  body: { ttl: 60 },
});
assert.equal(alive.data?.ttl, 60);

const written = await client.PUT("/sessions/{id}/files/{path}", {
  params: { path: { id, path: "data/in.csv" } },
  body: "a,b\n1,2\n",
  bodySerializer: (body) => body,
  headers: { "Content-Type": "application/octet-stream" },
});
assert.equal(written.data?.size, 8);
const listed = await client.GET("/sessions/{id}/files", {
  params: { path, query: { recursive: true } },
});
assert.deepEqual(
  listed.data?.entries.map((entry) => entry.type),
  ["directory", "file"],
);
const read = await client.GET("/sessions/{id}/files/{path}", {
  params: { path: { id, path: "data/in.csv" } },
  parseAs: "text",
});
assert.equal(read.data, "a,b\n1,2\n");

const shown = await client.POST("/execute", {
  body: { session_id: id, code: "print(1)\nfrom IPython.display import HTML\nHTML('<b>x</b>')" },
});
const kinds = (shown.data?.outputs ?? []).map((output) => {
  switch (output.output_type) {
    case "stream":
      return output.text;
    case "error":
      return output.ename;
    default:
      return output.data["text/html"];
  }
});
assert.deepEqual(kinds, ["1\n", "<b>x</b>"]);

const streamed = await client.POST("/execute", {
  body: { session_id: id, code: "print('now'); 1 / 0", stream: true },
  parseAs: "stream",
});
assert.ok(streamed.response.body);
let written_text = "";
let last: Schemas["ExecutionResult"] | undefined;
for await (const event of eventsOf(streamed.response.body)) {
  if (event.event === "stream") written_text += event.data.name === "stdout" ? event.data.text : "";
  else if (event.event === "error") assert.equal(event.data.ename, "ZeroDivisionError");
  else if (event.event === "result") last = event.data;
}
assert.deepEqual([written_text, last?.status], ["now\n", "error"]);

const missing = await client.GET("/sessions/{id}", { params: { path: { id: "nobody" } } });
assert.deepEqual([missing.response.status, missing.error?.error.code], [404, "SESSION_NOT_FOUND"]);
const released = await client.POST("/release", { body: { user_uuid: id } });
assert.equal(released.data?.status, "ok");

/** As the description says that they are framed. */
async function* eventsOf(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Schemas["ExecutionEvent"]> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of body) {
    const frames = (text + decoder.decode(piece, { stream: true })).split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(frame)?.[1];
      const [id, event, data] = [field("id"), field("event"), field("data")];
      if (event === undefined || data === undefined) continue;
      yield { id: Number(id), event, data: JSON.parse(data) } as Schemas["ExecutionEvent"];
    }
  }
}
