import { describe, expect, test } from "vitest";
import { parseDotenv, readSettings } from "./settings.mjs";

describe("readSettings", () => {
  test("puts the root filesystem below the state directory", () => {
    expect(readSettings({ STATE_DIR: "/srv/state" }, "/nonexistent").rootfsDir).toBe(
      "/srv/state/rootfs",
    );
  });

  test("takes ROOTFS_DIR where it is set", () => {
    const environment = { STATE_DIR: "/srv/state", ROOTFS_DIR: "/srv/trees" };
    expect(readSettings(environment, "/nonexistent").rootfsDir).toBe("/srv/trees");
  });
});

describe("parseDotenv", () => {
  test("reads plain, quoted and exported variables and skips comments", () => {
    const text = "# a comment\nA=1\nB = \"two words\"\nexport C='x # y'\nD=4 # four\n\nnonsense\n";
    expect(parseDotenv(text)).toEqual({ A: "1", B: "two words", C: "x # y", D: "4" });
  });
});
