/**
 * Talks to the keeper, the privileged process that makes and ends sandboxes. Reconnects when the
 * keeper has been restarted; sandboxes live on meanwhile.
 */

import { EventEmitter } from "node:events";
import { connect, type Socket } from "node:net";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { encodeFrame, FrameParser } from "../guest/channel.js";
import type { ConfinementPlan } from "../plan.js";
import { recordOf } from "../records.js";

const RECONNECT_MS = 50;

const Namespaces = recordOf(Type.String());
const ProcessFacts = Type.Object({
  /** Lines of /proc/PID/status, by their names. */
  status: recordOf(Type.String()),
  namespaces: Namespaces,
  uid_map: Type.String(),
  gid_map: Type.String(),
  oom_score_adj: Type.Integer(),
  cgroups: Type.Array(Type.String()),
});
const HostUids = Type.Object({ user: Type.Integer(), warden: Type.Integer() });
/** What the kernel says about a sandbox, read by the keeper from outside of it. */
const Facts = Type.Object({
  keeper: Namespaces,
  kernel: ProcessFacts,
  warden: ProcessFacts,
  /** Made when files are first asked for. */
  porter: Type.Union([Type.Null(), ProcessFacts]),
  limits: Type.Object({
    memory_bytes: Type.Number(),
    memory_and_swap_bytes: Type.Number(),
    processes: Type.Number(),
    cpu_cores: Type.Number(),
  }),
  host_uids: HostUids,
});
export type ProcessFacts = Type.Static<typeof ProcessFacts>;
export type SandboxFacts = Type.Static<typeof Facts>;

/** All that the keeper says. docs/guest-protocol.md describes it. */
export const keeperEvents = Type.Union([
  Type.Object({ event: Type.Literal("sandboxes"), sandboxes: Type.Array(Type.String()) }),
  Type.Object({
    event: Type.Literal("zygote_ready"),
    seconds: Type.Number(),
    missing: Type.Array(Type.String()),
  }),
  Type.Object({ event: Type.Literal("zygote_lost") }),
  Type.Object({
    event: Type.Literal("spawned"),
    sandbox: Type.String(),
    slot: Type.Integer({ minimum: 0 }),
    accounting: Type.Object({
      cpu: Type.String(),
      memory_peak: Type.String(),
      memory_events: Type.String(),
      processes_events: Type.String(),
      memory_current: Type.String(),
      processes_current: Type.String(),
      memory_limit: Type.String(),
      processes_limit: Type.String(),
    }),
    pids: Type.Object({ kernel: Type.Integer(), warden: Type.Integer() }),
    host_uids: HostUids,
  }),
  Type.Object({
    event: Type.Literal("failed"),
    sandbox: Type.String(),
    message: Type.String(),
  }),
  Type.Object({
    event: Type.Literal("kernel_exited"),
    sandbox: Type.String(),
    code: Type.Integer(),
    oom_kills: Type.Integer(),
  }),
  Type.Object({
    event: Type.Literal("sandbox_died"),
    sandbox: Type.String(),
    out_of_memory: Type.Boolean(),
  }),
  Type.Object({ event: Type.Literal("destroyed"), sandbox: Type.String() }),
  Type.Object({ event: Type.Literal("overdue"), sandbox: Type.String() }),
  Type.Object({
    event: Type.Literal("limited"),
    sandbox: Type.String(),
    error: Type.Union([Type.Null(), Type.String()]),
  }),
  Type.Object({
    event: Type.Literal("mounted"),
    sandbox: Type.String(),
    error: Type.Union([Type.Null(), Type.String()]),
  }),
  Type.Object({
    event: Type.Literal("frozen"),
    sandboxes: Type.Integer(),
    processes: Type.Integer(),
    seconds: Type.Number(),
    error: Type.Union([Type.Null(), Type.String()]),
  }),
  Type.Object({
    event: Type.Literal("census"),
    sandboxes: Type.Integer(),
    processes: Type.Integer(),
  }),
  Type.Object({
    event: Type.Literal("inspected"),
    sandbox: Type.String(),
    facts: Type.Union([Type.Null(), Facts]),
    error: Type.Union([Type.Null(), Type.String()]),
  }),
  Type.Object({
    event: Type.Literal("porter"),
    sandbox: Type.String(),
    error: Type.Union([Type.Null(), Type.String()]),
  }),
  Type.Object({ event: Type.Literal("refused"), message: Type.String() }),
]);

export type KeeperEvent = Type.Static<typeof keeperEvents>;
const event = Compile(keeperEvents);

export type Spawned = Extract<KeeperEvent, { event: "spawned" }>;

export type KeeperOperation =
  | { op: "spawn"; sandbox: string; secret: string; plan: ConfinementPlan }
  | { op: "limit"; sandbox: string; memory_bytes: number; cpu_cores: number }
  | { op: "mount"; sandbox: string; mounts: readonly string[] }
  | { op: "porter"; sandbox: string; secret: string; processes: number }
  | { op: "interrupt" | "destroy" | "inspect"; sandbox: string }
  | { op: "panic" | "census" };

interface KeeperEvents {
  /** Everything the keeper says. */
  event: [KeeperEvent];
  /** The connection is gone; operations in flight get no answer. */
  lost: [];
}

/** Emits `event` and `lost`. Sending while disconnected is silently void: `lost` has told so. */
export class KeeperClient extends EventEmitter<KeeperEvents> {
  readonly #path: string;
  #socket: Socket | undefined;
  #closed = false;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  get connected(): boolean {
    return this.#socket?.readyState === "open";
  }

  /** Connect now, and again after every loss, until close(). */
  open(): void {
    const parser = new FrameParser();
    const socket = connect(this.#path);
    this.#socket = socket;
    let wasConnected = false;
    socket.on("connect", () => {
      wasConnected = true;
    });
    socket.on("data", (chunk) => {
      for (const value of parser.push(chunk)) {
        if (!event.Check(value)) throw new Error("the keeper sent an unknown event");
        this.emit("event", value);
      }
    });
    socket.on("error", () => {
      // The close event that follows does what is needed.
    });
    socket.on("close", () => {
      if (wasConnected) this.emit("lost");
      if (!this.#closed) setTimeout(() => this.#closed || this.open(), RECONNECT_MS);
    });
  }

  send(operation: KeeperOperation): void {
    if (this.connected) this.#socket?.write(encodeFrame(operation));
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }
}
