import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Audit, AuditFields } from "./audit.js";
import { AuthFailures } from "./auth-failures.js";

const records: AuditFields[] = [];
const audit: Audit = {
  enabled: true,
  available: true,
  record: (_event, fields) => records.push(fields),
  stop: () => Promise.resolve(),
};

beforeEach(() => {
  vi.useFakeTimers();
  records.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

test("the first refusal is recorded at once, a flood of others once a minute", () => {
  const failures = new AuthFailures(audit);
  failures.note("192.0.2.1");
  expect(records).toEqual([{ count: 1, clients: [{ client: "192.0.2.1", count: 1 }] }]);
  for (let i = 0; i < 100_000; i++) failures.note(`192.0.2.${i % 4}`);
  expect(records).toHaveLength(1);
  vi.advanceTimersByTime(60_000);
  expect(records).toHaveLength(2);
  expect(records[1]).toMatchObject({ count: 100_000 });
  vi.advanceTimersByTime(600_000);
  expect(records).toHaveLength(2);
  failures.note("192.0.2.9");
  expect(records).toHaveLength(3);
  failures.stop();
});

test("a flood from many addresses names the busiest and stays small", () => {
  const failures = new AuthFailures(audit);
  failures.note("first");
  for (let i = 0; i < 50; i++) failures.note("busy");
  for (let i = 0; i < 100_000; i++) failures.note(`2001:db8::${i.toString(16)}`);
  failures.stop();
  expect(records).toHaveLength(2);
  expect(records[1]).toMatchObject({ count: 100_050 });
  expect(records[1]).toHaveProperty(["clients", 0], { client: "busy", count: 50 });
  expect(JSON.stringify(records[1]).length).toBeLessThan(1000);
});

test("a stop tells what is not told yet, once", () => {
  const failures = new AuthFailures(audit);
  failures.note("a");
  failures.note("a");
  failures.stop();
  vi.advanceTimersByTime(600_000);
  expect(records.map(({ count }) => count)).toEqual([1, 1]);
});
