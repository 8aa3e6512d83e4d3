import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ReplHistory } from "./repl-history.js";

let home: string;
let path: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "glovebox-history-"));
  path = join(home, "glovebox/repl-history");
});
afterEach(() => rmSync(home, { recursive: true }));

test("keeps lines for their owner alone, the newest first, and not without end", () => {
  const history = new ReplHistory(home);
  expect(history.load()).toEqual([]);
  for (const line of ["a", "b", "b", " ", "c"]) history.add(line);
  chmodSync(path, 0o644);
  expect(new ReplHistory(home).load()).toEqual(["c", "b", "a"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, Array.from({ length: 2500 }, (_, n) => `line ${n}\n`).join(""));
  expect(new ReplHistory(home).load().length).toBe(1000);
  expect(readFileSync(path, "utf8").split("\n").length).toBe(1001);
});

test.each<[string, () => void]>([
  ["a link", () => symlinkSync(join(home, "other"), path)],
  ["a second name of another file", () => linkSync(join(home, "other"), path)],
  ["a file of somebody else", () => chownSync(emptyFile(), 12345, 12345)],
])("touches nothing over %s", (_, make) => {
  mkdirSync(join(home, "glovebox"));
  writeFileSync(join(home, "other"), "theirs\n");
  make();
  const history = new ReplHistory(home);
  expect(history.load()).toEqual([]);
  history.add("secret");
  expect(readFileSync(path, "utf8")).not.toContain("secret");
  expect(readFileSync(join(home, "other"), "utf8")).toBe("theirs\n");
});

function emptyFile(): string {
  writeFileSync(path, "");
  return path;
}
