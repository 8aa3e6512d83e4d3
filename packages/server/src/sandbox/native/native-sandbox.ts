/**
 * One native sandbox as the gateway sees it: a connection to the kernel, which runs cells, and one
 * to the warden, which outlives it.
 */

import type { Socket } from "node:net";
import { ServiceError } from "../../errors.js";
import { encodeFrame, type GuestMessage, type MessageType, ProtocolViolation } from "../channel.js";
import type { SandboxFiles } from "../files.js";
import type { AnswerType, KernelAnswer, KernelQuestion, QuestionName } from "../questions.js";
import type {
  CellRequest,
  KernelEvents,
  MessageSink,
  ResourceReading,
  Sandbox,
  SandboxEnd,
  SandboxLimits,
  SandboxUsage,
} from "../sandbox.js";
import type { Reading } from "../turns.js";
import { Allowance, Flood } from "./allowance.js";
import type { Deadlines } from "./deadlines.js";
import type { GuestConnections } from "./guest-listener.js";
import { FROM_KERNEL, FROM_WARDEN, readGuest } from "./guest-reading.js";
import { KeeperAnswers, type Order } from "./keeper-answers.js";
import type { KeeperClient, Spawned } from "./keeper-client.js";
import { KernelEnd } from "./kernel-end.js";
import { Meter } from "./meter.js";
import { OpenQuestion } from "./open-question.js";
import { OutsideChanges } from "./outside-changes.js";
import type { Porter } from "./porter.js";
import { Seal, type SealOptions } from "./seal.js";

