/**
 * Every command that asks a server, against servers that are none of ours or of another version: one
 * line says so, never a stack, and nothing that they send steers a terminal.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { runCommand } from "../packages/server/src/cli/commands/command.ts";
import { COMMANDS } from "../packages/server/src/cli/main.ts";
import { type StubAnswer, type StubServer, startStub } from "./support/stub-server.ts";

const directory = mkdtempSync(join(tmpdir(), "glovebox-foreign-"));
const program = join(directory, "program.py");
const notebook = join(directory, "book.ipynb");
const tasks = join(directory, "tasks.jsonl");
writeFileSync(program, "print('out')");
writeFileSync(tasks, '{"code": "1"}\n{"code": "2"}\n');
writeFileSync(notebook, '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}');

/** All that a command does, by the words after its name; `INPUT` is what is typed. */
const LINES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  ask: [
    ["Hello?", "--out", "OUT"],
    ["Hello?", "--out", "OUT", "--json"],
  ],
  run: [
    [program, "--out", "OUT"],
    [program, "--json"],
    [notebook, "--out", "OUT"],
    [notebook, "--json"],
  ],
  batch: [[tasks], [tasks, "--json"]],
  repl: [
    ["--out", "OUT"],
    ["--session", "s1", "--json"],
  ],
  ps: [[], ["--json"]],
  logs: [["s1"], ["s1", "--json"]],
  files: [
    ["ls", "s1"],
    ["get", "s1", "made.txt", "OUT"],
    ["get", "s1", ".", "OUT", "--recursive"],
    ["get", "s1", "made.txt", "-"],
    ["put", "s1", program],
    ["mkdir", "s1", "d"],
    ["mv", "s1", "a", "b"],
    ["rm", "s1", "a"],
  ],
  kill: [["s1"]],
  status: [[], ["--json"]],
  keys: [["list"], ["create", "--name", "ci", "--role", "execute"], ["revoke", "key_1"]],
  panic: [[], ["--json"]],
  resume: [[], ["--json"]],
};
const INPUT = "1\n:vars\n:files\nx?\n";
const lines = Object.entries(LINES).flatMap(([name, each]) =>
  each.map((words) => [[name, ...words].join(" "), name, words] as const),
);

let stub: StubServer;
let printed: string;
let told: string;
const stdin = Object.getOwnPropertyDescriptor(process, "stdin") as PropertyDescriptor;

beforeAll(async () => {
  stub = await startStub();
});
afterAll(async () => {
  await stub.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  vi.stubEnv("XDG_STATE_HOME", directory);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    told += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  Object.defineProperty(process, "stdin", stdin);
});

/** Resolves with the exit code; what a command throws would be shown as a stack, and fails the test. */
async function run(
  name: string,
  words: readonly string[],
  change: StubServer["change"] = (answer) => answer,
): Promise<number> {
  stub.change = change;
  stub.seen.length = 0;
  printed = "";
  told = "";
  const out = mkdtempSync(join(directory, "out-"));
  mkdirSync(out, { recursive: true });
  Object.defineProperty(process, "stdin", { value: Readable.from([INPUT]), configurable: true });
  const command = await COMMANDS[name]?.();
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const args = words.map((word) => (word === "OUT" ? out : word));
  return runCommand(name, command, [...args, "--url", stub.url]);
}

const json = (value: unknown): StubAnswer => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});
const FOREIGN: Readonly<Record<string, StubAnswer>> = {
  "a page": { headers: { "content-type": "text/html" }, body: "<html>Welcome</html>" },
  "another shape": json({ hello: "world" }),
  "an empty object": json({}),
  "a list": json([]),
  null: json(null),
  "a number": json(7),
  "an empty body": { body: "" },
  "no content, where there should be some": { status: 204, body: "" },
  "an error of another shape": { ...json({ error: "no" }), status: 500 },
  "events of nothing": {
    headers: { "content-type": "text/event-stream" },
    body: "event: execution\ndata: null\n\nevent: result\ndata: []\n\ndata: 7\n\n",
  },
};

const WRONG = [null, "\u001b]0;owned\u0007", { odd: 1 }, -1.5, "\u001b]0;owned\u0007"];

const SAYS_SO =
  /^(glovebox \w+: |\{"error":|).*(Glovebox server|HTTP \d+|no event stream|JSON object|stream .*broke).*$/m;

test("every command that asks a server is tried here", () => {
  expect(Object.keys(LINES).sort()).toEqual(Object.keys(COMMANDS).sort());
});

describe.each(lines)("glovebox %s", (_, name, words) => {
  test("works with a server that answers as it should", async () => {
    expect(await run(name, words), told).toBe(0);
  });

  test("says in one line that this is no Glovebox server, whenever that shows", async () => {
    await run(name, words);
    const requests = stub.seen.map(({ what }) => what);
    for (const what of new Set(requests)) {
      // The prompt does without an answer to this one.
      if (what.endsWith("/is_complete")) continue;
      for (const [kind, foreign] of Object.entries(FOREIGN)) {
        if (what.startsWith("DELETE") && kind.startsWith("no content")) continue;
        const code = await run(name, words, (answer, _, asked) =>
          asked === what ? foreign : answer,
        );
        const where = `${kind} instead of ${what}: ${code}\n${told}${printed}`;
        expect(`${told}${printed}`, where).not.toMatch(/^ {4}at |TypeError|undefined/m);
        expect(`${told}${printed}`, where).toMatch(SAYS_SO);
        if (name !== "repl") expect(code, where).not.toBe(0);
      }
    }
  }, 60_000);

  test("is not brought down, nor its terminal steered, by any one value", async () => {
    await run(name, words);
    for (const what of new Set(stub.seen.map((one) => one.what))) {
      // A prompt asks a dozen times for each of these; others look at all values of the same answers.
      const step = name === "repl" ? 4 : 1;
      for (let place = 0, places = 1; place < places; place += step) {
        const wrong = WRONG[place % WRONG.length];
        await run(name, words, (answer, _, asked) => {
          if (asked !== what) return answer;
          const changed = withLeaf(answer.body, place, wrong);
          places = changed.places;
          return { ...answer, body: changed.body };
        });
        const where = `${what} ${place} ${JSON.stringify(wrong)}`;
        expect(`${told}${printed}`, where).not.toMatch(/^ {4}at |TypeError/m);
        if (isOwnText(name, words)) expect(told + printed, where).not.toContain("\u001b]");
      }
    }
  }, 60_000);
});

/** What code has printed is not changed in a pipe, nor is JSON, which has no control characters. */
function isOwnText(name: string, words: readonly string[]): boolean {
  return !["run", "repl", "logs", "ask"].includes(name) && !words.includes("-");
}

/** With one value in its JSON, or in the JSON of its events, exchanged. */
function withLeaf(body: string, place: number, value: unknown): { body: string; places: number } {
  let places = 0;
  const exchange = (_: string, current: unknown): unknown => {
    if (typeof current === "object" && current !== null && !Array.isArray(current)) return current;
    return places++ === place ? value : current;
  };
  const changed = body.replaceAll(
    /^(data: )?(\{.*)$/gm,
    (_, lead: string | undefined, text: string) =>
      `${lead ?? ""}${JSON.stringify(JSON.parse(text, exchange))}`,
  );
  return { body: changed, places };
}
