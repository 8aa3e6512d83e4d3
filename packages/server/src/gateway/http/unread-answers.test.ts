import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { UnreadAnswers } from "./unread-answers.js";

/** As much of a response as is looked at. */
class Response extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function holding(charactersMax: number) {
  const unread = new UnreadAnswers(charactersMax);
  const hold = (owner: string, characters: number) => {
    const response = new Response();
    unread.hold(response as unknown as ServerResponse, owner, characters);
    return response;
  };
  return { unread, hold };
}

test("what was read, and what has ended, is not held", () => {
  const { unread, hold } = holding(100);
  const [read, gone] = [hold("a", 40), hold("a", 40)];
  unread.free(read as unknown as ServerResponse);
  gone.destroy();
  expect(unread.characters).toBe(0);
  expect(read.destroyed).toBe(false);
});

test("the oldest answer of who holds most is cut off, and nobody else's", () => {
  const { unread, hold } = holding(100);
  const honest = hold("honest", 30);
  const [first, second] = [hold("slow", 30), hold("slow", 30)];
  const late = hold("honest", 20);
  expect([honest, first, second, late].map(({ destroyed }) => destroyed)).toEqual([
    ...[false, true, false, false],
  ]);
  expect(unread.characters).toBe(80);
});

test("an answer that is larger than all the room is sent, alone", () => {
  const { unread, hold } = holding(100);
  const [before, huge] = [hold("a", 10), hold("b", 500)];
  expect([before.destroyed, huge.destroyed]).toEqual([true, false]);
  const after = hold("a", 1);
  expect([huge.destroyed, after.destroyed]).toEqual([true, false]);
  expect(unread.characters).toBe(1);
});

test("a stream's next text takes the place of its last", () => {
  const { unread, hold } = holding(100);
  const stream = hold("a", 60);
  for (let n = 0; n < 20; n++) unread.hold(stream as unknown as ServerResponse, "a", 60);
  expect(unread.characters).toBe(60);
  expect(stream.listenerCount("close")).toBe(1);
  expect(stream.destroyed).toBe(false);
});

test("what many are sent is held once, until the last has taken it, and given by all of them", () => {
  const { unread, hold } = holding(100);
  const shared = {};
  const followers = [1, 2, 3].map(() => {
    const response = new Response();
    unread.hold(response as unknown as ServerResponse, "a", 60, shared);
    return response;
  });
  expect(unread.characters).toBe(60);
  followers[0]?.destroy();
  unread.free(followers[1] as unknown as ServerResponse);
  expect(unread.characters).toBe(60);
  const late = hold("b", 50);
  expect(followers.map(({ destroyed }) => destroyed)).toEqual([true, false, true]);
  expect([late.destroyed, unread.characters]).toEqual([false, 50]);
});
