import { TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import type { FastifyError } from "fastify";
import { type TSchema, Type } from "typebox";
import { describe, expect, test } from "vitest";
import { ChatBody } from "../schemas/chat.js";
import { ExecuteBody } from "../schemas/execute.js";
import { ListQuery } from "../schemas/files.js";
import { CreateKeyBody } from "../schemas/keys.js";
import { InstallBody } from "../schemas/packages.js";
import { CreateSessionBody } from "../schemas/sessions.js";
import { describeValidation, validatorCompiler } from "./validation.js";

type Checked = { value?: unknown; error?: FastifyError["validation"] };

function told(compiler: unknown, schema: TSchema, value: unknown, httpPart = "body"): string {
  type Compiler = (route: object) => (value: unknown) => Checked;
  const { error } = (compiler as Compiler)({ schema, httpPart })(value);
  if (!error) return "it fits";
  return describeValidation({ validation: error, validationContext: httpPart } as FastifyError);
}

const ours = (schema: TSchema, value: unknown, part?: string) =>
  told(validatorCompiler("refuse"), schema, value, part);

const wrong: [string, TSchema, unknown, string?][] = [
  ["no body", ExecuteBody, null],
  ["an array", ExecuteBody, []],
  ["nothing that is needed", ExecuteBody, {}],
  ["a field of another type", ExecuteBody, { code: 1 }],
  ["an unknown field", ExecuteBody, { code: "1", netwrok: false }],
  ["an odd name", ExecuteBody, { code: "1", "a/~b": 1 }],
  ["a missing field before an unknown one", ExecuteBody, { x: 1 }],
  ["a field in a file", ExecuteBody, { code: "", files: [{ path: "a", content: 1 }] }],
  ["an unknown one in a file", ExecuteBody, { code: "", files: [{ path: "", content: "", x: 1 }] }],
  ["no choice", ExecuteBody, { code: "", on_disconnect: "stop" }],
  ["a pattern", ExecuteBody, { code: "", session_id: "a b" }],
  ["a memory limit", ExecuteBody, { code: "", memory_limit: "lots" }],
  ["a negative memory limit", ExecuteBody, { code: "", memory_limit: -1 }],
  ["a limit in a limit", CreateSessionBody, { limits: { memory_limit: "1t" } }],
  ["a length", CreateSessionBody, { mounts: [""] }],
  ["too few", InstallBody, { packages: [] }],
  ["a deep field", CreateKeyBody, { name: "a", role: "execute", quotas: { sessions: -1 } }],
  ["content of a message", ChatBody, { messages: [{ role: "user", content: 5 }] }],
  ["a choice in an address", ListQuery, { archive: "rar" }, "querystring"],
  ["an unknown one in an address", ListQuery, { x: "1" }, "querystring"],
];

test("unknown fields are left out where that is wanted, at any depth", () => {
  const ignoring = validatorCompiler("ignore") as unknown as (route: object) => (
    value: unknown,
  ) => {
    value?: unknown;
  };
  const check = ignoring({ schema: ExecuteBody, httpPart: "body" });
  const body = { code: "1", extra: 1, files: [{ path: "a", content: "", mode: 7 }], timeout: null };
  expect(check(body).value).toEqual({ code: "1", files: [{ path: "a", content: "" }] });
  expect(check({ extra: 1 }).value).toBeUndefined();
});

describe("the first error", () => {
  test.each<[string, TSchema, unknown, string?]>(wrong)(
    "is told as ever: %s",
    (_, schema, value, part) => {
      const said = ours(schema, value, part);
      expect(said).not.toBe("it fits");
      expect(said).toBe(told(TypeBoxValidatorCompiler, schema, value, part));
    },
  );

  test("what fits, fits; an address is converted and a body is not", () => {
    const Numbers = Type.Object({ n: Type.Integer() });
    expect(ours(ExecuteBody, { code: "1" })).toBe("it fits");
    expect(ours(Numbers, { n: "5" }, "querystring")).toBe("it fits");
    expect(ours(Numbers, { n: "5" })).toMatch(/^n must be/);
  });

  test("is the length of an array before its items", () => {
    expect(ours(InstallBody, { packages: Array(60).fill(1) })).toMatch(/^packages must.* 50 items/);
  });

  test("names a field as far as anybody reads it", () => {
    expect(ours(ExecuteBody, { code: "", ["x".repeat(10_000)]: 1 }).length).toBeLessThan(300);
  });

  const many = (count: number, item: unknown) => Array(count).fill(item);
  const parts = [...many(1999, { type: "text", text: "x" }), { type: 1 }];
  const wholeParts = many(2000, { type: "text", text: "x" });
  test.each<[string, TSchema, unknown]>([
    ["items of an array", InstallBody, { packages: many(1_000_000, 1) }],
    ["files", ExecuteBody, { code: "1", files: many(1_000_000, 1) }],
    ["fields", ExecuteBody, Object.fromEntries(many(100_000, 0).map((_, i) => [`f${i}`, 1]))],
    [
      "parts of messages",
      ChatBody,
      { messages: [...many(5, { role: "user", parts: wholeParts }), { role: "user", parts }] },
    ],
    ["content of messages", ChatBody, { messages: many(190, { role: "user", content: parts }) }],
  ])("is found in no time among many %s", (_, schema, value) => {
    ours(schema, { one: "so that parts of the schema are compiled" });
    // Other threads of this process count as well, so a dear one is tried again.
    let tookMs = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 10 && tookMs >= 50; n++) {
      const before = process.cpuUsage();
      expect(ours(schema, value)).not.toBe("it fits");
      tookMs = process.cpuUsage(before).user / 1000;
    }
    expect(tookMs).toBeLessThan(50);
  });
});
