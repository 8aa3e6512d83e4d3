import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type AfterExit, type Child, Supervisor } from "./supervise.js";

/** What happened, in order. */
const events: string[] = [];
const written: string[] = [];

class FakeProcess extends EventEmitter {
  exitCode: number | null = null;
  signalCode: string | null = null;
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }

  kill(signal: string): boolean {
    events.push(`${this.name} ${signal}`);
    this.end(137);
    return true;
  }

  end(code: number): void {
    this.exitCode = code;
    this.emit("exit", code);
  }
}

interface FakeChild extends Child {
  readonly processes: FakeProcess[];
  readonly latest: () => FakeProcess;
}

function fakeChild(name: string, options: Partial<Child> = {}): FakeChild {
  const processes: FakeProcess[] = [];
  const child: Child = {
    name,
    stopMs: 1000,
    start(isAgain) {
      events.push(`${name} ${isAgain ? "again" : "starts"}`);
      const process = new FakeProcess(name);
      processes.push(process);
      return process as unknown as ChildProcess;
    },
    stop(process) {
      events.push(`${name} stops`);
      (process as unknown as FakeProcess).end(0);
    },
    afterExit: () => "start again",
    ...options,
  };
  return { ...child, processes, latest: () => processes.at(-1) as FakeProcess };
}

const keptAfter = (answer: AfterExit): Partial<Child> => ({ afterExit: () => answer });
const cleanUp = () => void events.push("clean up");

