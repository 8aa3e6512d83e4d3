/**
 * No pattern over text of others takes more than a time in proportion to its length. This reads every
 * regular expression of the sources, and every pattern of a schema, and refuses those that may.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { patternsIn, superLinear } from "./support/patterns.ts";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The commands too: they read what guests and servers say. */
const sources = ["packages/server/src", "packages/sdk/src"].flatMap((folder) =>
  readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => {
      const path = `${folder}/${name}`;
      return { path, ...patternsIn(readFileSync(join(repositoryRoot, path), "utf8")) };
    }),
);

test("there are patterns to look at", () => {
  expect(sources.flatMap(({ patterns }) => patterns).length).toBeGreaterThan(100);
});

test("every pattern takes a time in proportion to the text", () => {
  const wrong = sources.flatMap(({ path, patterns }) =>
    patterns.flatMap(({ line, source, flags }) =>
      superLinear({ source, flags }).map((why) => `${path}:${line} /${source}/${flags}: ${why}`),
    ),
  );
  expect(wrong).toEqual([]);
});

test("every pattern can be read here", () => {
  const made = sources.flatMap(({ path, unreadable }) =>
    unreadable.map(({ line, what }) => `${path}:${line} ${what}`),
  );
  expect(made).toEqual([]);
});

test("of the privileged Python one file has patterns, of fixed lengths", () => {
  const guest = join(repositoryRoot, "packages/server/guest/_glovebox");
  const users = readdirSync(guest, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".py"))
    .map((path) => ({ name: basename(path), text: readFileSync(join(guest, path), "utf8") }))
    .filter(({ text }) => /^(?:import|from) re\b/m.test(text));
  const besideUserCode = [
    "cell_pieces",
    "chart_axis",
    "completion",
    "context_probe",
    "libraries",
    "short_path",
  ];
  const privileged = users.filter(({ name }) => !besideUserCode.includes(name.replace(".py", "")));
  expect(privileged.map(({ name }) => name)).toEqual(["operations.py"]);
  const patterns = privileged.flatMap(({ text }) => [...text.matchAll(/\bre\.\w+\((.*)/g)]);
  expect(patterns.map(([, pattern]) => pattern)).toEqual([
    'r"[a-z0-9]{8,32}")',
    'r"[0-9a-f]{32}")',
  ]);
});

describe("what the check refuses", () => {
  test.each([
    // Two of the same side by side, or one within the other.
    [/^[A-Za-z0-9+/\s]*={0,2}\s*$/],
    [/```(?:python3?|py)?[ \t]+([^`\n]+?)[ \t]*```/gi],
    [/^[\s>]*(`{3,}|~{3,})\s*\{?\.?([\w+#-]*)[^`\n]*$/],
    [/^\s*(`{3,}|~{3,})[^\n]*\n([\s\S]*?)\n?\s*\1?\s*$/],
    [/<(code|python)(?:\s[^>]*)?>\s*(?:<!\[CDATA\[)?([\s\S]*?)(?:\]\]>)?\s*<\/\1>/gi],
    [/^```(?:json)?\s*\n([\s\S]*?)\n?```$/],
    [/\s*,?\s*\}\s*(?:[,}\]]|$|`|<)/y],
    [/^(?:a+)+$/],
    [/^(?:a|a)*$/],
    [/^(?:x(?:a|[a-z])y?)*$/],
    [/^\d{1,5000}\d{1,5000}x/],
    // Begins anew at each place, or at each of its own beginnings.
    [/\/+$/],
    [/\s+#.*$/],
    [/@.*$/],
    [/"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/gs],
    [/<data-([0-9a-f]{16}) about="">\n[\s\S]*?\n<\/data-\1>/g],
    [/<!--[\s\S]*?-->/],
    [/<code[^>]*>/],
    [/<(?:code|python)[^>]*>x/],
  ])("%s", ({ source, flags }) => {
    expect(superLinear({ source, flags })).not.toEqual([]);
  });

  test.each([
    [/^[A-Za-z0-9._:@-]{1,128}$/],
    [/[^A-Za-z0-9+/=\s]/],
    [/```(?:python3?|py)?[ \t]([^`\n]+)```/gi],
    [/<(\/?)(code|python)(?:\s[^<>]*)?>/gi],
    [/"(?:\\.|[^"\\\n])*"?/y],
    [/\s+/g],
    [/^data:[^,]{0,300}?(;base64)?,/i],
  ])("and not %s", ({ source, flags }) => {
    expect(superLinear({ source, flags })).toEqual([]);
  });

  test("patterns that are made at run time", () => {
    for (const made of [
      "const x = new RegExp(text);",
      'const x = RegExp("a+");',
      "const x = text.match(`a+$" + "{b}`);",
      'const x = text.search("a+");',
      "const x = Type.String({ pattern: `^[0-9]{$" + "{n}}$` });",
      "const x = Type.String({ pattern: PATTERN });",
    ]) {
      expect(patternsIn(made).unreadable, made).toHaveLength(1);
    }
    expect(patternsIn("const { pattern } = x; f(x.match(/a/));").unreadable).toEqual([]);
  });

  test("patterns of schemas", () => {
    const { patterns } = patternsIn('const x = Type.String({ maxLength: 9, pattern: "^a*a*$" });');
    expect(patterns).toEqual([{ line: 1, source: "^a*a*$", flags: "u", isLiteral: false }]);
    expect(superLinear(patterns[0] ?? { source: "", flags: "" })).not.toEqual([]);
  });
});
