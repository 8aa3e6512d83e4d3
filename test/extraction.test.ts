import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { extractAnswer, extractFields } from "../packages/server/src/generate/answer/extraction.ts";
import { malformedAnswers } from "./support/malformed-answers.ts";
import { rootfsDirectory } from "./support/server.ts";

const CHECK = fileURLToPath(
  new URL("../packages/server/guest/_glovebox/probes/static_check.py", import.meta.url),
);
const PYTHON = ["/usr/bin/python3", "-I", "-B", "-c"];
/** The check itself arrives with what is to be checked, as it does in a sandbox. */
const PROGRAM = `
import json, sys
source, all_candidates = json.load(sys.stdin)
exec(source)
json.dump([main({"candidates": candidates})["chosen"] for candidates in all_candidates], sys.stdout)
`;

/** Which reading the sandbox would choose, by the same check and the same Python as there. */
function choose(all: readonly (readonly string[])[]): string[] {
  const input = JSON.stringify([readFileSync(CHECK, "utf8"), all]);
  const tree = `${rootfsDirectory()}/current`;
  const told = execFileSync("chroot", [tree, ...PYTHON, PROGRAM], { input, encoding: "utf8" });
  const chosen = JSON.parse(told) as number[];
  return all.map((candidates, index) => candidates[chosen[index] ?? 0] ?? "");
}

describe("code in an answer", () => {
  const extracted = malformedAnswers.map(({ answer }) => extractAnswer(answer));
  const chosen = choose(extracted.map(({ candidates }) => candidates));

  test("there are at least 40 kinds of answers to try", () => {
    expect(new Set(malformedAnswers.map(({ name }) => name)).size).toBeGreaterThanOrEqual(40);
  });

  test.each(malformedAnswers.map((one, index) => ({ ...one, index })))("$name", (one) => {
    expect(chosen[one.index]?.trim()).toBe(one.code);
    expect(extracted[one.index]?.refuses).toBe(false);
  });

  test("code without an end is told as such", () => {
    expect(extractAnswer('{"code": "print(1)\\nprint(').codeIsOpen).toBe(true);
    expect(extractAnswer("```python\nprint(1)\nprint(").codeIsOpen).toBe(true);
    expect(extractAnswer('{"code": "print(1)", "explanation": "It pr').codeIsOpen).toBe(false);
  });
});

describe("what is said about the code", () => {
  test("verdict, reasons and explanation are read", () => {
    const answer = extractAnswer(
      '{"code": "1", "safety": {"verdict": "caution", "summary": "Reads a file."}, "explanation": "One."}',
    );
    expect(answer).toMatchObject({
      verdict: "caution",
      safety: "Reads a file.",
      explanation: "One.",
    });
  });

  test.each([
    ['{"code": "1", "safety": "safe"}', "safe"],
    ['{"code": "1", "is_safe": false, "reasons": ["a", "b"]}', "unsafe"],
    ['{"code": "1", "safety": {"safe": true}}', "safe"],
    ['{"code": "1", "safety": "There is nothing unsafe or dangerous here."}', null],
    ['{"code": "1"}', null],
  ])("%s is the verdict %s", (text, verdict) => {
    expect(extractAnswer(text).verdict).toBe(verdict);
  });

  test("prose around code is its explanation", () => {
    expect(extractAnswer("This sums.\n```python\n1 + 1\n```").explanation).toBe("This sums.");
  });
});

describe("answers without code", () => {
  test.each([
    "I'm sorry, but I can't help with that.",
    "I cannot assist with creating malware.",
    '{"code": "", "safety": {"verdict": "unsafe", "summary": "This is an attack."}}',
    '{"code": null, "explanation": "I won\u2019t write this."}',
    "As an AI language model, I am unable to do so.",
  ])("%s is a refusal", (text) => {
    expect(extractAnswer(text)).toMatchObject({ candidates: [], refuses: true });
  });

  test.each([
    "",
    "   \n\n",
    "{}",
    "null",
    "The answer is forty-two.",
    "<think>hm</think>",
    '{"explanation": "Which file do you mean?"}',
    "```json\n{}\n```",
  ])("%j has none, and is no refusal", (text) => {
    expect(extractAnswer(text)).toMatchObject({ candidates: [], refuses: false });
  });

  test("an object of other fields is read for those who asked for it", () => {
    expect(extractFields('Sure: {"ok": false, "reason": "It is empty",}', ["ok"])).toMatchObject({
      ok: false,
      reason: "It is empty",
    });
  });
});

describe("answers meant to hurt", () => {
  const N = 100_000;
  test.each([
    ["open braces", '{"a":'.repeat(N)],
    ["brackets", "[".repeat(N)],
    ["quotes", `{"code": "${'"'.repeat(N)}`],
    ["fences", "```\n".repeat(N)],
    ["thoughts", "<think>".repeat(N)],
    ["ends of thoughts", "</think>".repeat(N)],
    ["objects", '{"a": "b'.repeat(N)],
    ["backslashes", `{"code": "${"\\".repeat(N)}`],
    ["spaces", `{"code": "${" ".repeat(N)}`],
    ["commas", `{${",".repeat(N)}`],
    ["words", "a ".repeat(N)],
    ["names", `${"a.".repeat(N)}b`],
    ["blank lines", "\n \t".repeat(N)],
  ])("%s take no long time", (_, text) => {
    const startedAt = performance.now();
    extractAnswer(text);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});
