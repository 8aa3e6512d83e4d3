/**
 * One native sandbox as the gateway sees it: a connection to the kernel, which runs cells, and one
 * to the warden, which outlives it.
 */

import type { Socket } from "node:net";
import { ServiceError } from "../../errors.js";
import {
  checkMessage,
  countJsonValues,
  encodeFrame,
  FrameParser,
  type GuestMessage,
  type KernelMessage,
  type MessageType,
  ProtocolViolation,
} from "../channel.js";
import type { SandboxFiles } from "../files.js";
import type { AnswerType, KernelAnswer, KernelQuestion, QuestionName } from "../questions.js";
import {
  type CellRequest,
  type KernelEvents,
  type MessageSink,
  NO_EVENTS,
  type ResourceReading,
  type Sandbox,
  type SandboxEnd,
  type SandboxLimits,
  type SandboxUsage,
} from "../sandbox.js";
import { type Reading, readInTurns } from "../turns.js";
import { Accounting } from "./accounting.js";
import type { GuestConnections } from "./guest-listener.js";
import type { KeeperClient, Spawned } from "./keeper-client.js";
import { OpenQuestion } from "./open-question.js";
import type { Porter } from "./porter.js";
import { Seal, type SealOptions } from "./seal.js";

const FROM_KERNEL: ReadonlySet<KernelMessage["msg_type"] | AnswerType | "kernel_ready"> = new Set([
  "kernel_ready",
  "stream",
  "display_data",
  "update_display_data",
  "clear_output",
  "execute_result",
  "input_request",
  "execute_reply",
  "complete_reply",
  "inspect_reply",
  "is_complete_reply",
  "variables_reply",
  "script_reply",
  "question_failed",
]);
const FROM_WARDEN: ReadonlySet<"warden_ready" | "stream" | "drained"> = new Set([
  "warden_ready",
  "stream",
  "drained",
]);
/** How long the warden gets to send what a dead kernel left behind. */
const DRAIN_TIMEOUT_MS = 300;
const ANSWER_TIMEOUT_MS = 5000;
const UPLOADED_MAX = 10_000;
const IDLE_MS = 20;
const IDLE_BYTES_MAX = 4 * 1024 * 1024;
const IDLE_FRAME_BYTES_MAX = 64 * 1024;
const EXECUTION_BYTES_MAX = 64 * 1024 * 1024;
const VALUES_MAX = 500_000;
/** Of one execution. Each is an event that somebody may follow. */
const INPUT_REQUESTS_MAX = 10_000;
/** Reading so much never keeps anybody waiting. */
const LIGHT_BYTES_MAX = 16 * 1024;

/** A guest says more than anyone wants to read. */
class Flood extends ProtocolViolation {}

