import { expect, test } from "vitest";
import { DownloadProgress } from "../data/download-progress.js";
import { formatBytes } from "./amounts.js";
import { CountLine } from "./count-line.js";
import { ProgressBar } from "./progress-bar.js";
import { formatTable } from "./table.js";

function transfer(options: {
  isTTY: boolean;
  stepMs: number;
  total: number | undefined;
}): string[] {
  const written: string[] = [];
  let now = 0;
  const out = {
    isTTY: options.isTTY,
    columns: 60,
    write: (text: string) => written.push(text),
  };
  const progress = new ProgressBar(out, "a.csv", options.total, () => now);
  for (let step = 0; step < 10; step += 1) {
    now += options.stepMs;
    progress.add(1_000_000);
  }
  progress.end();
  return written;
}

test("a long transfer shows a bar that fits into the line and is taken away", () => {
  const written = transfer({ isTTY: true, stepMs: 200, total: 10_000_000 });
  expect(written.at(-2)).toContain("100 % [####");
  expect(written.at(-2)).toContain("10.0 MB of 10.0 MB  5.0 MB/s");
  expect(Math.max(...written.map((line) => line.length))).toBeLessThan(65);
  expect(written.at(-1)).toBe("\r\u001b[K");
});

test("a short transfer and one that nobody looks at show nothing", () => {
  expect(transfer({ isTTY: true, stepMs: 1, total: 10 })).toEqual([]);
  expect(transfer({ isTTY: false, stepMs: 1000, total: 10 })).toEqual([]);
});

test("a transfer of unknown length shows what is done", () => {
  expect(transfer({ isTTY: true, stepMs: 200, total: undefined }).at(-2)).toContain(
    "a.csv  10.0 MB  5.0 MB/s",
  );
});

test("counts and downloads are drawn as a bar, and what stays is written over it", () => {
  const written: string[] = [];
  const out = { isTTY: true, columns: 70, write: (text: string) => written.push(text) };
  const counts = new CountLine(out, 4);
  counts.show(1, 1);
  counts.show(2, 1); // Too soon to be drawn.
  counts.show(4, 1);
  counts.end();
  expect(written).toEqual([
    expect.stringMatching(/^\r\[#{6}\.{18}\] 1\/4, 1 failed, /),
    expect.stringMatching(/^\r\[#{24}\] 4\/4, 1 failed, /),
    "\r\u001b[K",
  ]);
  written.length = 0;
  const download = new DownloadProgress(out);
  download.begin("a.csv", 100);
  download.at(50, 100);
  download.done(100);
  expect(written).toEqual([
    expect.stringMatching(/^\r\[#{12}\.{12}\] 50 %, 50 bytes, .* {2}a\.csv/),
    "\r\u001b[K",
    "a.csv: done, 100 bytes\n",
  ]);
});

test("sizes are short", () => {
  expect([0, 999, 1000, 1_234_567, 123_456_789].map(formatBytes)).toEqual([
    "0 bytes",
    "999 bytes",
    "1.0 kB",
    "1.2 MB",
    "123 MB",
  ]);
});

test("columns stand below each other, also where letters are wide", () => {
  expect(
    formatTable([
      ["a", "b"],
      ["漢字", "c"],
    ]),
  ).toBe("a     b\n漢字  c\n");
  expect(formatTable([["a", "漢字"]], 6)).toBe("a  漢\n");
});
