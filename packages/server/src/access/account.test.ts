import { expect, test } from "vitest";
import { ServiceError } from "../errors.js";
import { Account } from "./account.js";

function refusal(work: () => void): ServiceError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    return error as ServiceError;
  }
  throw new Error("it was let in");
}

test("without quotas everything is let in and CPU time is counted all the same", () => {
  const account = new Account({}, () => 0);
  for (let i = 0; i < 1000; i++) account.admitRequest();
  account.chargeCpu(1e6);
  account.admitRun();
  account.admitSession(1e6);
  expect(account.use()).toEqual({ requests_per_minute: 0, cpu_seconds_per_hour: 1e6 });
});

test("each quota says its name, and when to come back where waiting helps", () => {
  let now = 0;
  const account = new Account(
    { sessions: 2, requests_per_minute: 1, cpu_seconds_per_hour: 10 },
    () => now,
  );
  account.admitSession(1);
  const sessions = refusal(() => account.admitSession(2));
  expect(sessions).toMatchObject({ code: "QUOTA_EXCEEDED", retryAfterMs: undefined });
  expect(sessions.hint).toContain("sessions");

  account.admitRequest();
  const requests = refusal(() => account.admitRequest());
  expect(requests).toMatchObject({ code: "QUOTA_EXCEEDED", retryAfterMs: 60_000 });
  expect(requests.hint).toContain("requests_per_minute");

  account.chargeCpu(9.5);
  account.admitRun();
  account.chargeCpu(0.5);
  const cpu = refusal(() => account.admitRun());
  expect(cpu).toMatchObject({ code: "QUOTA_EXCEEDED", retryAfterMs: 3_600_000 });
  expect(cpu.hint).toContain("cpu_seconds_per_hour");
  now = 3_600_000;
  account.admitRun();
});

test("a revoked account lets nothing in", () => {
  const account = new Account({});
  account.revoke();
  expect(refusal(() => account.admitRequest()).code).toBe("UNAUTHENTICATED");
  expect(refusal(() => account.admitRun()).code).toBe("UNAUTHENTICATED");
  expect(refusal(() => account.admitSession(0)).code).toBe("UNAUTHENTICATED");
});