export class NativeSandbox implements Sandbox {
  readonly id: string;
  readonly ended: Promise<SandboxEnd>;
  /** Resolves when kernel and warden have both reported. */
  readonly ready: Promise<void>;
  readonly #keeper: KeeperClient;
  readonly #kernel: Socket;
  readonly #warden: Socket;
  readonly #porter: Porter;
  readonly #accounting: Accounting;
  /** Has the keeper destroy what is left. */
  readonly #onDestroy: () => void;
  readonly #sealOptions: SealOptions;
  #seal: Seal | undefined;
  #used = false;
  #limits: SandboxLimits;
  #sink: MessageSink | undefined;
  #question: OpenQuestion | undefined;
  #allowInput = false;
  /** How many the execution has sent. */
  #inputRequests = 0;
  #inputIsOpen = false;
  #watching = false;
  readonly #kernelReading: Reading;
  #paused = false;
  #eventsSeen: KernelEvents = NO_EVENTS;
  /** When the last execution ended. */
  #idleSince = Number.POSITIVE_INFINITY;
  /** Of the present execution, or since the last. */
  #bytes = 0;
  #values = 0;
  #outputBytesMax = 0;
  /** Files have been changed from outside since the last execution began, and which have come. */
  #filesChanged = false;
  readonly #uploaded = new Set<string>();
  #end: SandboxEnd | undefined;
  #resolveEnded!: (end: SandboxEnd) => void;
  #reportedReady: Record<"kernel_ready" | "warden_ready", boolean> = {
    kernel_ready: false,
    warden_ready: false,
  };
  #resolveReady!: () => void;
  #kernelFinished = false;
  #wardenDrained = false;
  #deathNote: SandboxEnd | undefined;
  #drainTimer: NodeJS.Timeout | undefined;
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;
  readonly #answers = new Map<"limit" | "mount", (error: string | null) => void>();

  constructor(options: {
    id: string;
    keeper: KeeperClient;
    connections: GuestConnections;
    porter: Porter;
    spawned: Spawned;
    limits: SandboxLimits;
    onDestroy: () => void;
  }) {
    this.id = options.id;
    this.#keeper = options.keeper;
    this.#kernel = options.connections.kernel;
    this.#warden = options.connections.warden;
    this.#porter = options.porter;
    this.#porter.onViolation = (violation) => this.#breakOff(violation);
    this.#porter.onChanged = (paths) => {
      this.#filesChanged = true;
      // Of what comes and goes unseen while code runs, more is not worth remembering.
      for (const path of paths) if (this.#uploaded.size < UPLOADED_MAX) this.#uploaded.add(path);
    };
    this.#porter.onLimits = (settled) =>
      settled ? this.#seal?.closeLimits() : this.#seal?.openLimits();
    this.#limits = options.limits;
    this.#onDestroy = options.onDestroy;
    const { accounting, pids, host_uids: hostUids } = options.spawned;
    this.#accounting = new Accounting(accounting);
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
    this.#kernelReading = this.#attach(this.#kernel, FROM_KERNEL, () => this.#onKernelClosed());
    this.#attach(this.#warden, FROM_WARDEN, () => this.#onWardenClosed());
  }

  get alive(): boolean {
    return this.#end === undefined && this.#deathNote === undefined && !this.#kernelFinished;
  }

  get limits(): SandboxLimits {
    return this.#limits;
  }

  execute({ code, outputBytesMax, allowInput, quiet }: CellRequest, sink: MessageSink): void {
    this.#used = true;
    this.#sink = sink;
    this.#allowInput = allowInput;
    this.#inputRequests = 0;
    this.#bytes = 0;
    this.#values = 0;
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
          ...(this.#filesChanged ? { look_first: true } : {}),
        },
      }),
    );
    if (this.#filesChanged) {
      this.#filesChanged = false;
      this.#uploaded.clear();
    }
  }

  answerInput(text: string): boolean {
    if (!this.#inputIsOpen || !this.alive) return false;
    this.#inputIsOpen = false;
    this.#kernel.write(
      encodeFrame({
        msg_type: "input_reply",
        content: { value: text, number: this.#inputRequests },
      }),
    );
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
    this.#bytes = 0;
    this.#values = 0;
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
    const answer = this.#answer("limit");
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
    const answer = this.#answer("mount");
    this.#keeper.send({ op: "mount", sandbox: this.id, mounts: names });
    const error = await answer;
    if (error === null) return;
    throw new ServiceError("MOUNT_FAILED", `${names.join(", ")}: ${error}`);
  }

  /** The keeper's next answer of this kind: what is wrong, or null. */
  #answer(kind: "limit" | "mount"): Promise<string | null> {
    return new Promise<string | null>((resolve) => {
      const settle = (answer: string | null) => {
        clearTimeout(timer);
        this.#answers.delete(kind);
        resolve(answer);
      };
      const timer = setTimeout(() => settle("the keeper does not answer"), ANSWER_TIMEOUT_MS);
      this.#answers.set(kind, settle);
    });
  }

  beginReading(): number {
    // What happens between executions is none of the next one's. Where one follows upon the other
    // nobody looks, as looking would cost a hundredth of a short execution.
    if (performance.now() - this.#idleSince > IDLE_MS) this.newEvents();
    this.#accounting.resetMemoryPeak();
    return this.#accounting.cpuSeconds();
  }

  endReading(cpuSecondsBefore: number): ResourceReading {
    this.#idleSince = performance.now();
    return {
      cpuSeconds: Math.max(0, this.#accounting.cpuSeconds() - cpuSecondsBefore),
      memoryPeakBytes: this.#accounting.memoryPeakBytes(),
    };
  }

  usage(): SandboxUsage {
    return {
      cpuSeconds: this.#accounting.cpuSeconds(),
      memoryPeakBytes: this.#accounting.memoryPeakBytes(),
      ...this.#accounting.current(),
    };
  }

  cpuSeconds(): number {
    return this.#accounting.cpuSeconds();
  }

  /** Note how it is confined, now that it is ready. Returns what is wrong with it, or null. */
  seal(): string | null {
    this.#seal = new Seal(this.#sealOptions);
    return this.problem();
  }

  problem(): string | null {
    return this.#seal ? this.#seal.problem(this.#used) : "it is not ready";
  }

  newEvents(): KernelEvents {
    const seen = this.#eventsSeen;
    const now = this.#accounting.events();
    this.#eventsSeen = now;
    return {
      oomKills: Math.max(0, now.oomKills - seen.oomKills),
      processesRefused: Math.max(0, now.processesRefused - seen.processesRefused),
    };
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
    if (this.#end || this.#deathNote) return;
    this.resumeOutput();
    this.#deathNote = {
      reason: "kernel_exited",
      exitCode: code,
      outOfMemory: oomKills > this.#eventsSeen.oomKills && code === -9,
      detail: code < 0 ? `the kernel was ended by signal ${-code}` : `the kernel exited (${code})`,
    };
    this.#warden.write(
      encodeFrame({ msg_type: "drain", content: { output_bytes_max: this.#outputBytesMax } }),
    );
    this.#drainTimer = setTimeout(() => this.#settleDeath(true), DRAIN_TIMEOUT_MS);
  }

  /** PID 1 is gone, and everything with it. */
  died(outOfMemory: boolean): void {
    this.#finish({ reason: "sandbox_died", outOfMemory, detail: "the sandbox's PID 1 ended" });
  }

  limited(error: string | null): void {
    this.#answers.get("limit")?.(error);
  }

  mounted(error: string | null): void {
    this.#answers.get("mount")?.(error);
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

  #attach<T extends MessageType>(
    socket: Socket,
    allowed: ReadonlySet<T>,
    onClosed: () => void,
  ): Reading {
    const parser = new FrameParser((frame) => this.#inspect(frame));
    const isHeavy = (chunk: Buffer) =>
      chunk.length > LIGHT_BYTES_MAX || parser.heldBytes > LIGHT_BYTES_MAX;
    const reading = readInTurns(socket, isHeavy, (chunk) => {
      try {
        this.#countBytes(chunk.length);
        for (const value of parser.push(chunk)) {
          this.#deliver(checkMessage(value, allowed as ReadonlySet<MessageType>));
        }
        if (!this.#sink && !this.#question && parser.heldBytes > IDLE_FRAME_BYTES_MAX) {
          throw new ProtocolViolation("an unfinished frame between executions");
        }
      } catch (error) {
        this.#breakOff(error as Error);
      }
    });
    socket.on("close", onClosed);
    socket.resume();
    return reading;
  }

  /** Whatever a guest can make go wrong here costs its own sandbox, and nobody else's. */
  #breakOff(error: Error): void {
    this.#finish({
      reason: error instanceof Flood ? "flood" : "protocol_violation",
      outOfMemory: false,
      detail: `the guest broke the protocol: ${error.message}`,
    });
  }

  /** Reading costs time, so what a guest may say is bounded, for an execution and between them. */
  #countBytes(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > (this.#sink ? EXECUTION_BYTES_MAX : IDLE_BYTES_MAX)) {
      throw new Flood(`more than ${this.#bytes - 1} bytes`);
    }
  }

  #inspect(frame: Buffer): void {
    this.#values += countJsonValues(frame);
    if (this.#values > VALUES_MAX) throw new Flood(`more than ${VALUES_MAX} JSON values`);
  }

  #deliver(message: ReturnType<typeof checkMessage>): void {
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
        this.#wardenDrained = true;
        this.#settleDeath(false);
        return;
      case "hello":
        return;
      case "execute_reply": {
        // What a guest sends after its answer belongs to no execution.
        const sink = this.#sink;
        this.#sink = undefined;
        this.#inputIsOpen = false;
        this.#bytes = 0;
        this.#values = 0;
        if (this.#filesChanged) this.#leaveOutUploads(message.content);
        sink?.(message);
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

  #noteInputRequest(): void {
    if (!this.#allowInput) throw new ProtocolViolation("a question where nobody can answer");
    if (++this.#inputRequests > INPUT_REQUESTS_MAX) {
      throw new Flood(`more than ${INPUT_REQUESTS_MAX} questions`);
    }
    this.#inputIsOpen = true;
  }

  #settleQuestion(message: GuestMessage<AnswerType>): void {
    const question = this.#question;
    if (!question) throw new ProtocolViolation("an answer to no question");
    question.settle(message);
    this.#question = undefined;
    this.#bytes = 0;
    this.#values = 0;
    // What a question has met, such as the end of memory, is not the next execution's.
    if (message.msg_type === "question_failed") this.#idleSince = Number.NEGATIVE_INFINITY;
  }

  /** What was uploaded while the code ran is none of its doing. */
  #leaveOutUploads(reply: { files_created?: string[]; files_modified?: string[] }): void {
    const byCode = (path: string) => !this.#uploaded.has(path);
    if (reply.files_created) reply.files_created = reply.files_created.filter(byCode);
    if (reply.files_modified) reply.files_modified = reply.files_modified.filter(byCode);
  }

  #onKernelClosed(): void {
    this.#kernelFinished = true;
    this.#settleDeath(false);
  }

  #onWardenClosed(): void {
    this.#wardenDrained = true;
    this.#settleDeath(false);
    // Without a warden nobody supervises: make sure that nothing stays, and learn the reason.
    if (!this.#end) this.#keeper.send({ op: "destroy", sandbox: this.id });
  }

  /** A dead kernel's end is told once both connections have delivered everything, or time is up. */
  #settleDeath(timeIsUp: boolean): void {
    if (!this.#deathNote) return;
    if (timeIsUp || (this.#kernelFinished && this.#wardenDrained)) this.#finish(this.#deathNote);
  }

  #finish(end: SandboxEnd): void {
    if (this.#end) return;
    this.#end = end;
    clearTimeout(this.#drainTimer);
    this.#accounting.close();
    this.#kernel.destroy();
    this.#warden.destroy();
    this.#porter.close();
    for (const answer of this.#answers.values()) answer("the sandbox has ended");
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
