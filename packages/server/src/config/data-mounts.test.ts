import { describe, expect, test } from "vitest";
import { parseDataMounts, wheelsMount } from "./data-mounts.js";

describe("parseDataMounts", () => {
  test("reads names, paths and options", () => {
    expect(parseDataMounts("a=/x, b_2-c=/y/../z/:rw,d=/x y:ask:ro")).toEqual([
      { name: "a", path: "/x", writable: false, onRequest: false },
      { name: "b_2-c", path: "/z/", writable: true, onRequest: false },
      { name: "d", path: "/x y", writable: false, onRequest: true },
    ]);
    expect(parseDataMounts(" ")).toEqual([]);
  });

  test.each([
    ["/x", "must be a list of"],
    ["a=/x,", "must be a list of"],
    ["A=/x", 'the name "A" must be'],
    ["../a=/x", "must be 1 to 32"],
    [`${"a".repeat(33)}=/x`, "must be 1 to 32"],
    ["=/x", "must be 1 to 32"],
    ["a=x", "must begin with /"],
    ["a=", "must begin with /"],
    ["a=/x\n/y", "must be one line"],
    ["a=/x:exec", 'has ":exec"'],
    ["a=/x:ro:rw", "both :ro and :rw"],
    ["a=/x,a=/y", 'names "a" twice'],
    [Array.from({ length: 17 }, (_, index) => `a${index}=/x`).join(), "at most 16"],
  ])("refuses %j", (text, message) => {
    expect(() => parseDataMounts(text)).toThrow(message);
    expect(() => parseDataMounts(text)).toThrow(/^DATA_MOUNTS/);
  });
});

test("wheelsMount() wants an absolute path", () => {
  expect(() => wheelsMount("wheels")).toThrow('WHEEL_DIR must begin with /, and is "wheels"');
});
