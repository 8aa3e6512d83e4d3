/** Makes sandboxes through the keeper. See ARCHITECTURE.md for who does what. */

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../../errors.js";
import type { ConfinementPlan } from "../plan.js";
import type { Sandbox, SandboxDriver } from "../sandbox.js";
import type { AccountingPaths } from "./accounting.js";
import type { GuestListener } from "./guest-listener.js";
import type { KeeperClient, KeeperEvent } from "./keeper-client.js";
import { NativeSandbox } from "./native-sandbox.js";

/** Generous: a loaded machine is slow, and a sandbox that never comes is caught all the same. */
const START_TIMEOUT_MS = 20_000;
const ZYGOTE_TIMEOUT_MS = 120_000;
/** Whoever stops this process ends what has not ended by then. */
const STOP_PATIENCE_MS = 3000;

interface Starting {
  readonly spawned: (accounting: AccountingPaths) => void;
  readonly failed: (error: Error) => void;
}

export class NativeDriver implements SandboxDriver {
  readonly name = "native";
  readonly #keeper: KeeperClient;
  readonly #listener: GuestListener;
  readonly #plan: ConfinementPlan;
  readonly #starting = new Map<string, Starting>();
  readonly #sandboxes = new Map<string, NativeSandbox>();
  /** Destroyed here, and not yet confirmed gone by the keeper. */
  readonly #leaving = new Map<string, NativeSandbox>();
  #zygoteReady!: Promise<void>;
  #resolveZygoteReady: (() => void) | undefined;
  #stopping = false;

  constructor(options: { keeper: KeeperClient; listener: GuestListener; plan: ConfinementPlan }) {
    this.#keeper = options.keeper;
    this.#listener = options.listener;
    this.#plan = options.plan;
    this.#awaitZygote();
    this.#keeper.on("event", (event) => this.#onEvent(event));
    this.#keeper.on("lost", () => this.#onKeeperLost());
  }

  async start(): Promise<void> {
    this.#keeper.open();
    await withTimeout(this.#zygoteReady, ZYGOTE_TIMEOUT_MS, "the zygote does not get ready");
  }

  async create(): Promise<Sandbox> {
    await withTimeout(this.#zygoteReady, ZYGOTE_TIMEOUT_MS, "the zygote does not get ready");
    if (this.#stopping) throw new ServiceError("SHUTTING_DOWN");
    const id = randomBytes(8).toString("hex");
    const secret = randomBytes(16).toString("hex");
    const connected = this.#listener.expect(id, secret);
    try {
      const spawned = new Promise<AccountingPaths>((resolve, reject) => {
        this.#starting.set(id, { spawned: resolve, failed: reject });
        this.#keeper.send({ op: "spawn", sandbox: id, secret, plan: this.#plan });
      });
      const [connections, accounting] = await withTimeout(
        Promise.all([connected, spawned]),
        START_TIMEOUT_MS,
        "the sandbox does not connect",
      );
      const sandbox = new NativeSandbox({
        id,
        keeper: this.#keeper,
        connections,
        accounting,
        limits: { memoryBytes: this.#plan.memory_bytes, cpuCores: this.#plan.cpu_cores },
        onDestroy: () => this.#leave(id),
      });
      this.#sandboxes.set(id, sandbox);
      await withTimeout(
        Promise.race([sandbox.ready, rejectOnEnd(sandbox)]),
        START_TIMEOUT_MS,
        "the kernel does not get ready",
      );
      return sandbox;
    } catch (error) {
      this.#listener.forget(id);
      this.#keeper.send({ op: "destroy", sandbox: id });
      throw new ServiceError("SANDBOX_START_FAILED", (error as Error).message, { cause: error });
    } finally {
      this.#starting.delete(id);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { failed } of this.#starting.values()) failed(new Error("the server is stopping"));
    const gone = [...this.#sandboxes.values(), ...this.#leaving.values()].map((sandbox) =>
      sandbox.destroy("the server is stopping"),
    );
    await Promise.race([Promise.all(gone), delay(STOP_PATIENCE_MS, undefined, { ref: false })]);
    this.#keeper.close();
    this.#listener.close();
  }

  #leave(id: string): void {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    this.#sandboxes.delete(id);
    this.#leaving.set(id, sandbox);
    this.#keeper.send({ op: "destroy", sandbox: id });
  }

  #onEvent(event: KeeperEvent): void {
    switch (event.event) {
      case "sandboxes":
        this.#compare(new Set(event.sandboxes));
        return;
      case "zygote_ready":
        this.#resolveZygoteReady?.();
        this.#resolveZygoteReady = undefined;
        return;
      case "zygote_lost":
        this.#awaitZygote();
        return;
      case "spawned":
        this.#starting.get(event.sandbox)?.spawned(event.accounting);
        return;
      case "failed":
        this.#starting.get(event.sandbox)?.failed(new Error(event.message));
        this.#sandboxes.get(event.sandbox)?.died(false);
        return;
      case "kernel_exited":
        this.#starting.get(event.sandbox)?.failed(new Error(`the kernel exited (${event.code})`));
        this.#sandboxes.get(event.sandbox)?.kernelExited(event.code, event.oom_kills);
        return;
      case "sandbox_died":
        this.#starting.get(event.sandbox)?.failed(new Error("the sandbox died at its start"));
        this.#sandboxes.get(event.sandbox)?.died(event.out_of_memory);
        return;
      case "limited":
        this.#sandboxes.get(event.sandbox)?.limited(event.error);
        return;
      case "destroyed":
        this.#sandboxes.get(event.sandbox)?.removed();
        this.#leaving.get(event.sandbox)?.removed();
        this.#leaving.delete(event.sandbox);
        return;
      case "refused":
        throw new Error(`the keeper refused an operation: ${event.message}`);
    }
  }

  /** After a connection: what the keeper has and what we have must agree. */
  #compare(known: ReadonlySet<string>): void {
    for (const id of known) {
      if (!this.#sandboxes.has(id)) this.#keeper.send({ op: "destroy", sandbox: id });
    }
    for (const [id, sandbox] of [...this.#sandboxes, ...this.#leaving]) {
      if (known.has(id)) continue;
      sandbox.removed();
      this.#leaving.delete(id);
    }
  }

  #onKeeperLost(): void {
    this.#awaitZygote();
    for (const { failed } of this.#starting.values()) failed(new Error("the keeper was restarted"));
  }

  /** Whoever waits already goes on waiting for the same promise. */
  #awaitZygote(): void {
    if (this.#resolveZygoteReady) return;
    this.#zygoteReady = new Promise((resolve) => {
      this.#resolveZygoteReady = resolve;
    });
  }
}

async function rejectOnEnd(sandbox: Sandbox): Promise<never> {
  const end = await sandbox.ended;
  throw new Error(end.detail);
}

function withTimeout<T>(promise: Promise<T>, milliseconds: number, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(message)), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
