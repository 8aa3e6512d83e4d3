/**
 * The keeper in the hands of a gateway that is not ours: whoever has taken over the HTTP side can say anything to
 * it, as the service user, and must neither end it nor hold it up.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { FrameParser } from "../../packages/server/src/sandbox/guest/channel.ts";
import type { Random } from "../fuzz/random.ts";
import { eventually } from "../support/host.ts";
import { findRoles, findSandboxes } from "../support/roles.ts";
import { startServer, type TestServer } from "../support/server.ts";
import {
  type Operation,
  oddOperation,
  operationFrame,
  PLAN,
  rawFrame,
} from "./keeper-operations.ts";

/** The keeper answers whoever reads within this, whatever else is asked of it. */
const ANSWER_MS_MAX = 3000;
const ENDED_MS_MAX = 10_000;
/** The answers to all of them are more than the keeper keeps for one who does not read. */
const FLOOD_OPERATIONS = 60_000;
const CONNECTIONS = 200;

interface Event {
  readonly event: string;
  readonly sandbox?: string;
  readonly message?: string;
}

/** One connection to the keeper, as the gateway has it. */
class Hand {
  readonly #socket: Socket;
  readonly events: Event[] = [];
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const parser = new FrameParser();
    socket.on("data", (chunk) => this.events.push(...(parser.push(chunk) as Event[])));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** Who connects is noted in the moment of connecting, and is only then the service user. */
  static reach(server: TestServer, uid: number): Hand {
    process.seteuid?.(uid);
    try {
      return new Hand(connect(`/run/glovebox/${server.instance}/keeper.sock`));
    } finally {
      process.seteuid?.(0);
    }
  }

  send(bytes: Buffer): void {
    if (!this.isClosed) this.#socket.write(bytes);
  }

  ask(operation: Operation): void {
    this.send(operationFrame(operation));
  }