export class NativeSandbox implements Sandbox {
  readonly id: string;
  readonly ended: Promise<SandboxEnd>;
  /** Resolves when kernel and warden have both reported. */
  readonly ready: Promise<void>;
  readonly #keeper: KeeperClient;
  readonly #kernel: Socket;
  readonly #warden: Socket;
  readonly #porter: Porter;
  readonly #meter: Meter;
  readonly #deadlines: Deadlines;
  readonly #slot: number;
  readonly #allowance = new Allowance();
  readonly #changes = new OutsideChanges();
  readonly #keeperAnswers = new KeeperAnswers();
  readonly #kernelEnd = new KernelEnd((end) => this.#finish(end));
  /** Has the keeper destroy what is left. */
  readonly #onDestroy: () => void;
  readonly #sealOptions: SealOptions;
  #seal: Seal | undefined;
  #used = false;
  #limits: SandboxLimits;
  #sink: MessageSink | undefined;
  #question: OpenQuestion | undefined;
  #allowInput = false;
  /** The number of the input_request that nobody has answered yet, or 0. */
  #openInput = 0;
  #watching = false;
  readonly #kernelReading: Reading;
  #paused = false;
  #outputBytesMax = 0;
  #end: SandboxEnd | undefined;
  #resolveEnded!: (end: SandboxEnd) => void;
  #reportedReady: Record<"kernel_ready" | "warden_ready", boolean> = {
    kernel_ready: false,
    warden_ready: false,
  };
  #resolveReady!: () => void;
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;

  constructor(options: {
    id: string;
    keeper: KeeperClient;
    connections: GuestConnections;
    porter: Porter;
    spawned: Spawned;
    deadlines: Deadlines;
    limits: SandboxLimits;
    onDestroy: () => void;
  }) {
    this.id = options.id;
    this.#keeper = options.keeper;
    this.#kernel = options.connections.kernel;
    this.#warden = options.connections.warden;
    this.#porter = options.porter;
    this.#porter.onViolation = (violation) => this.#breakOff(violation);
    this.#porter.onChanged = (paths) => this.#changes.note(paths);
    this.#porter.onLimits = (settled) =>
      settled ? this.#seal?.closeLimits() : this.#seal?.openLimits();
    this.#limits = options.limits;
    this.#onDestroy = options.onDestroy;
    const { accounting, pids, host_uids: hostUids } = options.spawned;
    this.#meter = new Meter(accounting);
    this.#deadlines = options.deadlines;
    this.#slot = options.spawned.slot;
    this.#sealOptions = {
      pids,
      hostUids,
      limitFiles: [accounting.memory_limit, accounting.processes_limit],
    };
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    this.#kernelReading = this.#read(this.#kernel, FROM_KERNEL, () => {
      this.#kernelEnd.kernelClosed();
    });
    this.#read(this.#warden, FROM_WARDEN, () => this.#onWardenClosed());
  }

  get alive(): boolean {
    return this.#end === undefined && !this.#kernelEnd.hasBegun;
  }

  get limits(): SandboxLimits {
    return this.#limits;
  }

  execute(request: CellRequest, sink: MessageSink): void {
    const { code, outputBytesMax, allowInput, quiet } = request;
    this.#beginDeadline(request.timeoutMs);
    this.#used = true;
    this.#sink = sink;
    this.#allowInput = allowInput;
    this.#openInput = 0;
    this.#allowance.begin("execution");
    this.#outputBytesMax = outputBytesMax;
    this.#kernel.write(
      encodeFrame({
        msg_type: "execute_request",
        content: {
          code,
          output_bytes_max: outputBytesMax,
          sent_at: monotonicSeconds(),
          quiet,
          ...(allowInput ? { allow_input: true } : {}),
          ...(this.#changes.take() ? { look_first: true } : {}),
        },
      }),
    );
  }

  answerInput(text: string): boolean {
    const number = this.#openInput;
    if (number === 0 || !this.alive) return false;
    this.#openInput = 0;
    this.#kernel.write(encodeFrame({ msg_type: "input_reply", content: { value: text, number } }));
    return true;
  }

  ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name>> {
    const open = new OpenQuestion(question, timeoutMs, () => {
      void this.destroy("its kernel did not answer a question");
    });
    this.#question = open as unknown as OpenQuestion;
    this.#beginDeadline(timeoutMs);
    this.#allowance.begin("question");
    this.#kernel.write(
      encodeFrame({
        msg_type: `${question.name}_request`,
        content: { ...question.content, timeout_ms: timeoutMs },
      }),
    );
    return open.answer;
  }

  pauseOutput(): void {
    // A kernel that is dead has only so much more to say, and its end is told after that.
    if (this.#paused || !this.alive) return;
    this.#paused = true;
    this.#kernelReading.pause();
  }

  resumeOutput(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#kernelReading.resume();
  }

  watchOutput(on: boolean, outputBytesMax: number): void {
    if (this.#watching === on) return;
    this.#watching = on;
    this.#warden.write(
      encodeFrame({ msg_type: "pump", content: { on, output_bytes_max: outputBytesMax } }),
    );
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
    if (this.#end) throw new ServiceError("MOUNT_FAILED", "the sandbox has just ended");
    const answer = this.#keeperAnswers.next("mount");
    this.#keeper.send({ op: "mount", sandbox: this.id, mounts: names });
    const error = await answer;
    if (error === null) return;
    throw new ServiceError("MOUNT_FAILED", `${names.join(", ")}: ${error}`);
  }

  beginReading(): number {
    return this.#meter.begin();
  }

  endReading(cpuSecondsBefore: number): ResourceReading {
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

  destroy(reason: string): Promise<void> {
    this.#finish({ reason: "destroyed", outOfMemory: false, detail: reason });
    return this.#gone;
  }

  // --- what the driver passes on from the keeper ---------------------------------------------

  /** The zygote has reaped the kernel. Ask the warden for what is left in the pipes. `oomKills` counts
   * from the sandbox's beginning, and those of earlier executions did not end this kernel. */
  kernelExited(code: number, oomKills: number): void {
    if (this.#end || this.#kernelEnd.isKnown) return;
    this.resumeOutput();
    this.#kernelEnd.exited(code, this.#meter.isNewOomKill(oomKills) && code === -9);
    this.#warden.write(
      encodeFrame({ msg_type: "drain", content: { output_bytes_max: this.#outputBytesMax } }),
    );
  }

  /** PID 1 is gone, and everything with it. */
  died(outOfMemory: boolean): void {
    this.#finish({ reason: "sandbox_died", outOfMemory, detail: "the sandbox's PID 1 ended" });
  }

  /** The keeper has ended it, because what ran had had its time. */
  overdue(): void {
    const detail = "the code ran past its deadline, and the keeper ended the sandbox";
    this.#finish({ reason: "sandbox_died", outOfMemory: false, detail });
  }

  /** It has carried out an order, or says what is wrong. */
  answered(order: Order, problem: string | null): void {
    this.#keeperAnswers.settle(order, problem);
  }

  porterMade(error: string | null): void {
    this.#porter.answered(error);
  }

  /** All processes are gone and the control groups removed. */
  removed(): void {
    this.#finish({ reason: "destroyed", outOfMemory: false, detail: "removed by the keeper" });
    this.#resolveGone();
  }

  // --- what the guest sends ------------------------------------------------------------------

  #read(socket: Socket, allowed: ReadonlySet<MessageType>, onClosed: () => void): Reading {
    return readGuest(socket, {
      allowed,
      allowance: this.#allowance,
      onMessage: (message) => this.#deliver(message),
      onViolation: (error) => this.#breakOff(error),
      onClosed,
    });
  }

  /** Whatever a guest can make go wrong here costs its own sandbox, and nobody else's. */
  #breakOff(error: Error): void {
    this.#finish({
      reason: error instanceof Flood ? "flood" : "protocol_violation",
      outOfMemory: false,
      detail: `the guest broke the protocol: ${error.message}`,
    });
  }

  #deliver(message: GuestMessage<MessageType>): void {
    if (this.#end) return;
    switch (message.msg_type) {
      case "kernel_ready":
      case "warden_ready":
        this.#reportedReady[message.msg_type] = true;
        if (this.#reportedReady.kernel_ready && this.#reportedReady.warden_ready) {
          this.#resolveReady();
        }
        return;
      case "drained":
        this.#kernelEnd.wardenDrained();
        return;
      case "hello":
        return;
      case "execute_reply": {
        // What a guest sends after its answer belongs to no execution, and counts as talk between them.
        const sink = this.#sink;
        if (!sink) return;
        this.#sink = undefined;
        this.#deadlines.end(this.#slot);
        this.#openInput = 0;
        this.#allowance.begin("none");
        this.#changes.leaveOut(message.content);
        sink(message);
        return;
      }
      case "input_request":
        if (this.#sink) this.#noteInputRequest();
        this.#sink?.(message);
        return;
      case "complete_reply":
      case "inspect_reply":
      case "is_complete_reply":
      case "variables_reply":
      case "script_reply":
      case "question_failed":
        this.#settleQuestion(message);
        return;
      default:
        this.#sink?.(message);
    }
  }

  /** Once it has ended its slot may be another's. */
  #beginDeadline(timeoutMs: number): void {
    if (!this.#end) this.#deadlines.begin(this.#slot, timeoutMs);
  }

  #noteInputRequest(): void {
    if (!this.#allowInput) throw new ProtocolViolation("a question where nobody can answer");
    this.#openInput = this.#allowance.countInputRequest();
  }

  #settleQuestion(message: GuestMessage<AnswerType>): void {
    const question = this.#question;
    if (!question) throw new ProtocolViolation("an answer to no question");
    question.settle(message);
    this.#deadlines.end(this.#slot);
    this.#question = undefined;
    this.#allowance.begin("none");
    // What a question has met, such as the end of memory, is not the next execution's.
    if (message.msg_type === "question_failed") this.#meter.leaveOutWhatHappened();
  }

  #onWardenClosed(): void {
    this.#kernelEnd.wardenDrained();
    // Without a warden nobody supervises: make sure that nothing stays, and learn the reason.
    if (!this.#end) this.#keeper.send({ op: "destroy", sandbox: this.id });
  }

  #finish(end: SandboxEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#kernelEnd.close();
    this.#meter.close();
    this.#kernel.destroy();
    this.#warden.destroy();
    this.#porter.close();
    this.#keeperAnswers.close();
    this.#question?.fail("the sandbox has ended");
    this.#onDestroy();
    this.#resolveEnded(end);
  }
}

/** CLOCK_MONOTONIC, which a sandbox shares: the kernel tells by it whose an early interrupt is. */
function monotonicSeconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds + nanoseconds / 1e9;
}
