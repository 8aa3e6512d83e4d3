/**
 * What is said with the guest of one sandbox, whatever wall is around it: cells, questions and input
 * to the kernel, orders to the warden, and everything that comes back, held to what was asked for.
 */

import type { Socket } from "node:net";
import type { AnswerType, KernelAnswer, KernelQuestion, QuestionName } from "../questions.js";
import type {
  CellRequest,
  CellWishes,
  CommMessage,
  InputReply,
  MessageSink,
  SandboxEnd,
} from "../sandbox.js";
import type { ReadingControl } from "../turns.js";
import { endsInHalf } from "../whole-text.js";
import { Allowance, Flood } from "./allowance.js";
import { encodeFrame, type GuestMessage, type MessageType, ProtocolViolation } from "./channel.js";
import { faultDetail, KernelEnd, type SandboxProcess } from "./kernel-end.js";
import { OpenQuestion } from "./open-question.js";
import { OutsideChanges } from "./outside-changes.js";
import { FROM_KERNEL, FROM_WARDEN, readGuest } from "./reader.js";

const STDIN_PIECE_CHARACTERS = 1_000_000;

/** One connection to the kernel, which runs cells, and one to the warden, which outlives it. */
export interface GuestConnections {
  readonly kernel: Socket;
  readonly warden: Socket;
}

/** What the driver learns. */
export interface ConversationListener {
  /** The kernel has ended and all that it said is delivered, or the guest broke the protocol. */
  readonly onEnd: (end: SandboxEnd) => void;
  /** The warden has ended, so nothing in the sandbox supervises it. */
  readonly onWardenClosed: () => void;
  /** The cell or question that was under way has its answer, and nothing runs for it. */
  readonly onAnswered: () => void;
  /** A question met something, such as the end of memory, that is not the next cell's. */
  readonly onQuestionFailed: () => void;
  /** A process of the service's ends by a fault, as it says itself. */
  readonly onFault: (process: SandboxProcess, reason: string) => void;
}

type Ready = "kernel_ready" | "warden_ready";

export class GuestConversation {
  /** Resolves when kernel and warden have both reported. */
  readonly ready: Promise<void>;
  readonly changes = new OutsideChanges();
  readonly #kernel: Socket;
  readonly #warden: Socket;
  readonly #listener: ConversationListener;
  readonly #allowance = new Allowance();
  readonly #kernelEnd: KernelEnd;
  readonly #kernelReading: ReadingControl;
  readonly #wardenReading: ReadingControl;
  readonly #unready = new Set<Ready>(["kernel_ready", "warden_ready"]);
  #resolveReady!: () => void;
  #sink: MessageSink | undefined;
  #question: OpenQuestion | undefined;
  #allowInput = false;
  /** The number of the input_request that is not answered yet, or 0. */
  #openInput = 0;
  #isWatching = false;
  #isPaused = false;
  #isClosed = false;
  #outputBytesMax = 0;

