/** Makes sandboxes through the keeper. See ARCHITECTURE.md for who does what. */

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../../errors.js";
import { GuardedSandbox } from "../guarded.js";
import type { SandboxProcess } from "../guest/kernel-end.js";
import type { ConfinementPlan } from "../plan.js";
import type { PanicCount, Sandbox, SandboxDriver } from "../sandbox.js";
import type { Verification } from "../verification.js";
import type { Deadlines } from "./deadlines.js";
import type { GuestListener } from "./guest-listener.js";
import { judgeSandbox, ownNamespaces } from "./judgement.js";
import type { KeeperClient, KeeperEvent, SandboxFacts, Spawned } from "./keeper-client.js";
import { Porter } from "./porter.js";
import { type FoldersInside, runProbe } from "./probe.js";
import { NativeSandbox } from "./sandbox.js";

/** Generous: a loaded machine is slow, and a sandbox that never comes is caught all the same. */
const START_TIMEOUT_MS = 20_000;
const ZYGOTE_TIMEOUT_MS = 120_000;
/** What has not ended by then is ended by the supervisor. */
const STOP_PATIENCE_MS = 3000;
/** A keeper that has just died is back within this, and is then asked again. */
const ANSWER_TIMEOUT_MS = 15_000;
const KILL_PATIENCE_MS = 10_000;
const CENSUS_EVERY_MS = 10;

/** Questions to the keeper that are not about one sandbox, and the events that answer them. */
const ANSWERS = { panic: "frozen", census: "census" } as const;
type Question = keyof typeof ANSWERS;
type Answer<Q extends Question> = Extract<KeeperEvent, { event: (typeof ANSWERS)[Q] }>;

type Inspected = Extract<KeeperEvent, { event: "inspected" }>;

type Guarded = GuardedSandbox<NativeSandbox>;

/** A process of the service in a sandbox ends by a fault; what a kernel says of that, code can forge. */
export type OnFault = (sandbox: string, process: SandboxProcess, reason: string) => void;

interface Starting {
  readonly spawned: (event: Spawned) => void;
  readonly failed: (error: Error) => void;
}

export class NativeDriver implements SandboxDriver {
  readonly name = "native";
  readonly #keeper: KeeperClient;
  readonly #listener: GuestListener;
  readonly #deadlines: Deadlines;
  readonly #plan: ConfinementPlan;
  readonly #folders: FoldersInside;
  readonly #onFault: OnFault;
  readonly #starting = new Map<string, Starting>();
  readonly #sandboxes = new Map<string, Guarded>();
  /** Destroyed here, and not yet confirmed gone by the keeper. */
  readonly #leaving = new Map<string, Guarded>();
  readonly #inspections = new Map<string, (answer: Inspected) => void>();
  readonly #questions = new Map<Question, (answer: KeeperEvent) => void>();
  #zygoteReady!: Promise<void>;
  #resolveZygoteReady: (() => void) | undefined;
  #panics = 0;
  #stopping = false;

  constructor(options: {
    keeper: KeeperClient;
    listener: GuestListener;
    deadlines: Deadlines;
    plan: ConfinementPlan;
    folders: FoldersInside;
    onFault: OnFault;
  }) {
    this.#keeper = options.keeper;
    this.#listener = options.listener;
    this.#deadlines = options.deadlines;
    this.#plan = options.plan;
    this.#folders = options.folders;
    this.#onFault = options.onFault;
    this.#awaitZygote();
    this.#keeper.on("event", (event) => this.#onEvent(event));
    this.#keeper.on("lost", () => this.#onKeeperLost());
  }

