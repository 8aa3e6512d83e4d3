/** docs/guest-protocol.md has the messages that the code has, each with its fields, and no others. */
import { readFileSync } from "node:fs";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  encodeFrame,
  FrameParser,
  guestMessages,
} from "../packages/server/src/sandbox/guest/channel.ts";
import { GuestConversation } from "../packages/server/src/sandbox/guest/conversation.ts";
import { FROM_KERNEL, FROM_WARDEN } from "../packages/server/src/sandbox/guest/reader.ts";
import { keeperEvents } from "../packages/server/src/sandbox/native/keeper-client.ts";
import type { KernelQuestion } from "../packages/server/src/sandbox/questions.ts";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const page = read("docs/guest-protocol.md");
const namesIn = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);

/** The rows of all tables with this heading: the names of the first cell, and the text of the second. */
function rowsOf(heading: string): Map<string, string> {
  const tables = page.split(new RegExp(`^\\| ${heading} +\\|.*\\n`, "m")).slice(1);
  const rows = tables.flatMap((table) => (table.split("\n\n")[0] ?? "").split("\n").slice(1));
  const cells = rows.map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  return new Map(
    cells.flatMap(([, names = "", text = ""]) =>
      namesIn(names).map((name): [string, string] => [name, text]),
    ),
  );
}

/** Fields that a row introduces: `one`, `two`: their meaning; `three`: its own. */
function fieldsIn(text: string): string[] {
  return text.split(/; (?=`)/).flatMap((part) => namesIn(part.split(":")[0] ?? ""));
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, { readonly const?: string }>>;
}
const fieldsOf = (schema: unknown) => Object.keys((schema as ObjectSchema).properties ?? {}).sort();

describe("from the guest", () => {
  const rows = new Map([...rowsOf("from the warden"), ...rowsOf("from the kernel")]);

  test("every message has its row", () => {
    expect([...rows.keys()].sort()).toEqual([...new Set([...FROM_KERNEL, ...FROM_WARDEN])].sort());
  });

  test.each([...rows])("%s has its fields", (name, text) => {
    const fields = fieldsOf(guestMessages[name as keyof typeof guestMessages]);
    if (text.includes("see below")) {
      const [, below = ""] = page.split(`\n\`${name}\` holds `);
      expect(namesIn(below.split("\n\n")[0] ?? "")).toEqual(expect.arrayContaining(fields));
    } else if (text.includes("executions.md")) {
      expect(namesIn(read("docs/executions.md"))).toEqual(expect.arrayContaining(fields));
    } else if (!text.startsWith("the same") && !text.startsWith("as above")) {
      expect(text.startsWith("empty") ? [] : fieldsIn(text).sort()).toEqual(fields);
    }
  });
});

/** A connection that keeps what is written to it. */
function connection() {
  const heard: { msg_type: string; content: object }[] = [];
  const parser = new FrameParser();
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      heard.push(...(parser.push(chunk) as typeof heard));
      done();
    },
  });
  return { heard, socket: socket as ConstructorParameters<typeof GuestConversation>[0]["kernel"] };
}

