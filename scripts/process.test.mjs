import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { quick, run, SetupError, withLock } from "./process.mjs";

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glovebox-process-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("run", () => {
  test("hands over each line, the last one without a newline included", async () => {
    const lines = [];
    const onLine = (line) => lines.push(line);
    await run("sh", ["-c", "echo one; printf two"], { failure: "no", onLine });
    expect(lines).toEqual(["one", "two"]);
  });

  test("fails with the command's last words and the remedy", async () => {
    const script = "for i in $(seq 100); do echo line $i; done; echo the cause >&2; exit 3";
    const failing = run("sh", ["-c", script], { failure: "It broke.", remedy: "mend it." });
    await expect(failing).rejects.toThrow(SetupError);
    await expect(failing).rejects.toThrow(/It broke.*\(sh: 3\)[\s\S]*line 100[\s\S]*mend it\./);
    await expect(failing).rejects.toThrow(/the cause/);
    await expect(failing).rejects.not.toThrow(/line 50\b/);
  });

  test("feeds its input to the command", async () => {
    const lines = [];
    await run("cat", [], { failure: "no", input: "hello", onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["hello"]);
  });
});

describe("withLock", () => {
  test("lets one holder in at a time", async () => {
    const path = join(folder, "lock");
    const events = [];
    const hold = (name) =>
      withLock(path, async () => {
        events.push(`${name} in`);
        await delay(50);
        events.push(`${name} out`);
      });
    await Promise.all([hold("a"), hold("b")]);
    expect(events.map((event) => event.slice(2))).toEqual(["in", "out", "in", "out"]);
  });

  test("frees the lock when the work fails", async () => {
    const path = join(folder, "lock");
    const failing = withLock(path, () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    expect(quick("flock", ["--nonblock", path, "true"]).status).toBe(0);
  });
});
