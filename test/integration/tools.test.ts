/** GET /tools: what it says is followed word for word, as a program with a loop of its own would. */
import { codeInterpreterDefinition } from "@glovebox/sdk";
import { Compile } from "typebox/schema";
import { beforeAll, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { uniqueId } from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";

interface Definition {
  readonly name: string;
  readonly description: string;
  readonly parameters: object;
}

interface Tools {
  readonly openai: readonly { readonly type: string; readonly function: Definition }[];
  readonly anthropic: readonly {
    readonly name: string;
    readonly description: string;
    readonly input_schema: object;
  }[];
  readonly calls: Readonly<
    Record<
      string,
      {
        readonly method: string;
        readonly path: string;
        readonly arguments: Readonly<Record<string, string>>;
      }
    >
  >;
}

let server: Client;
let tools: Tools;

beforeAll(async () => {
  server = await joinSharedServer();
  tools = (await server.request<Tools>("/tools")).body;
});

/** Does a call as `calls` says. */
async function answer(name: string, input: Readonly<Record<string, string>>) {
  const route = tools.calls[name];
  if (!route) throw new Error(`no way to answer ${name}`);
  let { path } = route;
  const query = new URLSearchParams();
  const json: Record<string, string> = {};
  let body: string | undefined;
  for (const [argument, value] of Object.entries(input)) {
    const place = route.arguments[argument];
    if (place === "path") {
      path = path.replace(`{${argument}}`, value.split("/").map(encodeURIComponent).join("/"));
    } else if (place === "query") query.set(argument, value);
    else if (place === "json") json[argument] = value;
    else if (place === "body") body = value;
    else throw new Error(`${name} has no place for ${argument}`);
  }
  const usesJson = Object.values(route.arguments).includes("json");
  return server.request<Record<string, unknown>>(query.size === 0 ? path : `${path}?${query}`, {
    method: route.method,
    ...(usesJson ? { body: json } : {}),
    ...(body === undefined
      ? {}
      : { rawBody: body, headers: { "content-type": "application/octet-stream" } }),
  });
}

test("both forms have the same tools, each with a way to answer it and room for its arguments", () => {
  const names = tools.openai.map((tool) => tool.function.name);
  expect(names).toEqual([
    ...["code_interpreter", "list_files", "read_file", "write_file", "show_variables"],
  ]);
  expect(tools.anthropic).toEqual(
    tools.openai.map(({ function: { parameters, ...rest } }) => ({
      ...rest,
      input_schema: parameters,
    })),
  );
  expect(Object.keys(tools.calls)).toEqual(names);
  for (const { type, function: definition } of tools.openai) {
    expect(type).toBe("function");
    const { properties } = definition.parameters as { properties: object };
    const places = Object.keys(tools.calls[definition.name]?.arguments ?? {});
    expect(places.filter((one) => one !== "session_id").sort()).toEqual(
      Object.keys(properties).sort(),
    );
    expect(Compile(definition.parameters).Check({ surprise: 1 })).toBe(false);
  }
});

test("the code interpreter is the SDK's", () => {
  expect(tools.openai[0]?.function).toEqual(codeInterpreterDefinition);
});

test("one form can be asked for, and no other", async () => {
  const openai = await server.request<Partial<Tools>>("/tools?format=openai");
  expect(Object.keys(openai.body)).toEqual(["openai", "calls"]);
  const anthropic = await server.request<Partial<Tools>>("/tools?format=anthropic");
  expect(Object.keys(anthropic.body)).toEqual(["anthropic", "calls"]);
  expect((await server.request("/tools?format=gemini")).status).toBe(400);
});

test("calls are answered as it says", async () => {
  const session_id = uniqueId("tools");
  const written = await answer("write_file", { session_id, path: "a b/c.txt", content: "3\n" });
  expect(written.status, written.text).toBe(201);
  const ran = await answer("code_interpreter", {
    ...{ session_id, code: "n = int(open('a b/c.txt').read())\nn * 2" },
  });
  expect(ran.body).toMatchObject({ status: "ok", result_text: "6\n" });
  expect((await answer("read_file", { session_id, path: "a b/c.txt" })).text).toBe("3\n");
  const listed = await answer("list_files", { session_id, path: "a b" });
  expect(listed.body).toMatchObject({ entries: [{ path: "a b/c.txt" }] });
  const shown = await answer("show_variables", { session_id });
  expect(shown.body).toMatchObject({ variables: [{ name: "n", type: "int" }] });
});
