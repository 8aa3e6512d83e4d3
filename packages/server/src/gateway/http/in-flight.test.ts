import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { Account } from "../../access/account.js";
import { BUILT_IN_ADMIN, KeyPrincipal } from "../../access/principal.js";
import { InFlight } from "./in-flight.js";

class FakeResponse extends EventEmitter {
  headersSent = false;
  destroy = vi.fn(() => this.emit("close"));
}

const keyOf = (id: string) => new KeyPrincipal({ id, name: id, role: "execute" }, new Account({}));
const key = keyOf("key_a");
const socketOf = () => new EventEmitter() as unknown as Socket;
const responseOf = () => new FakeResponse();

function enter(inFlight: InFlight, socket: Socket, principal = key): FakeResponse {
  const response = responseOf();
  inFlight.enter(principal, socket, response as unknown as ServerResponse);
  return response;
}

afterEach(() => vi.useRealTimers());

test("each key has so many requests under way, and a place is free when its answer is out", () => {
  const inFlight = new InFlight(2);
  const first = enter(inFlight, socketOf());
  enter(inFlight, socketOf());
  expect(() => enter(inFlight, socketOf())).toThrow(
    expect.objectContaining({ code: "QUOTA_EXCEEDED", retryAfterMs: 1000 }),
  );
  enter(inFlight, socketOf(), keyOf("key_b"));
  first.emit("close");
  enter(inFlight, socketOf());
  expect(inFlight.count("key_a")).toBe(2);
});

test("a connection that goes frees answers that never had their turn, those that had once only", () => {
  const inFlight = new InFlight(100);
  const socket = socketOf();
  const responses = Array.from({ length: 20 }, () => enter(inFlight, socket));
  responses[0]?.emit("close");
  expect(inFlight.count("key_a")).toBe(19);
  expect(socket.listenerCount("close")).toBe(1);
  socket.emit("close");
  expect(inFlight.count("key_a")).toBe(0);
  enter(inFlight, socketOf());
  for (const response of responses) response.emit("close");
  expect(inFlight.count("key_a")).toBe(1);
});

test("the built-in admin has no bound", () => {
  const inFlight = new InFlight(1);
  for (let i = 0; i < 10; i++) enter(inFlight, socketOf(), BUILT_IN_ADMIN as KeyPrincipal);
  expect(inFlight.count("admin")).toBe(0);
});

test("what is still being sent to a revoked key is cut off after a moment, and nobody else's", () => {
  vi.useFakeTimers();
  const inFlight = new InFlight(10);
  const [sent, waits] = [enter(inFlight, socketOf()), enter(inFlight, socketOf())];
  const others = enter(inFlight, socketOf(), keyOf("key_b"));
  sent.headersSent = true;
  others.headersSent = true;
  inFlight.cutOff("key_a");
  expect(sent.destroy).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5000);
  expect(sent.destroy).toHaveBeenCalledOnce();
  expect(waits.destroy).not.toHaveBeenCalled();
  expect(others.destroy).not.toHaveBeenCalled();
  expect(inFlight.count("key_a")).toBe(1);
});
