import { beforeEach, describe, expect, test, vi } from "vitest";
import { BUILT_IN_ADMIN, type Principal } from "../access/principal.js";
import type { Audit } from "../audit/audit.js";
import { loadConfig } from "../config.js";
import { ServiceError } from "../errors.js";
import { Conversations } from "../generate/chat/conversations.js";
import { startGenerator } from "../generate/start.js";
import { EventLog } from "../sessions/event-log.js";
import type { ExecutionRequest } from "../sessions/execution-request.js";
import type { ExecutionHandle, Sessions } from "../sessions/interface.js";
import type { ExecutionOutcome } from "../sessions/outcome.js";
import type { AskedExecution } from "./code-execution.js";
import { Desk } from "./desk.js";
import type { Visit } from "./visit.js";

const config = loadConfig({ MAX_CODE_SIZE: "1000", WHEEL_DIR: "/tmp" }, "/nonexistent");
const generator = await startGenerator(config, vi.fn());

const outcome: ExecutionOutcome = {
  ...{ status: "ok", exitCode: 0, outputs: [], stdout: "", stderr: "", truncated: false },
  ...{ error: null, executionTime: 0, executionCount: 1, filesCreated: [], filesModified: [] },
  ...{ cpuSeconds: 1, sandboxCpuSeconds: 1, memoryPeakBytes: 2, wallSeconds: 3 },
  ...{ outputBytes: 0, spent: false },
};

/** An execution that no class of the sessions stands behind. It ends when the test says so. */
class FakeExecution implements ExecutionHandle {
  readonly id = 1;
  readonly sessionId = "s";
  readonly state = "running";
  readonly status = null;
  readonly createdAt = 0;
  readonly startedAt = 0;
  readonly finishedAt = null;
  readonly isDropped = false;
  readonly outcomeIfDone = undefined;
  readonly events = new EventLog(() => undefined);
  readonly outcome: Promise<ExecutionOutcome>;
  readonly cancel = () => false;
  readonly abandon = vi.fn();
  end!: (how: ExecutionOutcome) => void;
  fail!: (why: unknown) => void;

  constructor(readonly request: ExecutionRequest) {
    this.outcome = new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
  }
}

const refused = (code: string) => expect.objectContaining({ code });

let started: FakeExecution[];
let begun: string[];
let refusal: ServiceError | undefined;
let records: { event: string; fields: object; code: string | undefined }[];
let isRecording: boolean;
let gone: (() => void)[];
let principal: Principal;
let visit: Visit;
let desk: Desk;

/** A double of all sessions; what a test does not use is not there. */
function fakeSessions(): Sessions {
  const acts = (what: string) => {
    begun.push(what);
    if (refusal) throw refusal;
  };
  const double: Partial<Sessions> = {
    has: () => false,
    count: () => 0,
    describe: () => ({}) as never,
    start: (_caller, _where, request) => {
      acts("start");
      const execution = new FakeExecution(request);
      started.push(execution);
      return execution;
    },
    obtain: () => ({ id: "s" }) as never,
    withSession: async () => acts("withSession") as never,
    install: async () => {
      acts("install");
      return { ...outcome, stdout: '{"ok": true, "installed": [], "output": ""}' };
    },
    create: async () => acts("create") as never,
    addFiles: async () => acts("addFiles") as never,
    changeFiles: async () => acts("changeFiles") as never,
  };
  return double as Sessions;
}

const audit: Audit = {
  enabled: true,
  get available() {
    return isRecording;
  },
  record: (event, fields, code) => records.push({ event, fields, code }),
  stop: async () => undefined,
};

beforeEach(() => {
  [started, begun, records, gone] = [[], [], [], []];
  refusal = undefined;
  isRecording = true;
  principal = BUILT_IN_ADMIN;
  visit = {
    get principal() {
      return principal;
    },
    ...{ client: "192.0.2.1", requestId: "r" },
    onGone: (listener) => gone.push(listener),
  };
  const conversations = new Conversations();
  desk = new Desk({ config, sessions: fakeSessions(), audit, generator, conversations });
});

const asked: AskedExecution = {
  ...{ sessionId: "s", code: "1 + 1", timeout: 1, limits: {}, followed: false, goesOn: false },
  ...{
    stdin: undefined,
    allowInput: undefined,
    files: undefined,
    includeFiles: undefined,
    remarksOn: undefined,
  },
};

async function begin(more: Partial<AskedExecution> = {}) {
  const answer = await desk.execute(visit, { ...asked, ...more });
  if ("rejected" in answer) throw new Error("it was not reviewed");
  return { ...answer, fake: started.at(-1) as FakeExecution };
}

const notebook = {
  ...{ nbformat: 4, nbformat_minor: 5, metadata: {} },
  cells: [{ cell_type: "code", metadata: {}, source: "2", outputs: [], execution_count: null }],
};
const session = () => desk.session(visit, "s");
const runNotebook = async () =>
  session()
    .runNotebook({ notebook, onError: "stop", timeout: undefined, follow: undefined })
    .toEnd();

