import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "../config.js";
import { lockInstance, ownProcess, runningServer } from "./instance-lock.js";

let stateDir: string;
let path: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "lock-test-"));
  path = join(stateDir, "server.pid");
});
afterEach(() => rmSync(stateDir, { recursive: true }));

test("a second lock is refused while its owner lives, and names the owner", () => {
  const unlock = lockInstance(stateDir);
  expect(() => lockInstance(stateDir)).toThrow(ConfigError);
  expect(() => lockInstance(stateDir)).toThrow(`pid ${process.pid}`);
  unlock();
});

test("a refused lock leaves the owner's file alone", () => {
  const unlock = lockInstance(stateDir);
  const before = readFileSync(path, "utf8");
  expect(() => lockInstance(stateDir)).toThrow();
  expect(readFileSync(path, "utf8")).toBe(before);
  unlock();
});

test("a lock that was given back can be taken again", () => {
  lockInstance(stateDir)();
  expect(existsSync(path)).toBe(false);
  lockInstance(stateDir)();
});

test("locks of different state directories do not meet", () => {
  const unlock = lockInstance(stateDir);
  lockInstance(join(stateDir, "other"))();
  unlock();
});

test("the state directory is made where it is missing", () => {
  const nested = join(stateDir, "a/b");
  const unlock = lockInstance(nested);
  expect(statSync(nested).isDirectory()).toBe(true);
  unlock();
});

test("a lock whose owner was killed is replaced", async () => {
  const child = spawn("sleep", ["60"]);
  const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1");
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  writeFileSync(path, `${child.pid} ${started}\n`);
  expect(() => lockInstance(stateDir)).toThrow(`pid ${child.pid}`);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  const unlock = lockInstance(stateDir);
  expect(readFileSync(path, "utf8")).toMatch(new RegExp(`^${process.pid} \\d+\\n$`));
  unlock();
});

test("a pid that now belongs to another process does not hold the lock", () => {
  writeFileSync(path, `${process.pid} 1\n`);
  lockInstance(stateDir)();
});

const NO_OWNERS = ["", "\n", "garbage", "12", "-1 x", "../../etc 5"];

test.each(NO_OWNERS)("without an owner, a file that holds %j does not hold the lock", (content) => {
  writeFileSync(path, content);
  const unlock = lockInstance(stateDir);
  expect(runningServer(stateDir)).toEqual(ownProcess());
  unlock();
});

test.each(NO_OWNERS)("with an owner, a file that holds %j does not give it away", (content) => {
  const unlock = lockInstance(stateDir);
  writeFileSync(path, content);
  expect(() => lockInstance(stateDir)).toThrow(/runs already/);
  unlock();
});

test("of many that start at once, over and over, one at a time has it", async () => {
  // Each that has the lock makes a file that must not be there yet, and leaves what a crash would.
  const contender = `
    import { lockInstance, ownProcess, runningServer } from ${JSON.stringify(new URL("instance-lock.ts", import.meta.url).pathname)};
    import { rmSync, writeFileSync } from "node:fs";
    import { setTimeout } from "node:timers/promises";
    const [stateDir] = process.argv.slice(-1);
    let taken = 0;
    process.stdout.write("ready\\n");
    await new Promise((go) => process.stdin.once("data", go));
    for (const end = Date.now() + 1500; Date.now() < end; ) {
      let unlock;
      try {
        unlock = lockInstance(stateDir);
      } catch (error) {
        if (!/runs already/.test(error.message)) throw error;
        continue;
      }
      writeFileSync(stateDir + "/held", "", { flag: "wx" });
      await setTimeout(1);
      rmSync(stateDir + "/held");
      unlock();
      if (++taken % 2) writeFileSync(stateDir + "/server.pid", ["", "1 1", "garbage"][taken % 3]);
    }
    process.stdout.write(String(taken));
    process.exit();`;
  const contenders = Array.from({ length: 5 }, () => {
    const child = spawn(process.execPath, [
      ...["--import", "tsx", "--input-type=module", "-e", contender, stateDir],
    ]);
    let said = "";
    let ready: () => void = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.startsWith("ready\n")) ready();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise<string>((resolve) =>
      child.once("close", (code) => resolve(`${code} ${said.replace("ready\n", "")}`)),
    );
    return { child, ready: Promise.race([isReady, ended]), ended };
  });
  await Promise.all(contenders.map(({ ready }) => ready));
  for (const { child } of contenders) child.stdin.write("go");
  const outcomes = await Promise.all(contenders.map(({ ended }) => ended));
  // All ended well, and more than one of them had a turn.
  for (const outcome of outcomes) expect(outcome).toMatch(/^0 \d+$/);
  expect(outcomes.filter((outcome) => outcome !== "0 0").length).toBeGreaterThan(1);
  expect(readdirSync(stateDir).filter((name) => !/^server\.(pid|lock)$/.test(name))).toEqual([]);
}, 30_000);

test("a state directory that others could change is refused, and so is what they have put there", () => {
  chmodSync(stateDir, 0o777);
  expect(() => lockInstance(stateDir)).toThrow(/STATE_DIR.*others can write/);
  chmodSync(stateDir, 0o700);
  writeFileSync(path, `${ownProcess().pid} ${ownProcess().started}\n`);
  chownSync(path, 12345, 12345);
  expect(() => runningServer(stateDir)).toThrow(/another user \(uid 12345\)/);
});