test("what the gateway says to kernel and warden has its row, with all of its fields", async () => {
  const [kernel, warden] = [connection(), connection()];
  const ignore = () => undefined;
  const conversation = new GuestConversation(
    { kernel: kernel.socket, warden: warden.socket },
    {
      ...{ onEnd: ignore, onWardenClosed: ignore, onAnswered: ignore },
      ...{ onQuestionFailed: ignore, onFault: ignore },
    },
  );
  const say = async (msg_type: string, content: object) => {
    kernel.socket.push(encodeFrame({ msg_type, content }));
    await new Promise((resolve) => setTimeout(resolve, 10));
  };
  conversation.changes.note(["a"]);
  conversation.execute(
    {
      ...{ code: "", outputBytesMax: 1, allowInput: true, quiet: true, timeoutMs: 1000 },
      ...{ stdin: "", argv: [""], env: {} },
      wishes: { silent: true, storeHistory: false, expressions: {} },
      comm: { kind: "msg", commId: "c", data: {}, metadata: {}, buffers: [] },
      parentId: "p",
    },
    ignore,
  );
  await say("input_request", { prompt: "", password: false });
  conversation.answerInput({ line: "" });
  await say("input_request", { prompt: "", password: false });
  conversation.answerInput({ data: "", eof: true });
  await say("execute_reply", { status: "ok", execution_count: 1, execution_time: 0 });
  const questions: KernelQuestion[] = [
    { name: "complete", content: { code: "", cursor_pos: 0 } },
    { name: "inspect", content: { code: "", cursor_pos: 0, detail_level: 0 } },
    { name: "is_complete", content: { code: "" } },
    { name: "variables", content: { limit: 1 } },
    { name: "script", content: { source: "", content: {}, apart: true } },
  ];
  for (const question of questions) {
    conversation.ask(question, 1000).catch(ignore);
    await say("question_failed", { reason: "failed", detail: "" });
  }
  conversation.watchOutput(true, 1);
  conversation.kernelExited(0, false);
  conversation.close();

  const told = [...kernel.heard, ...warden.heard];
  const rows = rowsOf("from the gateway");
  expect(told.map(({ msg_type }) => msg_type).sort()).toEqual([...rows.keys()].sort());
  for (const { msg_type, content } of told) {
    expect(fieldsIn(rows.get(msg_type) ?? "").sort(), msg_type).toEqual(
      Object.keys(content).sort(),
    );
  }
});

describe("the keeper", () => {
  test("does what the page says, and nothing else", () => {
    const source = read("packages/server/guest/_glovebox/keeper/operations.py");
    const ofOne = [...source.matchAll(/"(\w+)": _Operation\(/g)].map(([, name = ""]) => name);
    const ofAll = /self\._of_all: [^=]+= \{([^}]+)\}/.exec(source)?.[1] ?? "";
    const operations = [...ofOne, ...[...ofAll.matchAll(/"(\w+)":/g)].map(([, name = ""]) => name)];
    expect([...rowsOf("operation").keys()].sort()).toEqual(operations.sort());
    expect(read("SECURITY.md")).toContain(`it knows ${operations.length} operations`);
  });

  test("is sent the fields that the page says", () => {
    const source = read("packages/server/src/sandbox/native/keeper-client.ts");
    const forms = [...source.matchAll(/\{ op: ((?:"\w+"(?: \| )?)+);?([^}]*)\}/g)];
    const sent = forms.flatMap(([, names = "", fields = ""]) =>
      [...names.matchAll(/"(\w+)"/g)].map(([, name = ""]): [string, string[]] => [
        name,
        [...fields.matchAll(/(\w+):/g)].map(([, field = ""]) => field).sort(),
      ]),
    );
    const rows = [...rowsOf("operation")].map(([name, text]): [string, string[]] => [
      name,
      namesIn(text.replaceAll(/\([^)]*\)/g, "")).sort(),
    ]);
    expect(new Map(rows)).toEqual(new Map(sent));
  });

  test("tells what the page says, with its fields", () => {
    const told = keeperEvents.anyOf.map((schema): [string, string[]] => {
      const { properties } = schema as ObjectSchema;
      return [
        properties?.["event"]?.const ?? "",
        fieldsOf(schema).filter((one) => one !== "event"),
      ];
    });
    const rows = [...rowsOf("event")].map(([name, text]): [string, string[]] => [
      name,
      namesIn(text).sort(),
    ]);
    expect(new Map(rows)).toEqual(new Map(told));
  });

  test("names the control group files that the page names", () => {
    const spawned = keeperEvents.anyOf.find(
      ({ properties }) => properties.event.const === "spawned",
    );
    const files = fieldsOf((spawned as ObjectSchema).properties?.["accounting"]);
    const line = page.split("\n").find((one) => one.startsWith("| `spawned`")) ?? "";
    expect(namesIn(line)).toEqual(expect.arrayContaining(files));
  });

  test("is given a plan of the fields that the page says", () => {
    const source = read("packages/server/src/sandbox/plan.ts");
    const [, body = ""] = /interface ConfinementPlan \{([^}]+)\}/.exec(source) ?? [];
    const fields = [...body.matchAll(/readonly (\w+):/g)].map(([, name = ""]) => name);
    const [, told = ""] = /^`plan` has exactly ([^.]+)\./m.exec(page) ?? [];
    expect(namesIn(told)).toEqual(fields);
  });
});
