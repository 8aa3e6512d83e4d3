/** One native sandbox: the conversation with its guest, and orders to the keeper about it. */

import { ServiceError } from "../../errors.js";
import type { SandboxFiles } from "../files.js";
import type { DriverSandbox, TellEnd } from "../guarded.js";
import { type GuestConnections, GuestConversation } from "../guest/conversation.js";
import type { SandboxProcess } from "../guest/kernel-end.js";
import type { KernelAnswer, KernelQuestion, QuestionName } from "../questions.js";
import type {
  CellRequest,
  InputReply,
  KernelEvents,
  Measurement,
  MessageSink,
  SandboxLimits,
  SandboxUsage,
} from "../sandbox.js";
import type { Deadlines } from "./deadlines.js";
import { KeeperAnswers, type Order } from "./keeper-answers.js";
import type { KeeperClient, Spawned } from "./keeper-client.js";
import { Meter } from "./meter.js";
import type { Porter } from "./porter.js";
import { Seal, type SealOptions } from "./seal.js";

export interface NativeSandboxOptions {
  readonly id: string;
  readonly keeper: KeeperClient;
  readonly connections: GuestConnections;
  readonly porter: Porter;
  readonly spawned: Spawned;
  readonly deadlines: Deadlines;
  readonly limits: SandboxLimits;
  /** A process of the service in there ends by a fault. */
  readonly onFault: (process: SandboxProcess, reason: string) => void;
  /** Has the keeper destroy what is left. */
  readonly onDestroy: () => void;
}

export class NativeSandbox implements DriverSandbox {
  readonly id: string;
  readonly #keeper: KeeperClient;
  readonly #conversation: GuestConversation;
  readonly #porter: Porter;
  readonly #meter: Meter;
  readonly #deadlines: Deadlines;
  readonly #slot: number;
  readonly #keeperAnswers = new KeeperAnswers();
  readonly #onDestroy: () => void;
  readonly #tellEnd: TellEnd;
  readonly #sealOptions: SealOptions;
  #seal: Seal | undefined;
  #used = false;
  /** Why it is gone when the keeper says no more than that. */
  #removal = "removed by the keeper";
  #limits: SandboxLimits;
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;

