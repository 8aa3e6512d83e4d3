import { describe, expect, test } from "vitest";
import { DataMarks } from "../data-block.js";
import { instructionsIn, readMessage, type SentMessage, toModelMessages } from "./messages.js";

const read = (sent: SentMessage) => readMessage(sent, "new");
const user = (text: string) => read({ role: "user", content: text });

describe("a message that was sent", () => {
  test("may have its text in any of the usual forms", () => {
    const parts = [{ type: "text", text: "hi" }];
    expect(user("hi")).toEqual({ id: "new", role: "user", parts });
    expect(read({ role: "user", content: parts }).parts).toEqual(parts);
    expect(read({ id: "a", role: "user", parts })).toEqual({ id: "a", role: "user", parts });
    expect(read({ role: "user" }).parts).toEqual([]);
  });

  test("keeps what is understood, and calls without an end as stopped", () => {
    const call = { toolCallId: "1", input: { code: "1" } };
    const { parts } = read({
      role: "assistant",
      parts: [
        { type: "step-start" },
        { type: "reasoning", text: "hm" },
        { type: "source-url", url: "http://x" },
        { type: "text", text: 7 },
        { ...call, type: "tool-run_code", state: "output-available", output: { a: 1 } },
        { ...call, type: "tool-run_code", state: "output-available", output: 1, preliminary: true },
        { ...call, type: "tool-run_code", state: "input-available" },
        { ...call, type: "dynamic-tool", toolName: "x", state: "output-error", errorText: "no" },
        { ...call, type: "dynamic-tool" },
        { ...call, type: "tool-../x", state: "output-available" },
        { type: "file", url: "data:,x" },
      ],
    });
    expect(parts.map((part) => [part.type, "state" in part ? part.state : ""])).toEqual([
      ["step-start", ""],
      ["tool-run_code", "output-available"],
      ["tool-run_code", "output-error"],
      ["tool-run_code", "output-error"],
      ["dynamic-tool", "output-error"],
    ]);
  });
});

describe("what the model is told", () => {
  const marks = new DataMarks();
  const blind = { marks, seesPictures: false };

  test("has every call with its result behind it, step by step", () => {
    const call = { type: "tool-run_code", state: "output-available", input: { code: "1" } };
    const messages = [
      user("a"),
      read({
        role: "assistant",
        parts: [
          { type: "text", text: "one" },
          { ...call, toolCallId: "1", output: { status: "ok", result_text: "1" } },
          { ...call, toolCallId: "2", input: "[", state: "output-error", errorText: "bad" },
          { type: "step-start" },
          { ...call, toolCallId: "3", output: null },
          { type: "step-start" },
          { type: "text", text: "two" },
        ],
      }),
      user("b"),
    ];
    const told = toModelMessages(messages, blind, "context");
    expect(told.map(({ role }) => role)).toEqual([
      ...["user", "assistant", "tool", "assistant", "tool", "assistant", "user"],
    ]);
    expect(told[1]?.content).toMatchObject([
      { type: "text" },
      { type: "tool-call", toolCallId: "1", input: { code: "1" } },
      { type: "tool-call", toolCallId: "2", input: {} },
    ]);
    expect(told[2]?.content).toMatchObject([{ toolCallId: "1" }, { toolCallId: "2" }]);
    expect(told[0]?.content).toBe("a");
    expect(told[6]?.content).toMatch(/^<data-[\s\S]*context[\s\S]*>\n\nb$/);
  });

  test("is the latest turns, and always the last", () => {
    const long = "x".repeat(100_000);
    const messages = [1, 2, 3].flatMap((n) => [
      user(`${n}${long}`),
      read({ role: "assistant", content: "ok" }),
    ]);
    const told = toModelMessages([...messages, user("last")], blind, "");
    expect(told.map(({ content }) => String(content)[0])).toEqual(["2", "[", "3", "[", "<"]);
    expect(toModelMessages([user(long)], blind, "y".repeat(300_000))).toHaveLength(1);
  });

  test("leaves the caller's instructions to the instructions", () => {
    const messages = [read({ role: "system", content: "Be brief." }), user("hi")];
    expect(instructionsIn(messages)).toBe("Be brief.");
    expect(toModelMessages(messages, blind, "c")).toHaveLength(1);
  });
});
