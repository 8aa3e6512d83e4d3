import { beforeEach, describe, expect, test, vi } from "vitest";
import { loadConfig } from "../config.js";
import { ServiceError } from "../errors.js";
import type { Lease, Pool } from "../pool/pool.js";
import type { SandboxFiles } from "../sandbox/files.js";
import type { KernelMessage } from "../sandbox/guest/channel.js";
import type { MessageSink, Sandbox, SandboxEnd } from "../sandbox/sandbox.js";
import type { Caller } from "./caller.js";
import { InputFiles } from "./inline-files.js";
import { SessionManager } from "./session-manager.js";

/** Runs a cell when the test says so, and takes as long to go as the test wants. */
class FakeSandbox {
  alive = true;
  limits = { memoryBytes: 2 ** 29, cpuCores: 0.5 };
  readonly ran: string[] = [];
  readonly committed: string[][] = [];
  readonly ended: Promise<SandboxEnd>;
  #end!: (end: SandboxEnd) => void;
  #sink: MessageSink = () => undefined;
  #names: string[] = [];

  constructor(readonly id: string) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  execute({ code }: { code: string }, sink: MessageSink) {
    this.ran.push(code);
    this.#sink = sink;
  }

  finish() {
    const content = { status: "ok", execution_count: 1, execution_time: 0 };
    this.#sink({ msg_type: "execute_reply", content } as unknown as KernelMessage);
  }

  async files(): Promise<SandboxFiles> {
    return {
      write: () => ({
        next: (path: string) => this.#names.push(path),
        write: async () => undefined,
        commit: async () => {
          this.committed.push(this.#names);
          return this.#names.map((path) => ({ path, sizeBytes: 1, created: true }));
        },
        abort: () => undefined,
      }),
      rename: async () => undefined,
      remove: async () => undefined,
      makeDirectory: async () => true,
    } as unknown as SandboxFiles;
  }

  ask = vi.fn(async () => ({ answer: "yes" }));
  setLimits = vi.fn();
  mount = vi.fn();
  watchOutput = vi.fn();
  resumeOutput = vi.fn();
  newEvents = () => ({ oomKills: 0, processesRefused: 0 });
  beginMeasuring = () => 0;
  cpuSeconds = () => 0;
  endMeasuring = () => ({ cpuSeconds: 0, memoryPeakBytes: 0 });

  async destroy() {
    this.alive = false;
    this.#end({ reason: "killed", detail: "it was destroyed" } as unknown as SandboxEnd);
  }
}

let made: FakeSandbox[];
let leased: number;
let mostLeased: number;
/** Sandboxes that are to go wait here, if the test holds them. */
let going: (() => void)[] | undefined;
let giving: (() => void)[] | undefined;
const pool = {
  status: () => ({}),
  async acquire(): Promise<Lease> {
    if (giving) await new Promise<void>((resolve) => giving?.push(resolve));
    const sandbox = new FakeSandbox(String(made.length));
    made.push(sandbox);
    mostLeased = Math.max(mostLeased, ++leased);
    let released: Promise<void> | undefined;
    const release = async () => {
      await sandbox.destroy();
      if (going) await new Promise<void>((resolve) => going?.push(resolve));
      leased--;
    };
    return {
      sandbox: sandbox as unknown as Sandbox,
      release: () => {
        released ??= release();
        return released;
      },
    };
  },
} as unknown as Pool;

class FakeCaller implements Caller {
  isRevoked = false;
  isSpent = false;
  constructor(
    readonly id: string,
    readonly sessionsMax: number | undefined = undefined,
  ) {}

  assertAlive() {
    if (this.isRevoked) throw new ServiceError("UNAUTHENTICATED");
  }

  admitRun() {
    this.assertAlive();
    if (this.isSpent) throw new ServiceError("QUOTA_EXCEEDED");
  }

