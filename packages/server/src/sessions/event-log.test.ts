import { describe, expect, test, vi } from "vitest";
import { EventLog, type Follower } from "./event-log.js";
import type { ExecutionEvents } from "./execution-events.js";
import type { LoggedEvent } from "./logged-event.js";

function logWith(count: number, characters = 1) {
  const onBehind = vi.fn();
  const log = new EventLog(onBehind);
  const add = (times: number) => {
    for (let n = 0; n < times; n++) {
      log.append("stream", { name: "stdout", text: "x".repeat(characters) });
    }
  };
  add(count);
  return { log, add, onBehind };
}

/** Everything that is there already. */
function taken(follower: Follower) {
  const events = [];
  for (let event = follower.take(); event; event = follower.take()) events.push(event);
  return events;
}

const ids = (follower: Follower) => taken(follower).map(({ id }) => id);

describe("a follower", () => {
  test("gets everything from the beginning, what comes later included, and then ends", async () => {
    const { log, add } = logWith(2);
    const seen: number[] = [];
    const following = (async () => {
      for await (const event of log.follow()) seen.push(event.id);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    add(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([1, 2, 3, 4]);
    add(1);
    log.end();
    await following;
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test("goes on where it left off, and beyond the end waits for what is new", () => {
    const { log, add } = logWith(5);
    expect(ids(log.follow(3))).toEqual([4, 5]);
    const ahead = log.follow(99);
    expect(ids(ahead)).toEqual([]);
    add(1);
    expect(ids(ahead)).toEqual([6]);
  });

  test("does not take from another", () => {
    const { log } = logWith(3);
    const [one, other] = [log.follow(), log.follow()];
    expect(ids(one)).toEqual([1, 2, 3]);
    expect(ids(other)).toEqual([1, 2, 3]);
  });

  test("that is closed while it waits is told so", async () => {
    const { log } = logWith(0);
    const follower = log.follow();
    const next = follower.next();
    follower.close();
    expect((await next).done).toBe(true);
  });

  test("of a log that has ended gets what there is", async () => {
    const { log, add } = logWith(2);
    log.end();
    add(1);
    expect(ids(log.follow())).toEqual([1, 2]);
    expect((await log.follow(2).next()).done).toBe(true);
  });
});

describe("back-pressure", () => {
  test("holds the execution while somebody is far behind, and lets it go on after", () => {
    const { log, add, onBehind } = logWith(0, 10_000);
    const follower = log.follow();
    add(20);
    expect(onBehind).not.toHaveBeenCalled();
    add(10);
    expect(onBehind.mock.calls).toEqual([[true]]);
    for (let n = 0; n < 10; n++) follower.take();
    expect(onBehind).toHaveBeenCalledTimes(1);
    taken(follower);
    expect(onBehind.mock.calls).toEqual([[true], [false]]);
  });

  test("ends with the follower, and is not there without one", () => {
    const { log, add, onBehind } = logWith(100, 10_000);
    expect(onBehind).not.toHaveBeenCalled();
    const follower = log.follow();
    expect(onBehind.mock.calls).toEqual([[true]]);
    follower.close();
    add(100);
    expect(onBehind.mock.calls).toEqual([[true], [false]]);
  });

  test("comes from the slowest", () => {
    const { log, add, onBehind } = logWith(0, 10_000);
    const [quick, slow] = [log.follow(), log.follow()];
    add(30);
    taken(quick);
    expect(onBehind.mock.calls).toEqual([[true]]);
    taken(slow);
    expect(onBehind).toHaveBeenLastCalledWith(false);
  });
});

describe("what is kept", () => {
  test("is bounded, and who comes too late is told what is missing", async () => {
    const { log } = logWith(1000, 10_000);
    expect(log.bytes).toBeLessThan(4.1 * 2 ** 20);
    const [gap, ...rest] = taken(log.follow(7));
    expect(gap?.name).toBe("gap");
    const { missedFrom, missedTo } = (gap as LoggedEvent).data as ExecutionEvents["gap"];
    expect(missedFrom).toBe(8);
    expect(gap?.id).toBe(missedTo);
    expect(rest.map(({ id }) => id)).toEqual(
      Array.from({ length: 1000 - missedTo }, (_, n) => missedTo + 1 + n),
    );
    expect(taken(log.follow(missedTo))[0]?.id).toBe(missedTo + 1);
  });

  test("is more for a follower that is behind, within a bound too", () => {
    const { log, add } = logWith(0, 10_000);
    const follower = log.follow();
    add(1000);
    expect(log.bytes).toBeGreaterThan(9 * 2 ** 20);
    add(9000);
    expect(log.bytes).toBeLessThan(16.1 * 2 ** 20);
    expect(follower.take()?.name).toBe("gap");
    taken(follower);
    expect(follower.behindBytes).toBe(0);
  });

  test("has always the latest event, however large", () => {
    const { log } = logWith(2, 20 * 2 ** 20);
    expect(taken(log.follow(1)).map(({ id }) => id)).toEqual([2]);
  });

  test("counts small events by more than their text", () => {
    const { log } = logWith(100_000);
    expect(taken(log.follow()).length).toBeLessThan(25_000);
  });
});

test("so many can follow at a time, and the next when one has left", () => {
  const { log } = logWith(1);
  const followers = Array.from({ length: 16 }, () => log.follow());
  expect(() => log.follow()).toThrowError(expect.objectContaining({ code: "TOO_MANY_TRANSFERS" }));
  followers[3]?.close();
  log.follow().close();
});