  constructor(options: NativeSandboxOptions, tellEnd: TellEnd) {
    this.id = options.id;
    this.#keeper = options.keeper;
    this.#limits = options.limits;
    this.#onDestroy = options.onDestroy;
    this.#tellEnd = tellEnd;
    const { accounting, pids, host_uids: hostUids } = options.spawned;
    this.#meter = new Meter(accounting);
    this.#deadlines = options.deadlines;
    this.#slot = options.spawned.slot;
    this.#sealOptions = {
      pids,
      hostUids,
      limitFiles: [accounting.memory_limit, accounting.processes_limit],
    };
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    this.#conversation = new GuestConversation(options.connections, {
      onEnd: tellEnd,
      // Make sure that nothing stays, and learn the reason.
      onWardenClosed: () => {
        this.#removal = "the sandbox's PID 1 ended; the server's log may say why";
        this.#keeper.send({ op: "destroy", sandbox: this.id });
      },
      onAnswered: () => this.#deadlines.end(this.#slot),
      onQuestionFailed: () => this.#meter.leaveOutWhatHappened(),
      onFault: options.onFault,
    });
    this.#porter = options.porter;
    this.#porter.onViolation = (violation) => this.#conversation.breakOff(violation);
    this.#porter.onFault = (reason) => options.onFault("porter", reason);
    this.#porter.onChanged = (paths) => this.#conversation.changes.note(paths);
    this.#porter.onLimits = (settled) =>
      settled ? this.#seal?.closeLimits() : this.#seal?.openLimits();
  }

  /** Resolves when kernel and warden have both reported. */
  get ready(): Promise<void> {
    return this.#conversation.ready;
  }

  get answers(): boolean {
    return this.#conversation.answers;
  }

  get limits(): SandboxLimits {
    return this.#limits;
  }

  execute(request: CellRequest, sink: MessageSink): void {
    this.#used = true;
    this.#deadlines.begin(this.#slot, request.timeoutMs);
    this.#conversation.execute(request, sink);
  }

  answerInput(reply: InputReply): boolean {
    return this.#conversation.answerInput(reply);
  }

  ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name>> {
    this.#deadlines.begin(this.#slot, timeoutMs);
    return this.#conversation.ask(question, timeoutMs);
  }

  pauseOutput(): void {
    this.#conversation.pauseOutput();
  }

  resumeOutput(): void {
    this.#conversation.resumeOutput();
  }

  watchOutput(on: boolean, outputBytesMax: number): void {
    this.#conversation.watchOutput(on, outputBytesMax);
  }

  interrupt(): void {
    this.#keeper.send({ op: "interrupt", sandbox: this.id });
  }

  async setLimits(limits: SandboxLimits): Promise<void> {
    this.#seal?.openLimits();
    const answer = this.#keeperAnswers.next("limit");
    this.#keeper.send({
      op: "limit",
      sandbox: this.id,
      memory_bytes: limits.memoryBytes,
      cpu_cores: limits.cpuCores,
    });
    const error = await answer;
    this.#seal?.closeLimits();
    if (error !== null) {
      throw new ServiceError(
        "INVALID_REQUEST",
        `memory_limit, cpu_limit: the limits cannot be set now (${error}); the session may use more memory already`,
      );
    }
    this.#limits = limits;
  }

  async mount(names: readonly string[]): Promise<void> {
    const answer = this.#keeperAnswers.next("mount");
    this.#keeper.send({ op: "mount", sandbox: this.id, mounts: names });
    const error = await answer;
    if (error === null) return;
    throw new ServiceError("MOUNT_FAILED", `${names.join(", ")}: ${error}`);
  }

  beginMeasuring(): number {
    return this.#meter.begin();
  }

  endMeasuring(cpuSecondsBefore: number): Measurement {
    return this.#meter.end(cpuSecondsBefore);
  }

  usage(): SandboxUsage {
    return this.#meter.usage();
  }

  cpuSeconds(): number {
    return this.#meter.cpuSeconds();
  }

  newEvents(): KernelEvents {
    return this.#meter.newEvents();
  }

  /** Note how it is confined, now that it is ready. Returns what is wrong with it, or null. */
  seal(): string | null {
    this.#seal = new Seal(this.#sealOptions);
    return this.problem();
  }

  problem(): string | null {
    return this.#seal ? this.#seal.problem(this.#used) : "it is not ready";
  }

  files(): Promise<SandboxFiles> {
    return this.#porter.files();
  }

  end(): Promise<void> {
    this.#conversation.close();
    this.#meter.close();
    this.#porter.close();
    this.#keeperAnswers.close();
    this.#onDestroy();
    return this.#gone;
  }

  // --- what the driver passes on from the keeper ---------------------------------------------

  /**
   * The zygote has reaped the kernel. `oomKills` counts from the sandbox's beginning, and those of
   * earlier executions did not end this kernel.
   */
  kernelExited(code: number, oomKills: number): void {
    const outOfMemory = this.#meter.isNewOomKill(oomKills) && code === -9;
    this.#conversation.kernelExited(code, outOfMemory);
  }

  /** PID 1 is gone, and everything with it. */
  died(outOfMemory: boolean): void {
    this.#tellEnd({ reason: "sandbox_died", outOfMemory, detail: "the sandbox's PID 1 ended" });
  }

  /** The keeper has ended it, because what ran had had its time. */
  overdue(): void {
    const detail = "the code ran past its deadline, and the keeper ended the sandbox";
    this.#tellEnd({ reason: "sandbox_died", outOfMemory: false, detail });
  }

  /** The keeper has carried out an order, or says what is wrong. */
  answered(order: Order, problem: string | null): void {
    this.#keeperAnswers.settle(order, problem);
  }

  porterMade(error: string | null): void {
    this.#porter.answered(error);
  }

  /** All processes are gone and the control groups removed. */
  removed(): void {
    this.#tellEnd({ reason: "destroyed", outOfMemory: false, detail: this.#removal });
    this.#resolveGone();
  }
}
