import { expect, test } from "vitest";
import { tellUnknownVariables } from "./unknown-variables.js";

test.each([
  ["MAX_SESSION", "MAX_SESSIONS"],
  ["MAX_MEMORY", "MAX_MEMORY_MB"],
  ["POOL_SZIE", "POOL_SIZE"],
  ["MAX_WORKSPACE", "MAX_WORKSPACE_MB"],
  ["ENABLE_NETWORKING", "no network"],
])("%s is told of", (name, meant) => {
  const [told, ...more] = tellUnknownVariables({ [name]: "a secret" });
  expect(more).toEqual([]);
  expect(told).toMatch(new RegExp(`^${name} is set and has no effect: .*${meant}`));
  expect(told).not.toContain("secret");
});

test("what is ours, or everybody's, is not", () => {
  const usual = ["PATH", "HOME", "HOSTNAME", "LOGNAME", "LANG", "POOL_SIZE", "GLOVEBOX_URL"];
  expect(tellUnknownVariables(Object.fromEntries(usual.map((name) => [name, "x"])))).toEqual([]);
  expect(tellUnknownVariables({ LOG_LEVELS_OF_ANOTHER: "x", HOST_NAME: "x" })).toEqual([]);
});
