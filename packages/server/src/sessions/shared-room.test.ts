import { expect, test } from "vitest";
import { SharedRoom } from "./shared-room.js";

function roomOf(sizeMax: number, keepsLatest = false) {
  const given: string[] = [];
  const room = new SharedRoom<string>({
    sizeMax,
    keepsLatest,
    onGiven: (item) => given.push(item),
  });
  return { room, given };
}

test("whoever holds most gives first, the oldest of theirs, and nobody else", () => {
  const { room, given } = roomOf(100);
  room.hold("small", "b", 5);
  for (let n = 1; n <= 12; n++) room.hold(`a${n}`, "a", 10);
  expect(given).toEqual(["a1", "a2", "a3"]);
  room.hold("other", "b", 40);
  expect(given.slice(3)).toEqual(["a4", "a5", "a6", "a7"]);
  expect(room.size).toBeLessThanOrEqual(100);
});

test("who comes with much gives it, whoever was there before", () => {
  const { room, given } = roomOf(100);
  for (const owner of ["a", "b", "c"]) room.hold(owner, owner, 30);
  room.hold("huge", "d", 1000);
  expect(given).toEqual(["huge"]);
  expect(room.size).toBe(90);
});

test("what has just come stays where it is said to, however large", () => {
  const { room, given } = roomOf(100, true);
  for (const owner of ["a", "b"]) room.hold(owner, owner, 40);
  room.hold("huge", "c", 1000);
  expect(given.toSorted()).toEqual(["a", "b"]);
  room.hold("next", "a", 1);
  expect(given.at(-1)).toBe("huge");
  expect(room.size).toBe(1);
});

test("an item that is held anew is the latest, and what is free holds nothing", () => {
  const { room, given } = roomOf(100);
  for (const item of ["1", "2", "3"]) room.hold(item, "a", 30);
  room.hold("1", "a", 40);
  expect([given, room.size]).toEqual([[], 100]);
  room.hold("4", "a", 10);
  expect(given).toEqual(["2"]);
  expect([room.free("1"), room.free("1"), room.free("2")]).toEqual([40, 0, 0]);
  expect(room.size).toBe(40);
});
