/**
 * What holds for the sandboxes of every driver, written once: a sandbox ends once and with its first
 * cause, whatever breaks the protocol is killed, and nothing is done or heard after the end.
 */

import { ServiceError } from "../errors.js";
import type { SandboxFiles } from "./files.js";
import type { KernelAnswer, KernelQuestion, QuestionName } from "./questions.js";
import type {
  CellRequest,
  InputReply,
  KernelEvents,
  Measurement,
  MessageSink,
  Sandbox,
  SandboxEnd,
  SandboxLimits,
  SandboxUsage,
} from "./sandbox.js";

/** What a driver has to provide. The guard keeps it from being used after its end. */
export interface DriverSandbox extends Omit<Sandbox, "alive" | "ended" | "destroy"> {
  /** Whether the kernel can still be reached. */
  readonly answers: boolean;
  /** Free everything. Called once. Resolves when all processes are gone. */
  end(): Promise<void>;
}

/** Tell each reason to end; only the first one counts. */
export type TellEnd = (end: SandboxEnd) => void;

export class GuardedSandbox<Inner extends DriverSandbox = DriverSandbox> implements Sandbox {
  /** For its driver alone. */
  readonly inner: Inner;
  readonly ended: Promise<SandboxEnd>;
  #resolveEnded!: (end: SandboxEnd) => void;
  #end: SandboxEnd | undefined;
  #gone: Promise<void> | undefined;

  /** `make` may tell the end at any time after it has returned. */
  constructor(make: (tellEnd: TellEnd) => Inner) {
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.inner = make((end) => void this.#finish(end));
  }

  get id(): string {
    return this.inner.id;
  }

  get alive(): boolean {
    return !this.#end && this.inner.answers;
  }

  get limits(): SandboxLimits {
    return this.inner.limits;
  }

  execute(request: CellRequest, sink: MessageSink): void {
    if (this.#end) return;
    this.inner.execute(request, (message) => {
      if (!this.#end) sink(message);
    });
  }

  answerInput(reply: InputReply): boolean {
    return this.alive && this.inner.answerInput(reply);
  }

  async ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
    timeoutMs: number,
  ): Promise<KernelAnswer<Name>> {
    if (this.#end) throw new ServiceError("QUESTION_UNANSWERED", this.#end.detail);
    return this.inner.ask(question, timeoutMs);
  }

  pauseOutput(): void {
    // A kernel that is dead has only so much more to say, and its end is told after that.
    if (this.alive) this.inner.pauseOutput();
  }

  resumeOutput(): void {
    if (!this.#end) this.inner.resumeOutput();
  }

  watchOutput(on: boolean, outputBytesMax: number): void {
    if (!this.#end) this.inner.watchOutput(on, outputBytesMax);
  }

  interrupt(): void {
    if (!this.#end) this.inner.interrupt();
  }

  setLimits(limits: SandboxLimits): Promise<void> {
    return this.inner.setLimits(limits);
  }

  async mount(names: readonly string[]): Promise<void> {
    if (this.#end) throw new ServiceError("MOUNT_FAILED", "the sandbox has just ended");
    return this.inner.mount(names);
  }

  beginMeasuring(): number {
    return this.inner.beginMeasuring();
  }

  endMeasuring(cpuSecondsBefore: number): Measurement {
    return this.inner.endMeasuring(cpuSecondsBefore);
  }

  usage(): SandboxUsage {
    return this.inner.usage();
  }

  cpuSeconds(): number {
    return this.inner.cpuSeconds();
  }

  problem(): string | null {
    return this.inner.problem();
  }

  newEvents(): KernelEvents {
    return this.inner.newEvents();
  }

  files(): Promise<SandboxFiles> {
    return this.inner.files();
  }

  destroy(reason: string): Promise<void> {
    return this.#finish({ reason: "destroyed", outOfMemory: false, detail: reason });
  }

  #finish(end: SandboxEnd): Promise<void> {
    if (!this.#gone) {
      this.#end = end;
      this.#gone = this.inner.end();
      this.#resolveEnded(end);
    }
    return this.#gone;
  }
}