  admitSession(live: number) {
    this.assertAlive();
    if (this.sessionsMax !== undefined && live >= this.sessionsMax) {
      throw new ServiceError("QUOTA_EXCEEDED");
    }
  }
}

const code = (text: string) => ({
  ...{ code: text, timeoutMs: 10_000, outputBytesMax: 1000, allowInput: false },
});
const refused = (name: string) => expect.objectContaining({ code: name });
const tick = () => new Promise((resolve) => setImmediate(resolve));

let caller: FakeCaller;
let sessions: SessionManager;
let isRecording: boolean;
const observer = {
  assertRecording: () => {
    if (!isRecording) throw new ServiceError("AUDIT_UNAVAILABLE");
  },
  onCreated: vi.fn(),
  onEnded: vi.fn(),
  onCpuUsed: vi.fn(),
};

beforeEach(() => {
  [made, leased, mostLeased, going, giving] = [[], 0, 0, undefined, undefined];
  isRecording = true;
  caller = new FakeCaller("o");
  sessions = new SessionManager(pool, loadConfig({}, "/nonexistent"), observer);
});

/** As a revocation does it: refused first, then ended. */
async function revoke(): Promise<void> {
  caller.isRevoked = true;
  await sessions.endOwner(caller.id, "its key was revoked");
}

describe("whoever was revoked", () => {
  test("opens, starts, reads and changes nothing", async () => {
    await sessions.create({ owner: caller, id: "s" });
    caller.isRevoked = true;
    const no = refused("UNAUTHENTICATED");
    const nothing = async () => undefined;
    expect(() => sessions.start(caller, "s", code("1"), {})).toThrow(no);
    expect(() => sessions.start(caller, "new", code("1"), {})).toThrow(no);
    expect(() => sessions.start(caller, undefined, code("1"), {})).toThrow(no);
    expect(() => sessions.obtain(caller, "s")).toThrow(no);
    for (const one of ["s", "new", undefined]) {
      await expect(sessions.withSession(caller, one, nothing)).rejects.toEqual(no);
    }
    await expect(sessions.create({ owner: caller, id: "new" })).rejects.toEqual(no);
    await expect(sessions.readFiles(caller, "s", nothing)).rejects.toEqual(no);
    await expect(sessions.changeFiles(caller, "s", vi.fn(), nothing)).rejects.toEqual(no);
    await expect(sessions.addFiles(caller, "new", vi.fn(), nothing)).rejects.toEqual(no);
    await expect(sessions.reset(caller, "s")).rejects.toEqual(no);
    await expect(sessions.delete(caller, "s", "")).rejects.toEqual(no);
    for (const work of [
      () => sessions.list(caller),
      () => sessions.describe(caller, "s"),
      () => sessions.install(caller, "s", ["attrs"], AbortSignal.abort()),
      () => sessions.keepAlive(caller, "s", undefined),
      () => sessions.interrupt(caller, "s"),
      () => sessions.answerInput(caller, "s", { line: "" }),
      () => sessions.executions(caller, "s"),
      () => sessions.executionOf(caller, "s", 1),
    ]) {
      expect(work).toThrow(no);
    }
    expect(sessions.count(caller.id)).toBe(1);
    expect(made.flatMap(({ ran }) => ran)).toEqual([]);
  });

  test("has no session that was still getting its sandbox", async () => {
    giving = [];
    const created = sessions.create({ owner: caller, id: "s" });
    await tick();
    const revoked = revoke();
    giving[0]?.();
    await expect(created).rejects.toEqual(refused("UNAUTHENTICATED"));
    await revoked;
    expect(sessions.count(caller.id)).toBe(0);
    await vi.waitFor(() => expect(leased).toBe(0));
  });

  test("gets nothing run in a session that was only held meanwhile", async () => {
    const held = sessions.withSession(caller, "s", async (session) => {
      await session.warm();
      await revoke();
      expect(() => session.start(code("1"), {})).toThrow(refused("UNAUTHENTICATED"));
      const question = { name: "variables", content: { limit: 1 } } as const;
      expect(() => session.ask(question, 1000)).toThrow(refused("UNAUTHENTICATED"));
      session.refuseWhenClosed();
    });
    await expect(held).rejects.toEqual(refused("SESSION_NOT_FOUND"));
    expect(made[0]?.ran).toEqual([]);
  });

  test("commits no file that was on its way", async () => {
    const told = vi.fn();
    const added = sessions.addFiles(caller, "s", told, async (files) => {
      const writer = files.write();
      writer.next("a");
      // Only the flag, so that it is the commit itself that asks.
      caller.isRevoked = true;
      return writer.commit();
    });
    await expect(added).rejects.toEqual(refused("UNAUTHENTICATED"));
    expect(made[0]?.committed).toEqual([]);
    expect(told).not.toHaveBeenCalled();
  });
});

describe("a run that waited", () => {
  test("asks again when it begins, and the next one too", async () => {
    const [first, second, third] = ["1", "2", "3"].map((text) =>
      sessions.start(caller, "s", code(text), {}),
    );
    await tick();
    expect(made[0]?.ran).toEqual(["1"]);
    caller.isSpent = true;
    const outcomes = [second, third].map((one) =>
      expect(one?.outcome).rejects.toEqual(refused("QUOTA_EXCEEDED")),
    );
    made[0]?.finish();
    await first?.outcome;
    await Promise.all(outcomes);
    expect(made[0]?.ran).toEqual(["1"]);
    caller.isSpent = false;
    isRecording = false;
    expect(() => sessions.start(caller, "s", code("4"), {})).toThrow(refused("AUDIT_UNAVAILABLE"));
  });

  test("is refused when the session it was looked at in has ended, though another has its name", async () => {
    const looked = await sessions.withSession(caller, "s", async (session) => {
      await session.warm();
      return session;
    });
    await sessions.delete(caller, "s", "it was deleted");
    await sessions.create({ owner: caller, id: "s" });
    const start = () => sessions.start(caller, looked, code("1"), {});
    expect(start).toThrow(refused("SESSION_NOT_FOUND"));
    expect(made.flatMap(({ ran }) => ran)).toEqual([]);
  });

  test("leaves no session behind that it would have made", () => {
    caller.isSpent = true;
    expect(() => sessions.start(caller, "s", code("1"), {})).toThrow(refused("QUOTA_EXCEEDED"));
    expect(() => sessions.start(caller, undefined, code("1"), {})).toThrow(
      refused("QUOTA_EXCEEDED"),
    );
    expect(sessions.count(caller.id)).toBe(0);
  });
});

describe("the quota of sessions", () => {
  beforeEach(() => {
    caller = new FakeCaller("o", 1);
  });

  test("is asked where a session begins, whatever was admitted before", async () => {
    const looked = await sessions.withSession(caller, "a", async (session) => {
      await session.warm();
      await sessions.delete(caller, "a", "it was deleted");
      await sessions.create({ owner: caller, id: "b" });
      return session;
    });
    const no = refused("QUOTA_EXCEEDED");
    expect(() => sessions.start(caller, "a", code("1"), {})).toThrow(no);
    expect(() => sessions.start(caller, undefined, code("1"), {})).toThrow(no);
    expect(() => sessions.start(caller, looked, code("1"), {})).toThrow(
      refused("SESSION_NOT_FOUND"),
    );
    await expect(sessions.addFiles(caller, "a", vi.fn(), async () => undefined)).rejects.toEqual(
      no,
    );
    expect(sessions.count(caller.id)).toBe(1);
  });

  test("counts a sandbox until it is gone, and who comes next waits for that", async () => {
    going = [];
    for (const text of ["1", "2", "3"]) {
      const { outcome } = sessions.start(caller, undefined, code(text), {});
      await tick();
      if (text !== "1") {
        expect(made.at(-1)?.ran).not.toContain(text);
        going.shift()?.();
      }
      await vi.waitFor(() => expect(made.at(-1)?.ran).toEqual([text]));
      made.at(-1)?.finish();
      await outcome;
      await tick();
    }
    expect(mostLeased).toBe(1);
    going.shift()?.();
    await vi.waitFor(() => expect(leased).toBe(0));
  });

  test("gives a place back that was waited for in vain", async () => {
    const short = loadConfig({ ACQUIRE_TIMEOUT: "0.02" }, "/nonexistent");
    sessions = new SessionManager(pool, short, observer);
    going = [];
    const { outcome } = sessions.start(caller, undefined, code("1"), {});
    await tick();
    made[0]?.finish();
    await outcome;
    const late = sessions.start(caller, undefined, code("2"), {});
    await expect(late.outcome).rejects.toEqual(refused("POOL_EXHAUSTED"));
    going.shift()?.();
    await tick();
    going = undefined;
    await sessions.create({ owner: caller, id: "s" });
    expect(leased).toBe(1);
  });
});

test("every file that a caller changes is told once it is changed, those of an execution too", async () => {
  const told = vi.fn();
  const inputs = new InputFiles([{ path: "in", content: Buffer.from("x") }], told);
  const run = sessions.start(caller, "s", { ...code("1"), inputs }, {});
  await vi.waitFor(() => expect(made[0]?.ran).toEqual(["1"]));
  expect(told.mock.calls).toEqual([[{ change: "created", path: "in", bytes: 1 }]]);
  made[0]?.finish();
  await run.outcome;
  await sessions.changeFiles(caller, "s", told, async (files) => {
    await files?.rename("in", "out", false);
    await files?.remove("out", false);
    await files?.makeDirectory("folder");
  });
  expect(told.mock.calls.slice(1)).toEqual([
    [{ change: "renamed", path: "in", to: "out" }],
    [{ change: "deleted", path: "out" }],
    [{ change: "folder_made", path: "folder" }],
  ]);
});
