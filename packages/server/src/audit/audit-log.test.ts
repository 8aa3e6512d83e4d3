import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { ConfigError } from "../config.js";
import { AuditLog, type AuditLogOptions } from "./audit-log.js";
import { listAuditFiles } from "./files.js";
import { type Verdict, verifyChain } from "./verify.js";

const root = mkdtempSync(join(tmpdir(), "audit-log-"));
afterAll(() => rmSync(root, { recursive: true }));
let directory = "";
let count = 0;
const onFailing = vi.fn();
const onLost = vi.fn();
beforeEach(() => {
  directory = join(root, String(++count));
  onFailing.mockClear();
  onLost.mockClear();
});

function open(options: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  return AuditLog.open({
    ...{ directory, fileBytesMax: 2 ** 20, filesKept: 3, required: false, onFailing, onLost },
    ...options,
  });
}

async function verify(): Promise<Verdict> {
  return verifyChain(await listAuditFiles(directory), { complete: true });
}

function lines(): Record<string, unknown>[] {
  return readdirSync(directory)
    .sort()
    .flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function newestPath(): string {
  return join(directory, readdirSync(directory).sort().at(-1) ?? "");
}

test("records are lines of JSON in a file that only its owner reads", async () => {
  const log = await open();
  log.record("execution", { principal: "admin", session: "a\nb", status: "ok" });
  log.record("session_ended", { reason: "it was deleted" });
  await log.stop();
  expect(lines()).toMatchObject([
    { seq: 1, event: "execution", session: "a\nb", prev: "0".repeat(64) },
    { seq: 2, event: "session_ended", prev: lines()[0]?.["hash"] },
  ]);
  expect(statSync(newestPath()).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test("records are on the disk within moments, without a stop", async () => {
  const log = await open();
  log.record("execution", {});
  await vi.waitFor(() => expect(lines()).toHaveLength(1), { timeout: 5000 });
  for (let i = 0; i < 5000; i++) log.record("execution", { filler: "x".repeat(100) });
  await vi.waitFor(() => expect(lines()).toHaveLength(5001), { timeout: 5000 });
  await log.stop();
  expect((await verify()).break).toBeUndefined();
});

test("files follow each other by size, and the oldest go", async () => {
  const log = await open({ fileBytesMax: 20_000 });
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < 20; j++) log.record("execution", { filler: "x".repeat(300) });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await log.stop();
  const again = await open({ fileBytesMax: 20_000 });
  again.record("server_started", {});
  await again.stop();
  expect(readdirSync(directory).length).toBe(3);
  const verdict = await verify();
  expect(verdict.break).toBeUndefined();
  expect(verdict.last?.seq).toBeGreaterThan(1200);
  expect(onFailing).not.toHaveBeenCalled();
});

test("a last line that a crash has torn is cut off, said in a record, and the chain goes on", async () => {
  const log = await open();
  for (let i = 0; i < 10; i++) log.record("execution", { i });
  await log.stop();
  const good = readFileSync(newestPath(), "utf8");
  const lineStart = good.lastIndexOf("\n", good.length - 2) + 1;
  for (const end of [good.length - 1, good.length - 30, lineStart + 1]) {
    writeFileSync(newestPath(), good.slice(0, end));
    expect((await verify()).break?.kind).toBe("torn");
    const next = await open();
    next.record("execution", {});
    await next.stop();
    const verdict = await verify();
    expect(verdict).toMatchObject({ records: 11, recoveries: 1, break: undefined });
    expect(lines()[9]).toMatchObject({ event: "recovered", torn_bytes: end - lineStart });
  }
});

test("a crash right after a new file was begun leaves nothing that matters", async () => {
  const first = await open();
  for (let i = 0; i < 10; i++) first.record("execution", { i });
  await first.stop();
  for (const content of ["", '{"seq":11,"ti']) {
    writeFileSync(join(directory, "audit-000000000011.jsonl"), content);
    const next = await open();
    next.record("execution", {});
    await next.stop();
    expect((await verify()).break).toBeUndefined();
    rmSync(join(directory, "audit-000000000011.jsonl"));
  }
});

test("an end that no crash leaves stops the start, and is kept as it is", async () => {
  const log = await open();
  for (let i = 0; i < 10; i++) log.record("execution", { i });
  await log.stop();
  const good = readFileSync(newestPath(), "utf8");
  for (const damaged of [
    good.replace('"i":9', '"i":8'),
    `${good}{}\n`,
    "\n",
    "x".repeat(100_000),
  ]) {
    writeFileSync(newestPath(), damaged);
    await expect(open()).rejects.toThrow(ConfigError);
    expect(readFileSync(newestPath(), "utf8")).toBe(damaged);
  }
});

test("while the disk fails records wait; what does not fit is counted, and said later", async () => {
  const log = await open({ fileBytesMax: 1, filesKept: 100, queueBytesMax: 20_000 });
  log.record("execution", {});
  await vi.waitFor(() => expect(lines()).toHaveLength(1), { timeout: 5000 });
  // The next file cannot be made where there is no directory.
  renameSync(directory, `${directory}-away`);
  for (let i = 0; i < 200; i++) log.record("execution", { filler: "x".repeat(500) });
  await vi.waitFor(() => expect(onFailing).toHaveBeenCalledOnce(), { timeout: 5000 });
  for (let i = 0; i < 200; i++) log.record("execution", { filler: "x".repeat(500) });
  expect(log.available).toBe(true);
  renameSync(`${directory}-away`, directory);
  await vi.waitFor(() => expect(lines().length).toBeGreaterThan(10), { timeout: 10_000 });
  log.record("execution", {});
  await log.stop();
  const verdict = await verify();
  expect(verdict.break).toBeUndefined();
  const events = lines().filter(({ event }) => event === "execution").length;
  expect(events + verdict.lost).toBe(402);
  expect(verdict.lost).toBeGreaterThan(100);
  const told = onLost.mock.calls.flat().reduce((sum: number, one: number) => sum + one, 0);
  expect(told).toBe(verdict.lost);
});

test("a log that is required says when it cannot be written, and when it can again", async () => {
  const log = await open({ fileBytesMax: 1, required: true });
  log.record("execution", {});
  await vi.waitFor(() => expect(lines()).toHaveLength(1), { timeout: 5000 });
  expect(log.available).toBe(true);
  renameSync(directory, `${directory}-away`);
  log.record("execution", {});
  await vi.waitFor(() => expect(log.available).toBe(false), { timeout: 5000 });
  renameSync(`${directory}-away`, directory);
  await vi.waitFor(() => expect(log.available).toBe(true), { timeout: 10_000 });
  await log.stop();
  expect((await verify()).records).toBeGreaterThanOrEqual(2);
});

test("a stop on a failing disk ends, and counts what is lost", async () => {
  const log = await open();
  log.record("execution", {});
  log.record("execution", {});
  rmSync(directory, { recursive: true });
  await log.stop();
  expect(onFailing).toHaveBeenCalled();
  expect(onLost).toHaveBeenCalledWith(2);
});
