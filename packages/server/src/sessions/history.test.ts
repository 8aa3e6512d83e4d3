import { expect, test } from "vitest";
import { Execution } from "./execution.js";
import { History, HistoryBudget } from "./history.js";
import type { ExecutionOutcome } from "./outcome.js";

const MIB = 2 ** 20;

function outcomeOf(outputBytes: number): ExecutionOutcome {
  return {
    ...{ status: "ok", exitCode: 0, outputs: [], stdout: "", stderr: "", truncated: false },
    ...{ error: null, executionTime: 0, executionCount: 1, filesCreated: [], filesModified: [] },
    ...{ cpuSeconds: 0, sandboxCpuSeconds: 0, memoryPeakBytes: 0, wallSeconds: 0, spent: false },
    outputBytes,
  };
}

/** An execution that is done, with outputs of so many bytes. */
function ran(history: History, outputBytes = 0, code = "1"): Execution {
  const execution = waiting(history, code);
  execution.succeeded(outcomeOf(outputBytes));
  history.finished(execution);
  return execution;
}

function waiting(history: History, code = "1"): Execution {
  const id = history.nextId();
  const request = { code, timeoutMs: 1, outputBytesMax: 1, allowInput: false };
  const execution = new Execution({
    ...{ id, sessionId: "s", request, queuedBefore: 0, followed: false },
  });
  history.add(id, execution);
  return execution;
}

const kept = (history: History) => history.list().filter((one) => !one.isDropped);

test("keeps the last hundred executions, and numbers go on", () => {
  const history = new History(new HistoryBudget(MIB), "ada");
  for (let n = 0; n < 150; n++) ran(history);
  expect(history.list().map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, n) => n + 51));
  expect(() => history.get(50)).toThrow(expect.objectContaining({ code: "EXECUTION_NOT_FOUND" }));
  expect(history.get(51).state).toBe("done");
});

test("does not drop what waits or runs, however many come after", () => {
  const history = new History(new HistoryBudget(MIB), "ada");
  const first = waiting(history);
  for (let n = 0; n < 150; n++) ran(history);
  expect(history.get(1)).toBe(first);
  expect(history.list()).toHaveLength(100);
});

test("drops the oldest outputs of a session beyond 8 MiB, and the entry stays", async () => {
  const history = new History(new HistoryBudget(1000 * MIB), "ada");
  const runs = Array.from({ length: 10 }, () => ran(history, MIB / 2));
  expect(kept(history).length).toBe(7);
  expect(runs[0]?.isDropped).toBe(true);
  expect(runs[0]?.outcomeIfDone).toBeUndefined();
  expect(runs[0]?.status).toBe("ok");
  await expect(runs[0]?.outcome).rejects.toMatchObject({ code: "EXECUTION_NOT_FOUND" });
  expect(runs[9]?.isDropped).toBe(false);
});

test("keeps the beginning of a dropped execution's code only", () => {
  const history = new History(new HistoryBudget(0), "ada");
  expect(ran(history, 0, "x".repeat(5000)).request.code).toBe("x".repeat(200));
});

test("counts code and events as well", () => {
  const history = new History(new HistoryBudget(1000 * MIB), "ada");
  for (let n = 0; n < 20; n++) ran(history, 0, "x".repeat(MIB));
  expect(kept(history).length).toBe(7);
});

test("drops the oldest outputs of all sessions together", () => {
  const budget = new HistoryBudget(4 * MIB);
  const [one, other] = [new History(budget, "ada"), new History(budget, "ada")];
  ran(one, MIB / 2);
  ran(other, MIB / 2);
  ran(one, MIB / 2);
  expect([kept(one).length, kept(other).length]).toEqual([2, 1]);
  ran(other, MIB / 2);
  expect([kept(one).length, kept(other).length]).toEqual([1, 2]);
  expect(budget.bytes).toBeLessThan(4 * MIB);
});

test("of one owner push nobody else's out, however many sessions they are of", () => {
  const budget = new HistoryBudget(10 * MIB);
  const other = new History(budget, "bob");
  const small = ran(other, 4000);
  const large = Array.from({ length: 20 }, () => new History(budget, "ada"));
  const runs = large.map((history) => ran(history, MIB / 2));
  expect(small.isDropped).toBe(false);
  expect(runs.filter((run) => !run.isDropped).length).toBe(9);
  expect(runs[0]?.isDropped).toBe(true);
  for (let n = 0; n < 8; n++) ran(other, MIB / 2);
  expect([kept(other).length, runs.filter((run) => !run.isDropped).length]).toEqual([4, 5]);
});

test("of a session that has ended holds nothing, what ends after it included", () => {
  const budget = new HistoryBudget(100 * MIB);
  const history = new History(budget, "ada");
  ran(history, MIB);
  const late = waiting(history);
  history.close();
  expect(budget.bytes).toBe(0);
  late.succeeded(outcomeOf(MIB));
  history.finished(late);
  expect(budget.bytes).toBe(0);
});

test("forgets what a dropped entry held", () => {
  const budget = new HistoryBudget(100 * MIB);
  const history = new History(budget, "ada");
  for (let n = 0; n < 300; n++) ran(history);
  expect(budget.bytes).toBeLessThan(150_000);
});