  stopReading(): void {
    this.#socket.pause();
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** The keeper has done everything that was asked before, or has closed the connection. */
  async settled(): Promise<void> {
    const before = this.count("census");
    this.ask({ op: "census" });
    await eventually(
      () => (this.isClosed || this.count("census") > before ? undefined : "no answer"),
      ANSWER_MS_MAX,
    );
  }

  count(event: string): number {
    return this.events.filter((one) => one.event === event).length;
  }
}

export interface HostileReport {
  readonly operations: number;
  readonly summary: string;
}

/** `seconds` of odd operations, and before them what has a shape of its own. @throws when a promise is broken */
export async function abuseKeeper(random: Random, seconds: number): Promise<HostileReport> {
  // The right gateway is stopped meanwhile, which nobody must cure.
  const server = await startServer({ env: { WATCHDOG_TIMEOUT: "0", POOL_SIZE: "1" } });
  try {
    await server.execute({ code: "1" });
    const { keeper, gateway } = findRoles(server);
    assert.ok(keeper && gateway);
    process.kill(gateway.pid, "SIGSTOP");
    let operations = 0;
    try {
      const reach = (): Hand => Hand.reach(server, gateway.uid);
      await whatBreaksFrames(reach);
      await whoDoesNotRead(server, reach);
      await whoNeverStops(server, reach);
      await manyConnections(reach);
      operations = await oddOperations(reach, random, seconds);
    } finally {
      process.kill(gateway.pid, "SIGCONT");
    }
    await eventually(async () => {
      const answer = await server.tryExecute({ code: "print(6 * 7)" }).catch(() => undefined);
      return answer?.body?.stdout === "42\n" ? undefined : `unusable: ${answer?.text}`;
    }, 30_000);
    assert.equal(findRoles(server).keeper?.pid, keeper.pid, "the keeper has ended");
    assert.ok(!server.log().includes("Traceback"), server.log().slice(-3000));
    await server.stop();
    return { operations, summary: `${operations} odd operations` };
  } finally {
    await server.end("SIGTERM");
  }
}

type Reach = () => Hand;

/** Frames that end their connection, and nothing else. */
async function whatBreaksFrames(reach: Reach): Promise<void> {
  const long = {
    op: "spawn",
    sandbox: "0123456789abcdef",
    secret: "é".repeat(3_500_000),
    plan: PLAN,
  };
  const broken = [
    operationFrame(long),
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    rawFrame("["),
    rawFrame("7"),
    rawFrame(`{"op":${"[".repeat(30_000)}`),
    rawFrame(`{"op":${"9".repeat(5000)}}`),
    rawFrame(Buffer.from([0x7b, 0xff, 0x7d])),
  ];
  for (const bytes of broken) {
    const hand = reach();
    hand.send(bytes);
    await eventually(() => (hand.isClosed ? undefined : "it is still open"), ANSWER_MS_MAX);
  }
  const half = reach();
  half.send(operationFrame({ op: "census" }).subarray(0, 7));
  await answered(reach);
}

async function answered(reach: Reach): Promise<void> {
  const hand = reach();
  await hand.settled();
  assert.ok(!hand.isClosed && hand.count("census") === 1, "a new connection is not served");
  hand.leave();
}

async function spawn(hand: Hand, server: TestServer): Promise<string> {
  const sandbox = randomBytes(8).toString("hex");
  hand.ask({ op: "spawn", sandbox, secret: randomBytes(16).toString("hex"), plan: PLAN });
  await eventually(
    () => (hand.events.some((one) => one.event === "spawned") ? undefined : "none is made"),
    ENDED_MS_MAX,
  );
  assert.ok(findSandboxes(server).some(({ id }) => id === sandbox));
  return sandbox;
}

async function gone(server: TestServer, sandbox: string): Promise<void> {
  await eventually(
    () => (findSandboxes(server).some(({ id }) => id === sandbox) ? "it lives" : undefined),
    ENDED_MS_MAX,
  );
}

/** It is dropped when it has too much to read, its sandboxes end as those of a lost gateway, and others are served. */
async function whoDoesNotRead(server: TestServer, reach: Reach): Promise<void> {
  const hand = reach();
  const sandbox = await spawn(hand, server);
  hand.stopReading();
  const refused = operationFrame({ op: "none" });
  hand.send(Buffer.concat(Array.from({ length: FLOOD_OPERATIONS }, () => refused)));
  await gone(server, sandbox);
  await answered(reach);
}

/** A sandbox that ends is cleaned up between two of the operations of a flood. */
async function whoNeverStops(server: TestServer, reach: Reach): Promise<void> {
  const hand = reach();
  const sandbox = await spawn(hand, server);
  const census = operationFrame({ op: "census" });
  const some = Buffer.concat(Array.from({ length: 2050 }, () => census));
  const flood = setInterval(() => hand.send(some), 20);
  try {
    process.kill(findSandboxes(server).find(({ id }) => id === sandbox)?.warden ?? 0, "SIGKILL");
    await gone(server, sandbox);
    assert.ok(!hand.isClosed, "whoever reads keeps its connection");
  } finally {
    clearInterval(flood);
  }
  hand.leave();
  await answered(reach);
}

async function manyConnections(reach: Reach): Promise<void> {
  const hands = Array.from({ length: CONNECTIONS }, reach);
  for (const hand of hands) hand.send(operationFrame({ op: "census" }).subarray(0, 9));
  await eventually(async () => {
    // One that finds the queue full is refused, and would not be the last.
    const hand = reach();
    await hand.settled();
    return hand.isClosed ? "refused" : undefined;
  }, ENDED_MS_MAX);
  for (const hand of hands) hand.leave();
  await answered(reach);
}

async function oddOperations(reach: Reach, random: Random, seconds: number): Promise<number> {
  const deadline = performance.now() + seconds * 1000;
  let count = 0;
  let hand = reach();
  while (performance.now() < deadline) {
    if (hand.isClosed) hand = reach();
    for (let round = 0; round < 20; round++, count++) hand.send(oddOperation(random));
    await hand.settled();
  }
  hand.leave();
  return count;
}
