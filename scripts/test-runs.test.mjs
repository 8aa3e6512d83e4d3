import { describe, expect, test } from "vitest";
import { guestCounts, projectArguments, sumUp } from "./test-runs.mjs";

describe("the sum of all runners", () => {
  test("counts what each has passed and failed", () => {
    const vitest = { status: 1, passed: 10, failed: 2 };
    const guest = { status: 0, passed: 5, failed: 0 };
    expect(sumUp([vitest, guest])).toEqual({ passed: 15, failed: 2 });
  });

  test("has a failure where a runner failed without a failed test", () => {
    expect(sumUp([{ status: 1, passed: 0, failed: 0 }])).toEqual({ passed: 0, failed: 1 });
  });

  test("reads unittest's closing lines", () => {
    const ran = "Ran 12 tests in 3.004s\n\n";
    expect(guestCounts(`..\n${ran}OK\n`)).toEqual({ passed: 12, failed: 0 });
    expect(guestCounts(`..\n${ran}FAILED (failures=2, errors=1)\n`)).toEqual({
      passed: 9,
      failed: 3,
    });
    expect(guestCounts(`..\n${ran}FAILED (errors=1)\n`)).toEqual({ passed: 11, failed: 1 });
    expect(guestCounts("unshare: not allowed\n")).toEqual({ passed: 0, failed: 0 });
  });
});

describe("npm test", () => {
  test("without a name leaves out the long runs only, and has the guest's tests", () => {
    expect(projectArguments(undefined)).toEqual({
      projects: ["--project", "!long"],
      withGuest: true,
    });
    expect(projectArguments("all")).toEqual({ projects: [], withGuest: true });
  });

  test("with a name runs what is called so, and knows no other", () => {
    expect(projectArguments("integration")?.projects).toEqual(["--project", "integration-*"]);
    expect(projectArguments("attack")?.withGuest).toBe(false);
    expect(projectArguments("nothing")).toBeUndefined();
    expect(projectArguments("toString")).toBeUndefined();
  });
});
