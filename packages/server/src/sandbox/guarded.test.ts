import { expect, test } from "vitest";
import { type DriverSandbox, GuardedSandbox, type TellEnd } from "./guarded.js";
import { type MessageSink, NO_EVENTS, type SandboxEnd } from "./sandbox.js";

/** Does whatever it is told, also after its end: the guard has to keep it from that. */
class Unguarded implements DriverSandbox {
  readonly id = "0123456789abcdef";
  answers = true;
  readonly limits = { memoryBytes: 2 ** 29, cpuCores: 1 };
  readonly calls: string[] = [];
  sink: MessageSink | undefined;
  resolveGone!: () => void;

  constructor(readonly tellEnd: TellEnd) {}

  execute(_request: object, sink: MessageSink): void {
    this.calls.push("execute");
    this.sink = sink;
  }
  answerInput(): boolean {
    this.calls.push("answerInput");
    return true;
  }
  ask(): Promise<never> {
    this.calls.push("ask");
    return new Promise(() => undefined);
  }
  pauseOutput(): void {
    this.calls.push("pauseOutput");
  }
  resumeOutput(): void {
    this.calls.push("resumeOutput");
  }
  watchOutput(): void {
    this.calls.push("watchOutput");
  }
  interrupt(): void {
    this.calls.push("interrupt");
  }
  async setLimits(): Promise<void> {}
  async mount(): Promise<void> {
    this.calls.push("mount");
  }
  beginMeasuring(): number {
    return 0;
  }
  endMeasuring() {
    return { cpuSeconds: 0, memoryPeakBytes: 0 };
  }
  usage() {
    return { cpuSeconds: 0, memoryBytes: 0, memoryPeakBytes: 0, processes: 0 };
  }
  cpuSeconds(): number {
    return 0;
  }
  problem(): string | null {
    return null;
  }
  newEvents() {
    return NO_EVENTS;
  }
  files(): Promise<never> {
    return new Promise(() => undefined);
  }
  end(): Promise<void> {
    this.calls.push("end");
    return new Promise((resolve) => {
      this.resolveGone = resolve;
    });
  }
}

const DIED: SandboxEnd = { reason: "sandbox_died", outOfMemory: true, detail: "it died" };
const CELL = { code: "1", outputBytesMax: 100, allowInput: false, timeoutMs: 1000 };
const REPLY = { msg_type: "stream", content: { name: "stdout", text: "late" } } as const;

function guarded() {
  const sandbox = new GuardedSandbox((tellEnd) => new Unguarded(tellEnd));
  return { sandbox, inner: sandbox.inner };
}

test("a sandbox ends once, with its first cause", async () => {
  const { sandbox, inner } = guarded();
  expect(sandbox.alive).toBe(true);
  inner.tellEnd(DIED);
  inner.tellEnd({ reason: "flood", outOfMemory: false, detail: "later" });
  void sandbox.destroy("later still");
  expect(await sandbox.ended).toEqual(DIED);
  expect(sandbox.alive).toBe(false);
  expect(inner.calls).toEqual(["end"]);
});

test("a violation of the protocol ends the sandbox like everything else", async () => {
  const { sandbox, inner } = guarded();
  inner.tellEnd({ reason: "protocol_violation", outOfMemory: false, detail: "not a frame" });
  expect((await sandbox.ended).reason).toBe("protocol_violation");
  expect(inner.calls).toEqual(["end"]);
});

test("who destroys it, however often, waits until everything is gone", async () => {
  const { sandbox, inner } = guarded();
  const order: string[] = [];
  const both = Promise.all([
    sandbox.destroy("first").then(() => order.push("gone")),
    sandbox.destroy("second").then(() => order.push("gone")),
  ]);
  await sandbox.ended;
  order.push("ended");
  inner.resolveGone();
  await both;
  expect(order).toEqual(["ended", "gone", "gone"]);
  expect(await sandbox.ended).toMatchObject({ reason: "destroyed", detail: "first" });
});

test("nothing is done and nothing is heard after the end", async () => {
  const { sandbox, inner } = guarded();
  const heard: unknown[] = [];
  sandbox.execute(CELL, (message) => heard.push(message));
  inner.sink?.(REPLY);
  void sandbox.destroy("over");
  inner.sink?.(REPLY);
  expect(heard).toEqual([REPLY]);

  sandbox.execute(CELL, (message) => heard.push(message));
  expect(sandbox.answerInput({ line: "x" })).toBe(false);
  sandbox.pauseOutput();
  sandbox.resumeOutput();
  sandbox.watchOutput(true, 1);
  sandbox.interrupt();
  await expect(sandbox.ask({ name: "variables", content: {} } as never, 10)).rejects.toMatchObject({
    code: "QUESTION_UNANSWERED",
  });
  await expect(sandbox.mount(["data"])).rejects.toMatchObject({ code: "MOUNT_FAILED" });
  expect(inner.calls).toEqual(["execute", "end"]);
});

test("a kernel that can no longer be reached is not asked for input, and is read to its end", () => {
  const { sandbox, inner } = guarded();
  inner.answers = false;
  expect(sandbox.alive).toBe(false);
  expect(sandbox.answerInput({ line: "x" })).toBe(false);
  sandbox.pauseOutput();
  sandbox.resumeOutput();
  expect(inner.calls).toEqual(["resumeOutput"]);
});
