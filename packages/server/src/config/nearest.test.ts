import { expect, test } from "vitest";
import { nearestOf } from "./nearest.js";

const KNOWN = ["timeout", "session_id", "code", "files"];

test.each([
  ["timout", "timeout"],
  ["tiemout", "timeout"],
  ["sessionid", "session_id"],
  ["cod", "code"],
  ["filse", "files"],
  ["fields", "files"],
  ["network", undefined],
  ["x", undefined],
  ["", undefined],
  ["timeout".repeat(1000), undefined],
])("%s may have meant %s", (name, expected) => {
  expect(nearestOf(name, KNOWN)).toBe(expected);
});