beforeEach(() => {
  vi.useFakeTimers();
  events.length = written.length = 0;
  vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("children start in order and stop in the opposite one, each when the one before has ended", async () => {
  const slow: Partial<Child> = {
    stop(process) {
      events.push("b stops");
      setTimeout(() => {
        events.push("b ended");
        (process as unknown as FakeProcess).end(0);
      }, 500);
    },
  };
  const supervisor = new Supervisor(
    [fakeChild("a"), fakeChild("b", slow), fakeChild("c")],
    cleanUp,
  );
  supervisor.start();
  void supervisor.stop(0);
  void supervisor.stop(1);
  await vi.advanceTimersByTimeAsync(500);
  expect(await supervisor.finished).toBe(0);
  const stops = ["c stops", "b stops", "b ended", "a stops", "clean up"];
  expect(events).toEqual(["a starts", "b starts", "c starts", ...stops]);
});

test("a child that does not end in its time is killed", async () => {
  const deaf = fakeChild("deaf", { stop: () => undefined, stopMs: 3000 });
  const supervisor = new Supervisor([deaf], cleanUp);
  supervisor.start();
  void supervisor.stop(0);
  await vi.advanceTimersByTimeAsync(2999);
  expect(events).toEqual(["deaf starts"]);
  await vi.advanceTimersByTimeAsync(1);
  await supervisor.finished;
  expect(events).toEqual(["deaf starts", "deaf SIGKILL", "clean up"]);
});

test("the child that dies is started again, and no other one", async () => {
  const [a, b] = [fakeChild("a"), fakeChild("b")];
  const supervisor = new Supervisor([a, b], cleanUp);
  supervisor.start();
  a.latest().end(1);
  await vi.advanceTimersByTimeAsync(199);
  expect(a.processes).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(events).toEqual(["a starts", "b starts", "a again"]);
  expect(written).toEqual(["glovebox: a died and is started again\n"]);
  await supervisor.stop(0);
  expect(a.latest().exitCode).toBe(0);
});

test("a child that dies while all are stopped is not started again", async () => {
  const a = fakeChild("a");
  const supervisor = new Supervisor([a], cleanUp);
  supervisor.start();
  a.latest().end(1);
  await supervisor.stop(0);
  await vi.advanceTimersByTimeAsync(1000);
  expect(a.processes).toHaveLength(1);
});

test("deaths of all children count together, and twenty in a minute are enough", async () => {
  const [a, b] = [fakeChild("a"), fakeChild("b")];
  const supervisor = new Supervisor([a, b], cleanUp);
  supervisor.start();
  for (let death = 0; death < 20; death++) {
    (death % 2 === 0 ? a : b).latest().end(1);
    await vi.advanceTimersByTimeAsync(200);
  }
  expect(supervisor.isStopping).toBe(false);
  b.latest().end(1);
  expect(await supervisor.finished).toBe(1);
  expect(written.at(-1)).toBe("glovebox: b dies again and again\n");
});

test("deaths that lie apart are borne", async () => {
  const a = fakeChild("a");
  const supervisor = new Supervisor([a], cleanUp);
  supervisor.start();
  for (let death = 0; death < 50; death++) {
    a.latest().end(1);
    await vi.advanceTimersByTimeAsync(3500);
  }
  expect([a.processes.length, supervisor.isStopping]).toEqual([51, false]);
});

test.each([
  ["end", []],
  [{ reason: "no luck" }, ["glovebox: no luck\n"]],
] as const)("a child whose exit means %j ends all with status 1", async (answer, told) => {
  const hopeless = fakeChild("hopeless", keptAfter(answer));
  const supervisor = new Supervisor([fakeChild("a"), hopeless], cleanUp);
  supervisor.start();
  hopeless.latest().end(71);
  expect(await supervisor.finished).toBe(1);
  expect(written).toEqual(told);
  expect(events.slice(-2)).toEqual(["a stops", "clean up"]);
});

test("a child is asked with its exit code, and whether the server has been ready", () => {
  const afterExit = vi.fn(() => "start again" as const);
  const a = fakeChild("a", { afterExit });
  const supervisor = new Supervisor([a], cleanUp);
  supervisor.start();
  a.latest().end(7);
  expect([supervisor.served(), supervisor.served()]).toEqual([true, false]);
  a.latest().end(8);
  expect(afterExit.mock.calls).toEqual([
    [7, false],
    [8, true],
  ]);
});

test("a child that cannot be started ends the others", async () => {
  const refuses = fakeChild("b", { start: () => Promise.reject(new Error("no room")) });
  const supervisor = new Supervisor([fakeChild("a"), refuses], cleanUp);
  supervisor.start();
  expect(await supervisor.finished).toBe(1);
  expect(written).toEqual(["glovebox: b cannot be started: no room\n"]);
  expect(events).toEqual(["a starts", "a stops", "clean up"]);
});

test("a failure to start again is told and no crash, and one at first is the caller's", async () => {
  const first = new FakeProcess("a");
  const start = vi.fn<Child["start"]>(() => first as unknown as ChildProcess);
  const supervisor = new Supervisor([fakeChild("a", { start })], cleanUp);
  supervisor.start();
  start.mockImplementation(() => {
    throw new Error("no tree");
  });
  first.end(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(await supervisor.finished).toBe(1);
  expect(written.at(-1)).toBe("glovebox: a cannot be started: no tree\n");
  expect(() => new Supervisor([fakeChild("a", { start })], cleanUp).start()).toThrow("no tree");
});

test("a process that cannot be made ends all", async () => {
  const a = fakeChild("a");
  const supervisor = new Supervisor([a], cleanUp);
  supervisor.start();
  a.latest().emit("error", new Error("ENOENT"));
  expect(await supervisor.finished).toBe(1);
  expect(written).toEqual(["glovebox: a cannot be started: ENOENT\n"]);
});

test("a stop during a start ends what has been started", async () => {
  const b = fakeChild("b");
  const late: Child = {
    ...b,
    start: async (isAgain) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return b.start(isAgain);
    },
  };
  const supervisor = new Supervisor([fakeChild("a"), late], cleanUp);
  supervisor.start();
  void supervisor.stop(0);
  await vi.advanceTimersByTimeAsync(100);
  await supervisor.finished;
  expect(events).toEqual(["a starts", "b starts", "b stops", "a stops", "clean up"]);
});
