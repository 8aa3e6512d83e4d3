import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { loadConfig } from "../config.js";
import { ServiceError } from "../errors.js";
import { Pool } from "../pool/pool.js";
import type { PanicCount, SandboxDriver } from "../sandbox/sandbox.js";
import type { Verification } from "../sandbox/verification.js";
import { SessionManager } from "../sessions/session-manager.js";
import { PanicLatch } from "./panic-latch.js";
import { Security } from "./security.js";

const directory = mkdtempSync(join(tmpdir(), "security-"));
afterAll(() => rmSync(directory, { recursive: true }));

const NOTHING: PanicCount = {
  sandboxes: 0,
  processes: 0,
  frozenMs: 0,
  goneMs: 0,
  remaining: { sandboxes: 0, processes: 0 },
  problem: null,
};
const GOOD: Verification = {
  sandbox: "0123456789abcdef",
  protections: [{ name: "inside.everything", verified: true, detail: "it holds" }],
};

const admin = { assertAdmin: () => undefined };

let security: Security;
let pool: Pool;
/** Lets verifications that wait go on. */
let verified: (verification: Verification) => void;

beforeEach(() => {
  const verification = new Promise<Verification>((resolve) => {
    verified = resolve;
  });
  const driver: SandboxDriver = {
    name: "without sandboxes",
    start: async () => undefined,
    stop: async () => undefined,
    create: () => Promise.reject(new Error("no sandbox is needed here")),
    panic: async () => NOTHING,
    verify: () => verification,
  };
  pool = new Pool(driver, {
    size: 0,
    leasesMax: 1,
    acquireTimeoutMs: 10,
    startsMax: 1,
    onStartFailed: () => undefined,
    onFaulty: () => undefined,
  });
  const observer = {
    assertRecording: vi.fn(),
    onCreated: vi.fn(),
    onEnded: vi.fn(),
    onCpuUsed: vi.fn(),
  };
  const sessions = new SessionManager(pool, loadConfig({}, "/nonexistent"), observer);
  rmSync(join(directory, "panic.json"), { force: true });
  const latch = new PanicLatch(join(directory, "panic.json"));
  security = new Security({ driver, pool, sessions, latch });
});

test("a panic that comes while a resume verifies a sandbox holds", async () => {
  await security.panic(admin, "the first");
  const resumed = security.resume(admin);
  const second = security.panic(admin, "the second");
  verified(GOOD);
  await expect(resumed).rejects.toMatchObject({ code: "PANICKED" });
  await second;
  expect(security.panicked?.reason).toBe("the second");
  await expect(pool.acquire()).rejects.toMatchObject({ code: "PANICKED" });
});

test("two resumes at a time both succeed", async () => {
  await security.panic(admin, "the first");
  const resumed = [security.resume(admin), security.resume(admin)];
  verified(GOOD);
  for (const note of await Promise.all(resumed)) expect(note?.reason).toBe("the first");
  expect(security.panicked).toBeNull();
});

test("what is not verified is not resumed", async () => {
  await security.panic(admin, "the first");
  verified({ ...GOOD, protections: [{ name: "inside.x", verified: false, detail: "it is open" }] });
  await expect(security.resume(admin)).rejects.toMatchObject({ code: "ISOLATION_UNAVAILABLE" });
  expect(security.panicked?.reason).toBe("the first");
});

test("an order is refused to whoever is no admin any more, also while it is carried out", async () => {
  let isRevoked = false;
  const revocable = {
    assertAdmin: () => {
      if (isRevoked) throw new ServiceError("UNAUTHENTICATED");
    },
  };
  await security.panic(revocable, "the first");
  const resumed = security.resume(revocable);
  isRevoked = true;
  verified(GOOD);
  await expect(resumed).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  expect(security.panicked?.reason).toBe("the first");
  const refused = expect.objectContaining({ code: "UNAUTHENTICATED" });
  expect(() => security.panic(revocable, "another")).toThrow(refused);
  expect(() => security.sandboxes(revocable)).toThrow(refused);
  expect(() => security.endSessions(revocable, "s")).toThrow(refused);
  await expect(security.verify(revocable)).rejects.toEqual(refused);
  expect(() => security.killSandbox(revocable, "0")).toThrow(refused);
  expect(security.panicked?.reason).toBe("the first");
});
