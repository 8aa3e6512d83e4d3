import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseStatus, Seal } from "./seal.js";

const directory = mkdtempSync(join(tmpdir(), "seal-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

/** An unconfined process: this user's, without filter or user namespace. */
function sleeper(): number {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  children.push(child);
  return child.pid ?? 0;
}

function sealOf(limit: string): { seal: Seal; limitFile: string } {
  const limitFile = join(directory, "limit");
  writeFileSync(limitFile, limit);
  const pids = { kernel: sleeper(), warden: sleeper() };
  const seal = new Seal({ pids, hostUids: { user: 1, warden: 2 }, limitFiles: [limitFile] });
  return { seal, limitFile };
}

describe("Seal", () => {
  test("an unconfined process is a problem", () => {
    const { seal } = sealOf("1");
    // It has no PID namespace of its own, which is what is looked at first.
    expect(seal.problem(false)).toMatch(/^the kernel has been replaced/);
  });

  test("a process that is gone is a problem", () => {
    expect(
      () =>
        new Seal({
          pids: { kernel: 2 ** 22 + 1, warden: 1 },
          hostUids: { user: 1, warden: 2 },
          limitFiles: [],
        }),
    ).toThrow(/ENOENT/);
  });
});

test("parseStatus reads names and values", () => {
  // A process may choose its name, and with it a line that looks like another.
  const text = "Name:\tUid:\t0\nState:\tS (sleeping)\nUid:\t1\t2\t3\t4\nGroups:\t \n\n";
  expect(parseStatus(text)).toEqual({ State: "S (sleeping)", Uid: "1 2 3 4", Groups: "" });
});