describe("code that runs", () => {
  test("has its record before who waits for it goes on", async () => {
    const { outcome: waited, fake } = await begin();
    const seen = waited.then(() => records.length);
    expect(records).toEqual([]);
    fake.end(outcome);
    expect(await seen).toBe(1);
    expect(records[0]).toEqual({
      event: "execution",
      fields: {
        ...{ principal: "admin", name: "admin", client: "192.0.2.1", request_id: "r" },
        ...{ session: "s", status: "ok", exit_code: 0, cpu_time: 1, wall_time: 3 },
        memory_peak_bytes: 2,
      },
      code: "1 + 1",
    });
  });

  test("and cannot go on has its record as well, once", async () => {
    const { outcome: waited, fake } = await begin();
    fake.fail(new ServiceError("SESSION_NOT_FOUND"));
    await expect(waited).rejects.toEqual(refused("SESSION_NOT_FOUND"));
    expect(records.map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ status: "not_run", error: "SESSION_NOT_FOUND" }),
    ]);
  });

  test("is abandoned when its visitor goes, unless it is to go on", async () => {
    const { fake } = await begin();
    for (const listener of gone) listener();
    expect(fake.abandon).toHaveBeenCalledOnce();
    gone = [];
    const { fake: goingOn } = await begin({ goesOn: true });
    expect(gone).toEqual([]);
    expect(goingOn.abandon).not.toHaveBeenCalled();
  });

  test("of a notebook is recorded cell by cell, and abandoned like any other", async () => {
    const ending = runNotebook();
    for (const listener of gone) listener();
    expect(started[0]?.abandon).toHaveBeenCalledOnce();
    started[0]?.end(outcome);
    expect((await ending).status).toBe("ok");
    expect(records.map(({ code }) => code)).toEqual(["2"]);
  });
});

const running: [string, () => Promise<unknown>][] = [
  ["execute", () => begin()],
  ["runNotebook", runNotebook],
  ["install", () => session().install(["attrs"])],
];
const changing: [string, () => Promise<unknown>][] = [
  ["create", () => desk.create(visit, { limits: {} } as never)],
  ["addFiles", () => session().addFiles(async () => undefined)],
  ["changeFiles", () => session().changeFiles(async () => undefined)],
];

test.each([...running, ...changing])("%s does nothing that cannot be recorded", async (_, act) => {
  isRecording = false;
  await expect(act()).rejects.toEqual(refused("AUDIT_UNAVAILABLE"));
  expect(begun).toEqual([]);
});

test.each(running)("%s runs nothing for whoever has used up the quota", async (_, act) => {
  const admitRun = () => {
    throw new ServiceError("QUOTA_EXCEEDED");
  };
  principal = { ...BUILT_IN_ADMIN, admitRun };
  await expect(act()).rejects.toEqual(refused("QUOTA_EXCEEDED"));
  expect(begun).toEqual([]);
});

test.each(running)("%s has a record of what sessions refuse", async (_, act) => {
  refusal = new ServiceError("SESSION_BUSY");
  await expect(act()).rejects.toEqual(refused("SESSION_BUSY"));
  expect(records.map(({ event, fields }) => [event, fields])).toEqual([
    ["execution", expect.objectContaining({ status: "not_run", error: "SESSION_BUSY" })],
  ]);
});

test("what is wrong with a request is told before anybody is asked", async () => {
  isRecording = false;
  const long = "1".repeat(1001);
  await expect(begin({ code: long })).rejects.toEqual(refused("CODE_TOO_LARGE"));
  await expect(begin({ timeout: 1e6 })).rejects.toEqual(refused("INVALID_REQUEST"));
  await expect(begin({ limits: { cpuCores: 1e6 } })).rejects.toEqual(refused("INVALID_REQUEST"));
  await expect(begin({ sessionId: undefined, goesOn: true })).rejects.toEqual(
    refused("INVALID_REQUEST"),
  );
  const question = { name: "is_complete", content: { code: long } } as const;
  await expect(session().ask(question)).rejects.toEqual(refused("CODE_TOO_LARGE"));
  expect(begun).toEqual([]);
});

describe("a batch", () => {
  const item = { code: "1", stdin: undefined, timeout: 1, limits: {}, files: undefined };
  const items = Array.from({ length: 5 }, () => ({ ...item, includeFiles: undefined }));
  const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

  test("begins the next item when one has ended and was told, and leaves with its visitor", async () => {
    const told: [number, string][] = [];
    const running = desk.executeBatch(
      visit,
      { items, concurrency: 2, stopsOnError: false },
      (index, { kind }) => void told.push([index, kind]),
    );
    await turn();
    expect(started).toHaveLength(2);
    started[1]?.end(outcome);
    await turn();
    expect([started.length, told]).toEqual([3, [[1, "ran"]]]);
    for (const listener of gone) listener();
    expect(started[0]?.abandon).toHaveBeenCalledOnce();
    for (const one of started) one.end(outcome);
    await running;
    expect(started).toHaveLength(3);
    expect(told.slice(-2).map(([, kind]) => kind)).toEqual(["skipped", "skipped"]);
  });

  test("that cannot be told ends, and what runs with it", async () => {
    const fails = () => {
      throw new Error("a fault of ours");
    };
    const running = desk.executeBatch(visit, { items, concurrency: 2, stopsOnError: false }, fails);
    await turn();
    started[0]?.end(outcome);
    await expect(running).rejects.toThrow("a fault of ours");
    expect(started[1]?.abandon).toHaveBeenCalledOnce();
    expect(started).toHaveLength(2);
  });

  test("runs sixteen items of a key at a time, however many batches it sends", async () => {
    const many = Array.from({ length: 16 }, () => items[0] ?? never());
    const batch = { items: many, concurrency: 16, stopsOnError: false };
    const running = [1, 2].map(() => desk.executeBatch(visit, batch, () => undefined));
    await turn();
    expect(started).toHaveLength(16);
    for (let ended = 0; ended < 32; ended++) {
      started[ended]?.end(outcome);
      await turn();
    }
    await Promise.all(running);
    expect(started).toHaveLength(32);
  });
});

function never(): never {
  throw new Error("there is an item");
}
