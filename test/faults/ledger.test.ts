import { describe, expect, test } from "vitest";
import { type Injuries, judgeReply, type Ledger, type Reply } from "./ledger.ts";

const ledger: Ledger = { owner: "me", sandbox: "aaaa", runs: 3, gatewayKills: 0 };
const next: Reply = { kind: "ran", owner: "me", sandbox: "aaaa", runs: 4, executionCount: 4 };
const fresh: Reply = { kind: "ran", owner: "me", sandbox: "bbbb", runs: 1, executionCount: 1 };
const none: Injuries = {
  killedSandboxes: new Set(),
  gatewayKills: 0,
  gatewayIsShaken: false,
};
const ownKilled: Injuries = { ...none, killedSandboxes: new Set(["aaaa"]) };
const otherKilled: Injuries = { ...none, killedSandboxes: new Set(["bbbb"]) };
const gatewayKilled: Injuries = { ...none, gatewayKills: 1, gatewayIsShaken: true };

describe("a session whose sandbox nobody has touched", () => {
  test("goes on", () => {
    expect(judgeReply(ledger, next, otherKilled, 0)).toEqual({ ...ledger, runs: 4 });
  });

  test.each<[string, Reply]>([
    ["starts afresh", fresh],
    ["dies", { kind: "died" }],
    ["is refused", { kind: "refused" }],
    ["is cut off", { kind: "disconnected" }],
    ["runs twice", { ...next, runs: 5, executionCount: 5 }],
    ["runs not at all", { ...next, runs: 3, executionCount: 3 }],
    ["is another's", { ...next, owner: "you" }],
    ["is moved", { ...next, sandbox: "bbbb" }],
    ["counts otherwise", { ...next, executionCount: 1 }],
  ])("it is wrong when it %s", (_, reply) => {
    expect(() => judgeReply(ledger, reply, otherKilled, 0)).toThrow();
  });
});

test.each<[string, Injuries]>([
  ["its sandbox", ownKilled],
  ["the gateway", gatewayKilled],
])(
  "after a kill of %s a session may die, be refused, start afresh, but be nothing between",
  (_, injuries) => {
    const afresh = judgeReply(ledger, fresh, injuries, injuries.gatewayKills);
    expect(afresh).toMatchObject({ sandbox: "bbbb", runs: 1 });
    for (const kind of ["died", "refused"] as const) {
      expect(judgeReply(ledger, { kind }, injuries, 0)).toMatchObject({
        sandbox: undefined,
        runs: 0,
      });
    }
    expect(() => judgeReply(ledger, { ...fresh, runs: 2 }, injuries, 0)).toThrow();
    expect(() => judgeReply(ledger, { ...next, sandbox: "bbbb" }, injuries, 0)).toThrow();
  },
);

test("a fresh session has to go on like any other", () => {
  const afresh = judgeReply(ledger, fresh, gatewayKilled, 1);
  expect(() => judgeReply(afresh, { ...fresh, sandbox: "cccc" }, gatewayKilled, 1)).toThrow("lost");
});

test("an answer that was under way when the gateway was killed says nothing of what follows", () => {
  const after = judgeReply(ledger, next, gatewayKilled, 0);
  expect(judgeReply(after, fresh, gatewayKilled, 1)).toMatchObject({ sandbox: "bbbb" });
});
