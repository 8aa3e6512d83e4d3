import { expect, test } from "vitest";
import { highlight } from "./highlight.js";

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC.
const COLOUR = /\u001b\[[\d;]*m/g;

test.each([
  "for i in range(10): print(f'{i:>3}', 0x1f, 1.5e-3)  # comment",
  "@decorator\ndef naïve(self): return '''a\nb''' + \"half",
  "async with open('x') as f: await f",
  "%timeit -n 10 x",
  "'\\",
  "",
])("colours change no character of %j", (code) => {
  expect(highlight(code).replaceAll(COLOUR, "")).toBe(code);
});

test("words are coloured by what they are", () => {
  const [keyword, builtin, string] = ["35", "34", "32"].map((colour) => `\u001b[${colour}m`);
  expect(highlight("if")).toBe(`${keyword}if\u001b[0m`);
  expect(highlight("print")).toBe(`${builtin}print\u001b[0m`);
  expect(highlight("'if'")).toBe(`${string}'if'\u001b[0m`);
  expect(highlight("iffy")).toBe("iffy");
});
