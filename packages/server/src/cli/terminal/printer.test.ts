import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ImageFolder } from "./images.js";
import { type OutputEvent, Printer } from "./printer.js";
import { Screen } from "./screen.js";
import { openSink } from "./sink.js";

const PNG = Buffer.from("89504e470d0a1a0a", "hex");
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "glovebox-printer-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

function print(events: readonly OutputEvent[], { terminal = false, images = true } = {}): Printed {
  const texts = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof texts) =>
    ({
      isTTY: terminal,
      write: (text: string) => {
        texts[name] += text;
        return true;
      },
    }) as unknown as NodeJS.WriteStream;
  const screen = terminal ? new Screen(() => ({ columns: 20, rows: 10 })) : undefined;
  const options = { colour: terminal, ...(screen && { screen }) };
  const printer = new Printer({
    stdout: openSink(stream("stdout"), options),
    stderr: openSink(stream("stderr"), options),
    ...(screen && { screen }),
    images: images ? new ImageFolder(directory) : undefined,
  });
  for (const event of events) printer.print(event);
  printer.end();
  return texts;
}

/** What a person would see in the end: a terminal of 20 columns in which nothing scrolls. */
function seen(output: string): string {
  const lines: string[][] = [[]];
  let [row, column] = [0, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is a small terminal.
  for (const [piece, count = "", final] of output.matchAll(/\u001b\[([\d;]*)([A-Za-z])|[\s\S]/gu)) {
    if (final === "A") row -= Number(count || "1");
    else if (final === "J") {
      lines.length = row + 1;
      lines[row]?.splice(column);
    } else if (piece === "\n") [row, column] = [row + 1, 0];
    else if (piece === "\r") column = 0;
    else if (final === undefined) {
      if (column === 20) [row, column] = [row + 1, 0];
      lines[row] ??= [];
      (lines[row] as string[])[column] = piece;
      column += 1;
    }
  }
  return Array.from(lines, (line) => (line ?? []).join("")).join("\n");
}

const text = (plain: string) => ({ "text/plain": plain });
const stdout = (value: string): OutputEvent => ({
  type: "stream",
  data: { name: "stdout", text: value },
});
const show = (id: string, plain: string): OutputEvent => ({
  type: "display_data",
  data: { data: text(plain), display_id: id },
});
const update = (id: string, plain: string): OutputEvent => ({
  type: "update_display_data",
  data: { data: text(plain), display_id: id },
});

describe("in a pipe", () => {
  test("streams go where they belong, unchanged", () => {
    const printed = print([
      stdout("\u001b]0;x\u0007raw"),
      { type: "stream", data: { name: "stderr", text: "oh\r" } },
    ]);
    expect(printed).toEqual({ stdout: "\u001b]0;x\u0007raw", stderr: "oh\r" });
  });

  test("a display that is updated is printed first and last", () => {
    const events = [show("bar", "0 %"), update("bar", "50 %"), update("bar", "100 %")];
    expect(print(events).stdout).toBe("0 %\n100 %\n");
  });

  test("nothing is taken back", () => {
    expect(
      print([stdout("a\n"), { type: "clear_output", data: { wait: false } }, stdout("b\n")]).stdout,
    ).toBe("a\nb\n");
  });

  test("a traceback has no colours and is followed by its hint", () => {
    const traceback = ["Traceback …", "ValueError: no"];
    const error = { ename: "ValueError", evalue: "no", traceback };
    expect(print([{ type: "error", data: { ...error, hint: "Try another." } }]).stderr).toBe(
      "Traceback …\nValueError: no\nTry another.\n",
    );
  });
});

describe("on a terminal", () => {
  test("a display is replaced in place", () => {
    const { stdout: output } = print(
      [stdout("begin\n"), show("bar", "0 %"), update("bar", "50 %"), update("bar", "100 %")],
      { terminal: true },
    );
    expect(seen(output)).toBe("begin\n100 %");
  });

  test("displays that stand together are each replaced", () => {
    const { stdout: output } = print(
      [show("a", "a0\na0"), show("b", "b0"), update("a", "a1"), update("b", "b1")],
      { terminal: true },
    );
    expect(seen(output)).toBe("a1\nb1");
  });

  test("a display that others have been printed below is printed again at the end", () => {
    const { stdout: output } = print(
      [show("bar", "0 %"), stdout("log\n"), update("bar", "50 %"), update("bar", "100 %")],
      { terminal: true },
    );
    expect(seen(output)).toBe("0 %\nlog\n100 %");
  });

  test("output is cleared at once, or before the next", () => {
    const clear = (wait: boolean): OutputEvent => ({ type: "clear_output", data: { wait } });
    const long = stdout("more than one line of twenty columns");
    const once = print([long, clear(false), stdout("b\n")], { terminal: true });
    expect(seen(once.stdout)).toBe("b\n".trimEnd());
    expect(print([stdout("a"), clear(true)], { terminal: true }).stdout).toBe("a");
    expect(seen(print([stdout("a"), clear(true), stdout("b")], { terminal: true }).stdout)).toBe(
      "b",
    );
  });

  test("a result begins on a line of its own", () => {
    const printed = print(
      [stdout("no end"), { type: "execute_result", data: { data: text("42") } }],
      {
        terminal: true,
      },
    );
    expect(printed.stdout).toBe("no end\n42\n");
  });

  test("displays and tracebacks are filtered as well", () => {
    const hostile = "\u001b]52;c;eA==\u0007";
    const data = { ename: "E", evalue: hostile, traceback: [hostile] };
    const printed = print([show("a", hostile), { type: "error", data }], { terminal: true });
    expect(printed.stdout + printed.stderr).not.toContain("\u001b]");
    expect(printed.stderr).toContain("\u001b[1;31m");
  });
});

describe("images", () => {
  const image = { "image/png": PNG.toString("base64"), "text/plain": "<Figure>" };

  test("are saved under free names and named on stderr", () => {
    symlinkSync("/nowhere/at/all", join(directory, "image-1.png"));
    const { stdout: output, stderr } = print([{ type: "display_data", data: { data: image } }]);
    expect(output).toBe("");
    expect(stderr).toBe(`[image: ${join(directory, "image-2.png")}]\n`);
    expect(readFileSync(join(directory, "image-2.png"))).toEqual(PNG);
  });

  test("of one display are one file", () => {
    const frame = (type: "display_data" | "update_display_data"): OutputEvent => ({
      type,
      data: { data: image, display_id: "movie" },
    });
    print([frame("display_data"), frame("update_display_data"), frame("update_display_data")]);
    expect(readdirSync(directory)).toEqual(["image-1.png"]);
  });

  test("that are not kept are told of", () => {
    const { stderr } = print([{ type: "display_data", data: { data: image } }], { images: false });
    expect(stderr).toContain("--out DIR");
    expect(existsSync(join(directory, "image-1.png"))).toBe(false);
  });
});

test.each([
  [
    { "text/markdown": "# Title", "text/plain": "<IPython.core.display.Markdown object>" },
    "# Title",
  ],
  [{ "text/latex": "$x$", "text/plain": "<IPython.core.display.Math object>" }, "$x$"],
  [{ "text/html": "<table>", "text/plain": "   a\n0  1" }, "   a\n0  1"],
  [{ "application/json": { a: 1 } }, '{\n  "a": 1\n}'],
  [{ "application/x-own": {} }, "(application/x-own)"],
])("of %o a terminal shows the readable text", (data, shown) => {
  expect(print([{ type: "execute_result", data: { data } }]).stdout).toBe(`${shown}\n`);
});
