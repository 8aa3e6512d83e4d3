import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { checkName, checkPath } from "../../desk/paths.js";
import { contentDisposition } from "./content-disposition.js";
import { contentTypeOf } from "./content-type.js";
import { matchesEtag, parseRange } from "./range.js";
import { receiveForm } from "./upload.js";

describe("checkPath", () => {
  test.each([
    ["", ""],
    ["a", "a"],
    ["a/b.txt", "a/b.txt"],
    ["a/", "a"],
    ["日本/ü 1.csv", "日本/ü 1.csv"],
    ["...", "..."],
    ["-rf", "-rf"],
    ["a\\b", "a\\b"],
  ])("takes %j", (path, checked) => {
    expect(checkPath(path)).toBe(checked);
  });

  test.each([
    "/a",
    "/",
    "..",
    "a/../b",
    "./a",
    "a/.",
    "a//b",
    "a\0",
    "a\nb",
    "\u007f",
    "x".repeat(256),
    "é".repeat(128),
    "ab/".repeat(2000),
    "\ud800",
  ])("refuses %j", (path) => {
    expect(() => checkPath(path)).toThrowError(expect.objectContaining({ code: "INVALID_PATH" }));
  });

  test("a name may not be missing", () => {
    expect(() => checkName("/")).toThrow();
    expect(() => checkName("")).toThrowError("the path is empty");
  });
});

describe("parseRange", () => {
  test.each([
    [undefined, undefined],
    ["bytes=0-0", { start: 0, length: 1 }],
    ["bytes=2-", { start: 2, length: 8 }],
    ["bytes=-3", { start: 7, length: 3 }],
    ["bytes=-99", { start: 0, length: 10 }],
    ["bytes=5-99", { start: 5, length: 5 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", undefined],
    ["bytes=-", undefined],
    ["bytes=0-1,3-4", undefined],
    ["lines=0-1", undefined],
    [`bytes=${"9".repeat(400)}-`, undefined],
  ])("%j of ten bytes is %j", (header, range) => {
    expect(parseRange(header, 10)).toEqual(range);
  });

  test("of an empty file nothing can be asked for", () => {
    expect(parseRange("bytes=0-", 0)).toBe("unsatisfiable");
  });
});

test("an If-None-Match names versions or any", () => {
  expect(matchesEtag('"a", W/"b"', '"b"')).toBe(true);
  expect(matchesEtag("*", '"b"')).toBe(true);
  expect(matchesEtag('"a"', '"b"')).toBe(false);
  expect(matchesEtag(undefined, '"b"')).toBe(false);
});

describe("contentDisposition", () => {
  test("keeps every name within the header", () => {
    const name = 'a"b\\c;\r\nSet-Cookie: x=1\u0000ü日.csv';
    const header = contentDisposition("attachment", name);
    expect(header).toMatch(/^attachment; filename="[\w ._+=@()-]*"; filename\*=UTF-8''[\w.%~-]+$/);
    expect(decodeURIComponent(header.split("''")[1] ?? "")).toBe(name);
  });

  test("survives what is no Unicode", () => {
    expect(contentDisposition("inline", "\ud800")).toContain("%EF%BF%BD");
  });
});

test.each([
  ["a.csv", "text/csv; charset=utf-8"],
  ["A.PNG", "image/png"],
  ["csv", "application/octet-stream"],
  ["a.constructor", "application/octet-stream"],
  ["a.", "application/octet-stream"],
])("the type of %s is %s", (name, type) => {
  expect(contentTypeOf(name)).toBe(type);
});

test("a form of nothing but empty parts ends after as many as there may be files and fields", async () => {
  const parts = Readable.from(
    Array.from({ length: 100 }, () => Buffer.from("--b\r\n\r\n\r\n".repeat(50))),
  );
  const raw = Object.assign(parts, { setTimeout: () => undefined, complete: true });
  const headers = { "content-type": "multipart/form-data; boundary=b" };
  const received = receiveForm({ raw, headers } as never, "", {} as never, 1_000_000);
  await expect(received).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
  expect(parts.readableEnded).toBe(false);
});
