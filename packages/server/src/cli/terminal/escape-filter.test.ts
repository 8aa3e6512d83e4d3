import { describe, expect, test } from "vitest";
import { EscapeFilter, printable } from "./escape-filter.js";

const E = "\u001b";

function filtered(...pieces: readonly string[]): string {
  const filter = new EscapeFilter();
  return pieces.map((piece) => filter.pass(piece)).join("") + filter.end();
}

describe("what code prints, on its way to a terminal", () => {
  test.each([
    ["plain text in any script", "grün 漢字 🎉 עברית\n"],
    ["what moves in the line", "10%\r20%\b\b\t\n"],
    ["erasing the line", `${E}[K${E}[2K`],
  ])("lets %s pass", (_, text) => {
    expect(filtered(text)).toBe(text);
  });

  test("lets colours pass and ends them", () => {
    expect(filtered(`${E}[1;38;5;196mred`)).toBe(`${E}[1;38;5;196mred${E}[0m`);
  });

  test.each([
    ["the clipboard", `${E}]52;c;ZWNobyBwd25lZA==\u0007`],
    ["the title", `${E}]0;title\u0007`],
    ["a hyperlink", `${E}]8;;https://example.org${E}\\`],
    ["a device control string", `${E}P$q"p${E}\\`],
    ["a device report", `${E}[6n`],
    ["a report of the device's kind", `${E}[c`],
    ["a window operation", `${E}[21t`],
    ["a mode of the keyboard", `${E}[?2004h`],
    ["the other screen", `${E}[?1049h`],
    ["clearing the screen", `${E}[2J`],
    ["placing the cursor", `${E}[1;1H`],
    ["a reset", `${E}c`],
    ["a character set", `${E}(0`],
    ["a change of character set", "\u000e"],
    ["the bell", "\u0007"],
    ["an eight-bit sequence", "\u009b6n"],
    ["an eight-bit string", "\u009d0;title\u009c"],
    ["an answerback", "\u0005"],
    ["a private mode hidden among colours", `${E}[>4;2m`],
  ])("makes %s visible", (_, text) => {
    const seen = filtered(text);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left.
    expect(seen).not.toMatch(/[\u0000-\u0007\u000e-\u001f\u007f-\u009f]/);
    expect(seen).not.toBe("");
  });

  test("finds sequences that are cut into pieces", () => {
    for (const text of [`${E}]52;c;aGk=\u0007`, `a${E}[31mb`, `${E}[6n`]) {
      expect(filtered(...text)).toBe(filtered(text));
    }
  });

  test("shows a sequence that never ends, and what comes after it", () => {
    expect(filtered(`${E}]0;no end`, "\nthe next line\n")).toBe("␛]0;no end\nthe next line\n");
    expect(filtered(`${E}[1;`)).toBe("␛[1;");
    expect(filtered(`${E}[${"1;".repeat(100)}`)).toContain("␛[1;1;");
  });

  test("lets the cursor go up as far as was printed, and no further", () => {
    expect(filtered(`one\ntwo\n${E}[A`)).toBe(`one\ntwo\n${E}[1A`);
    expect(filtered(`one\n${E}[9A`)).toBe(`one\n${E}[1A`);
    expect(filtered(`${E}[A`)).toBe("");
    const filter = new EscapeFilter();
    filter.pass("one\ntwo\n");
    filter.end();
    expect(filter.pass(`${E}[A`)).toBe("");
  });
});

test("a name is shown on one line, without controls and without turned writing", () => {
  expect(printable(`a\n${E}[31m\u202ecod.exe`)).toBe("a\\u000a\\u001b[31m\\u202ecod.exe");
  expect(printable("Übung 1 – 漢字.csv")).toBe("Übung 1 – 漢字.csv");
});