  constructor(connections: GuestConnections, listener: ConversationListener) {
    this.#kernel = connections.kernel;
    this.#warden = connections.warden;
    this.#listener = listener;
    this.#kernelEnd = new KernelEnd(listener.onEnd, {
      bytes: () => this.#kernel.bytesRead + this.#warden.bytesRead,
      isBeingRead: () => this.#kernelReading.isBusy || this.#wardenReading.isBusy,
    });
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#kernelReading = this.#read("kernel", FROM_KERNEL, () => {
      this.#kernelEnd.kernelClosed();
    });
    this.#wardenReading = this.#read("warden", FROM_WARDEN, () => {
      this.#kernelEnd.wardenDrained();
      if (!this.#isClosed) listener.onWardenClosed();
    });
  }

  /** Whether the kernel can still be reached. */
  get answers(): boolean {
    return !this.#kernelEnd.hasBegun;
  }

  execute(request: CellRequest, sink: MessageSink): void {
    const { code, outputBytesMax, allowInput, stdin, quiet } = request;
    this.#sink = sink;
    this.#allowInput = allowInput;
    this.#openInput = 0;
    this.#allowance.begin("execution");
    this.#outputBytesMax = outputBytesMax;
    if (stdin !== undefined) this.#giveStandardInput(stdin);
    this.#kernel.write(
      encodeFrame({
        msg_type: "execute_request",
        content: {
          code,
          output_bytes_max: outputBytesMax,
          sent_at: monotonicSeconds(),
          quiet,
          ...(allowInput ? { allow_input: true } : {}),
          argv: request.argv,
          env: request.env,
          ...(request.wishes ? { wishes: wishesToWire(request.wishes) } : {}),
          ...(request.comm ? { comm: commToWire(request.comm) } : {}),
          parent: request.parentId,
          ...(this.changes.take() ? { look_first: true } : {}),
        },
      }),
    );
  }

  /** A frame has room for six bytes of JSON a character. */
  #giveStandardInput(text: string): void {
    let at = 0;
    do {
      let to = Math.min(at + STDIN_PIECE_CHARACTERS, text.length);
      // A character stays together.
      if (to < text.length && endsInHalf(text.charAt(to - 1))) to--;
      const content = { text: text.slice(at, to) };
      this.#kernel.write(encodeFrame({ msg_type: "standard_input", content }));
      at = to;
    } while (at < text.length);
  }

  answerInput(reply: InputReply): boolean {
    const number = this.#openInput;
    if (number === 0) return false;
    this.#openInput = 0;
    const message =
      "line" in reply
        ? { msg_type: "input_reply", content: { value: reply.line, number } }
        : { msg_type: "input_piece", content: { ...reply, number } };
    this.#kernel.write(encodeFrame(message));
    return true;
  }

  ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name>> {
    const open = new OpenQuestion(question, timeoutMs, () => {
      const detail = "its kernel did not answer a question";
      this.#listener.onEnd({ reason: "destroyed", outOfMemory: false, detail });
    });
    this.#question = open as unknown as OpenQuestion;
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
    // Of a dead kernel there is little more to come, and its end waits for it.
    if (this.#isPaused || this.#kernelEnd.isKnown) return;
    this.#isPaused = true;
    this.#kernelReading.pause();
  }

  resumeOutput(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#kernelReading.resume();
  }

  watchOutput(on: boolean, outputBytesMax: number): void {
    if (this.#isWatching === on) return;
    this.#isWatching = on;
    this.#warden.write(
      encodeFrame({ msg_type: "pump", content: { on, output_bytes_max: outputBytesMax } }),
    );
  }

  /** The kernel's process has ended, as its parent says. The warden sends what is left in the pipes. */
  kernelExited(code: number, outOfMemory: boolean): void {
    if (this.#isClosed || this.#kernelEnd.isKnown) return;
    this.resumeOutput();
    this.#kernelEnd.exited(code, outOfMemory);
    this.#warden.write(
      encodeFrame({ msg_type: "drain", content: { output_bytes_max: this.#outputBytesMax } }),
    );
  }

  /** Whatever a guest makes go wrong costs its own sandbox only. */
  breakOff(error: Error): void {
    this.#listener.onEnd({
      reason: error instanceof Flood ? "flood" : "protocol_violation",
      outOfMemory: false,
      detail: `the guest broke the protocol: ${error.message}`,
    });
  }

  /** Nothing is said or heard any more. */
  close(): void {
    this.#isClosed = true;
    this.#kernelEnd.close();
    this.#kernel.destroy();
    this.#warden.destroy();
    this.#question?.fail("the sandbox has ended");
  }

  #read(
    process: "kernel" | "warden",
    allowed: ReadonlySet<MessageType>,
    onClosed: () => void,
  ): ReadingControl {
    return readGuest(process === "kernel" ? this.#kernel : this.#warden, {
      allowed,
      allowance: this.#allowance,
      onMessage: (message) => {
        if (message.msg_type === "fault") this.#noteFault(process, message.content.reason);
        else this.#deliver(message);
      },
      onViolation: (error) => {
        if (!this.#isClosed) this.breakOff(error);
      },
      onClosed,
    });
  }

  /** A kernel's word counts when its parent says that it has ended; a warden is believed. */
  #noteFault(process: "kernel" | "warden", reason: string): void {
    if (this.#isClosed) return;
    if (process === "warden" || this.#kernelEnd.failed(reason)) {
      this.#listener.onFault(process, reason);
    }
    if (process === "kernel") return;
    const detail = faultDetail(process, reason);
    this.#listener.onEnd({ reason: "sandbox_died", outOfMemory: false, ...detail });
  }

  #deliver(message: Exclude<GuestMessage<MessageType>, { msg_type: "fault" }>): void {
    if (this.#isClosed) return;
    switch (message.msg_type) {
      case "kernel_ready":
      case "warden_ready":
        this.#unready.delete(message.msg_type);
        if (this.#unready.size === 0) this.#resolveReady();
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
        this.#listener.onAnswered();
        this.#openInput = 0;
        this.#allowance.begin("none");
        this.changes.leaveOut(message.content);
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

  #noteInputRequest(): void {
    if (!this.#allowInput) throw new ProtocolViolation("an input request where none is allowed");
    this.#openInput = this.#allowance.countInputRequest();
  }

  #settleQuestion(message: GuestMessage<AnswerType>): void {
    const question = this.#question;
    if (!question) throw new ProtocolViolation("an answer to no question");
    question.settle(message);
    this.#listener.onAnswered();
    this.#question = undefined;
    this.#allowance.begin("none");
    if (message.msg_type === "question_failed") this.#listener.onQuestionFailed();
  }
}

function commToWire({ kind, commId, targetName, data, metadata, buffers }: CommMessage) {
  return { kind, comm_id: commId, target_name: targetName, data, metadata, buffers };
}

function wishesToWire({ silent, storeHistory, expressions }: CellWishes) {
  return { silent, store_history: storeHistory, user_expressions: expressions };
}

/** CLOCK_MONOTONIC, which a sandbox shares: the kernel tells by it whose an early interrupt is. */
function monotonicSeconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds + nanoseconds / 1e9;
}