  async start(): Promise<void> {
    this.#keeper.open();
    await withTimeout(this.#zygoteReady, ZYGOTE_TIMEOUT_MS, "the zygote does not get ready");
  }

  create(): Promise<Sandbox> {
    return this.#create();
  }

  async panic(): Promise<PanicCount> {
    const startedAt = performance.now();
    this.#panics++;
    // The keeper kills what is half made as well, and does not tell of it.
    this.#failStarts("a panic");
    const frozen = await this.#ask("panic");
    const frozenMs = performance.now() - startedAt;
    await this.#destroyAll("a panic", KILL_PATIENCE_MS);
    const { sandboxes, processes } = await this.#lastCensus(startedAt + KILL_PATIENCE_MS);
    return {
      sandboxes: frozen.sandboxes,
      processes: frozen.processes,
      frozenMs,
      goneMs: performance.now() - startedAt,
      problem: frozen.error && `not everything could be stopped first: ${frozen.error}`,
      remaining: { sandboxes, processes },
    };
  }

  async verify(): Promise<Verification> {
    const sandbox = await this.#create();
    try {
      await sandbox.files(); // The porter is looked at as well.
      const facts = await withTimeout(
        this.#inspect(sandbox.id),
        ANSWER_TIMEOUT_MS,
        "the keeper does not answer",
      );
      const answer = await runProbe(sandbox, this.#plan, this.#folders);
      const protections = judgeSandbox(ownNamespaces(), facts, answer, this.#plan);
      return { sandbox: sandbox.id, protections };
    } catch (error) {
      const { cause, message } = error as Error;
      throw new ServiceError("SANDBOX_START_FAILED", (cause as Error)?.message ?? message, {
        cause: error,
      });
    } finally {
      this.#inspections.delete(sandbox.id);
      void sandbox.destroy("it was made to be verified");
    }
  }

  async #create(): Promise<Guarded> {
    const panics = this.#panics;
    await withTimeout(this.#zygoteReady, ZYGOTE_TIMEOUT_MS, "the zygote does not get ready");
    if (this.#panics !== panics) throw new ServiceError("PANICKED");
    if (this.#stopping) throw new ServiceError("SHUTTING_DOWN");
    const id = randomBytes(8).toString("hex");
    const secret = randomBytes(16).toString("hex");
    const connected = this.#listener.expect(id, secret);
    try {
      const announced = new Promise<Spawned>((resolve, reject) => {
        this.#starting.set(id, { spawned: resolve, failed: reject });
        this.#keeper.send({ op: "spawn", sandbox: id, secret, plan: this.#plan });
      });
      const [connections, spawned] = await withTimeout(
        Promise.all([connected, announced]),
        START_TIMEOUT_MS,
        "the sandbox does not connect",
      );
      const options = {
        id,
        keeper: this.#keeper,
        connections,
        porter: new Porter({
          sandbox: id,
          keeper: this.#keeper,
          listener: this.#listener,
          processes: this.#plan.processes,
        }),
        spawned,
        deadlines: this.#deadlines,
        limits: { memoryBytes: this.#plan.memory_bytes, cpuCores: this.#plan.cpu_cores },
        onFault: (process: SandboxProcess, reason: string) => this.#onFault(id, process, reason),
        onDestroy: () => this.#leave(id),
      };
      const sandbox = new GuardedSandbox((tellEnd) => new NativeSandbox(options, tellEnd));
      this.#sandboxes.set(id, sandbox);
      await withTimeout(
        Promise.race([sandbox.inner.ready, rejectOnEnd(sandbox)]),
        START_TIMEOUT_MS,
        "the kernel does not get ready",
      );
      const problem = sandbox.inner.seal();
      if (problem !== null) throw new Error(`the sandbox is not confined: ${problem}`);
      return sandbox;
    } catch (error) {
      this.#listener.forget(id);
      // Without reading, the end of the connection would not be noticed either.
      void connected.then(({ kernel, warden }) => {
        kernel.destroy();
        warden.destroy();
      });
      this.#keeper.send({ op: "destroy", sandbox: id });
      // The cause is for the log: it may name paths of the host.
      throw new ServiceError("SANDBOX_START_FAILED", undefined, { cause: error });
    } finally {
      this.#starting.delete(id);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#failStarts("the server is stopping");
    await this.#destroyAll("the server is stopping", STOP_PATIENCE_MS);
    this.#keeper.close();
    this.#listener.close();
  }

  async #destroyAll(reason: string, patienceMs: number): Promise<void> {
    const all = [...this.#sandboxes.values(), ...this.#leaving.values()];
    const gone = Promise.all(all.map((sandbox) => sandbox.destroy(reason)));
    await Promise.race([gone, delay(patienceMs, undefined, { ref: false })]);
  }

  /** Repeated until nothing is left: those that were half made are known to the keeper alone. */
  async #lastCensus(deadline: number): Promise<Answer<"census">> {
    for (;;) {
      const left = await this.#ask("census");
      if (left.sandboxes === 0 || performance.now() >= deadline) return left;
      await delay(CENSUS_EVERY_MS);
    }
  }

  #failStarts(reason: string): void {
    for (const { failed } of this.#starting.values()) failed(new Error(reason));
  }

  /** Asked again when the keeper is lost over it. One of a kind at a time. */
  #ask<Q extends Question>(op: Q): Promise<Answer<Q>> {
    const answer = new Promise<Answer<Q>>((resolve) => {
      this.#questions.set(op, resolve as (answer: KeeperEvent) => void);
      this.#keeper.send({ op });
    });
    return withTimeout(answer, ANSWER_TIMEOUT_MS, "the keeper does not answer").finally(() => {
      this.#questions.delete(op);
    });
  }

  #inspect(id: string): Promise<SandboxFacts> {
    return new Promise((resolve, reject) => {
      this.#inspections.set(id, ({ facts, error }) => {
        if (facts) resolve(facts);
        else reject(new Error(error ?? "the sandbox has ended"));
      });
      this.#keeper.send({ op: "inspect", sandbox: id });
    });
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
        for (const op of this.#questions.keys()) this.#keeper.send({ op });
        return;
      case "frozen":
        this.#questions.get("panic")?.(event);
        return;
      case "census":
        this.#questions.get("census")?.(event);
        return;
      case "inspected":
        this.#inspections.get(event.sandbox)?.(event);
        return;
      case "zygote_ready":
        this.#resolveZygoteReady?.();
        this.#resolveZygoteReady = undefined;
        return;
      case "zygote_lost":
        this.#awaitZygote();
        return;
      case "spawned":
        this.#starting.get(event.sandbox)?.spawned(event);
        return;
      case "failed":
        this.#starting.get(event.sandbox)?.failed(new Error(event.message));
        this.#sandboxes.get(event.sandbox)?.inner.died(false);
        return;
      case "kernel_exited":
        this.#starting.get(event.sandbox)?.failed(new Error(`the kernel exited (${event.code})`));
        this.#sandboxes.get(event.sandbox)?.inner.kernelExited(event.code, event.oom_kills);
        return;
      case "sandbox_died":
        this.#starting.get(event.sandbox)?.failed(new Error("the sandbox died at its start"));
        this.#sandboxes.get(event.sandbox)?.inner.died(event.out_of_memory);
        return;
      case "overdue":
        this.#sandboxes.get(event.sandbox)?.inner.overdue();
        return;
      case "limited":
        this.#sandboxes.get(event.sandbox)?.inner.answered("limit", event.error);
        return;
      case "mounted":
        this.#sandboxes.get(event.sandbox)?.inner.answered("mount", event.error);
        return;
      case "porter":
        this.#sandboxes.get(event.sandbox)?.inner.porterMade(event.error);
        return;
      case "destroyed":
        this.#starting.get(event.sandbox)?.failed(new Error("the keeper has ended the sandbox"));
        this.#sandboxes.get(event.sandbox)?.inner.removed();
        this.#leaving.get(event.sandbox)?.inner.removed();
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
      sandbox.inner.removed();
      this.#leaving.delete(id);
    }
  }

  #onKeeperLost(): void {
    this.#awaitZygote();
    this.#failStarts("the keeper was restarted");
  }

  /** Earlier callers wait for the same promise. */
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
