/**
 * Runs one cell in a sandbox and says how it ended. The deadline is ours alone: the guest is
 * interrupted, given a moment, and then destroyed, whatever it does.
 */

import type { KernelMessage } from "../sandbox/guest/channel.js";
import { type InputReply, NO_EVENTS, type Sandbox, type SandboxEnd } from "../sandbox/sandbox.js";
import type { EventSink } from "./execution-events.js";
import type { ExecutionRequest } from "./execution-request.js";
import {
  type Bounds,
  explainCommand,
  explainFailure,
  explainInstall,
  type Failure,
} from "./explanation.js";
import { weighJson } from "./json-bytes.js";
import type {
  ExecutionError,
  ExecutionOutcome,
  ExecutionStatus,
  ExplainedError,
  RestartReason,
} from "./outcome.js";
import { bytesToSend, HINT_PREFIX, OutputCollector } from "./output-collector.js";
import type { Output } from "./outputs.js";

type Reply = Extract<KernelMessage, { msg_type: "execute_reply" }>["content"];
type InputRequest = Extract<KernelMessage, { msg_type: "input_request" }>["content"];
type StopCause = "timeout" | "output_limit" | "interrupted";

/** Between the interrupt and the kill. */
const GRACE_MS = 1000;
/** Cells that take longer than this get their output forwarded while they run. */
const WATCH_AFTER_MS = 50;
/** The same for an execution with followers. Most cells are shorter still, and need no second process. */
const WATCH_FOLLOWED_AFTER_MS = 10;
/** Meeting a limit takes time, so the shortest cells need not be asked. */
const EVENT_SECONDS_MIN = 0.002;
const INSTALL_SECONDS_MIN = 0.1;

/** More than the guest's kernel sends. */
const TRACEBACK_CHARACTERS_MAX = 256 * 1024;

/** The guest's kernel keeps within less. */
const EXPRESSIONS_WEIGHT_MAX = 256 * 1024;

const EXIT_CODES: Record<ExecutionStatus, number> = {
  ok: 0,
  error: 1,
  timeout: 124,
  out_of_memory: 137,
  killed: 137,
  output_limit: 137,
  interrupted: 130,
};

/** Runs one cell, once. */
export class Run {
  readonly #sandbox: Sandbox;
  readonly #request: ExecutionRequest;
  readonly #collector: OutputCollector;
  #stopCause: StopCause | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #over = false;
  #inputRequest: InputRequest | undefined;

  readonly #restarted: RestartReason | undefined;

  /** With `onEvent` from the beginning, output is forwarded sooner. */
  constructor(
    sandbox: Sandbox,
    request: ExecutionRequest,
    onEvent?: EventSink,
    restarted?: RestartReason,
  ) {
    this.#restarted = restarted;
    this.#sandbox = sandbox;
    this.#request = request;
    this.#collector = new OutputCollector(request.outputBytesMax, () => this.#stop("output_limit"));
    this.#collector.onEvent = onEvent;
  }

  /** Told of everything that is kept, from now on. */
  set onEvent(onEvent: EventSink) {
    this.#collector.onEvent = onEvent;
  }

  /** What there is so far. */
  get outputs(): readonly Output[] {
    return this.#collector.outputs;
  }

  /** The question that is open, if one is. */
  get inputRequest(): InputRequest | undefined {
    return this.#inputRequest;
  }

  /** To the question that is open. False when none is. */
  answerInput(reply: InputReply): boolean {
    if (this.#over || !this.#sandbox.answerInput(reply)) return false;
    this.#inputRequest = undefined;
    return true;
  }

  /** KeyboardInterrupt in the code. If the code does not let it through, the run goes on. */
  interrupt(): void {
    if (this.#over) return;
    // A kernel that waits to write cannot be interrupted before it has written.
    this.#sandbox.resumeOutput();
    this.#sandbox.interrupt();
  }

  /** Interrupt it because it is no longer wanted, and say so in the outcome if that must be forced. */
  end(): void {
    this.#stop("interrupted");
  }

  /** Make the guest wait with its output, or go on. A run that is being stopped does not wait. */
  setPaused(paused: boolean): void {
    if (this.#over) return;
    if (paused && this.#stopCause === undefined) this.#sandbox.pauseOutput();
    else this.#sandbox.resumeOutput();
  }

  #stop(cause: StopCause): void {
    if (this.#stopCause || this.#over) return;
    this.#stopCause = cause;
    this.interrupt();
    this.#graceTimer = setTimeout(
      () => void this.#sandbox.destroy(cause),
      this.#request.graceMs ?? GRACE_MS,
    );
  }

  async toEnd(bounds: Bounds): Promise<ExecutionOutcome> {
    const sandbox = this.#sandbox;
    const collector = this.#collector;
    const cpuBefore = sandbox.beginMeasuring();
    this.#startedAt = performance.now();
    const how = await this.#untilItEnds();
    const replied = !("reason" in how);
    const wallSeconds = (performance.now() - this.#startedAt) / 1000;
    const reading = sandbox.endMeasuring(cpuBefore);
    const stopCause =
      this.#stopCause ?? (isOverdue(how, wallSeconds, this.#request) ? "timeout" : undefined);
    const endedWell = replied && how.status === "ok" && stopCause === undefined;
    const events = endedWell && wallSeconds < EVENT_SECONDS_MIN ? NO_EVENTS : sandbox.newEvents();
    if (replied) sandbox.watchOutput(false, 0);

    const status = statusOf(how, stopCause, events.oomKills > 0 || (!replied && how.outOfMemory));
    collector.finish();
    const spent = !replied || this.#endsWith(stopCause);
    const told = errorOf(status, how, !spent);
    let error: ExplainedError | null = null;
    if (told) {
      const failure: Failure = {
        status,
        ...(replied && how.error ? how.error : NOTHING_TOLD),
        stderr: collector.text("stderr"),
        kernelExitCode: replied ? undefined : how.exitCode,
        sessionGoesOn: !spent,
        restarted: this.#restarted,
        nearby: replied ? how.nearby : undefined,
        events,
        timeoutMs: this.#request.timeoutMs,
        memoryBytes: sandbox.limits.memoryBytes,
        memoryPeakBytes: reading.memoryPeakBytes,
      };
      error = withHint(told, explainFailure(failure, bounds));
      collector.addError(error);
    } else {
      const words = collector.text("stderr");
      const note =
        wallSeconds > INSTALL_SECONDS_MIN
          ? explainInstall(collector.text("stdout") + words, bounds)
          : null;
      const said = note ?? explainCommand(words);
      if (said) collector.addNote(said);
    }
    return {
      status,
      exitCode: replied && status === "error" ? (how.exit_code ?? 1) : EXIT_CODES[status],
      outputs: collector.outputs,
      stdout: collector.text("stdout"),
      stderr: collector.text("stderr") + (error ? `${error.traceback.join("\n")}\n` : ""),
      truncated: collector.truncated,
      error,
      restarted: this.#restarted,
      executionTime: replied ? how.execution_time : wallSeconds,
      executionCount: replied ? how.execution_count : null,
      ...(replied && how.user_expressions ? expressionsOf(how.user_expressions) : {}),
      filesCreated: replied ? (how.files_created ?? []) : [],
      filesModified: replied ? (how.files_modified ?? []) : [],
      cpuSeconds: reading.cpuSeconds,
      sandboxCpuSeconds: cpuBefore + reading.cpuSeconds,
      memoryPeakBytes: reading.memoryPeakBytes,
      wallSeconds,
      outputBytes: collector.bytes,
      spent,
    };
  }

  /** Code that lets the interrupt of its deadline through leaves an interpreter that is as good as before. */
  #endsWith(stopCause: StopCause | undefined): boolean {
    if (stopCause !== "timeout") return stopCause !== undefined;
    return this.#request.endsAtTimeout ?? false;
  }

  /** The cell itself: send it, collect what it says, and hold it to its deadline. */
  async #untilItEnds(): Promise<Reply | SandboxEnd> {
    const sandbox = this.#sandbox;
    const outputBytesMax = bytesToSend(this.#request.outputBytesMax);
    const request = { ...this.#request, outputBytesMax };
    const watchAfterMs = this.#collector.onEvent ? WATCH_FOLLOWED_AFTER_MS : WATCH_AFTER_MS;
    const deadline = setTimeout(() => this.#stop("timeout"), request.timeoutMs);
    const watch = setTimeout(() => sandbox.watchOutput(true, request.outputBytesMax), watchAfterMs);
    const how = await new Promise<Reply | SandboxEnd>((resolve) => {
      void sandbox.ended.then(resolve);
      sandbox.execute(request, (message) => {
        if (message.msg_type === "execute_reply") {
          resolve(message.content);
          return;
        }
        if (message.msg_type === "input_request") this.#inputRequest = message.content;
        this.#collector.add(message);
      });
    });
    this.#over = true;
    clearTimeout(deadline);
    clearTimeout(watch);
    clearTimeout(this.#graceTimer);
    sandbox.resumeOutput();
    return how;
  }
}

/** A hostile kernel may say more than any honest one, and a session keeps it. */
function expressionsOf(userExpressions: Readonly<Record<string, unknown>>) {
  return weighJson(userExpressions) > EXPRESSIONS_WEIGHT_MAX ? {} : { userExpressions };
}

const NOTHING_TOLD: ExecutionError = { ename: "", evalue: "", traceback: [] };

/** The traceback has the hint as its last line, as that is what models are shown. */
function withHint(told: ExecutionError, hint: string | null): ExplainedError {
  if (hint === null) return { ...told, hint };
  return { ...told, traceback: [...told.traceback, `${HINT_PREFIX}${hint}`], hint };
}

/** Where this process was held up for so long that the keeper has ended it, the news of that may be there
 * before the deadline's own timer has had its turn. */
function isOverdue(
  how: Reply | SandboxEnd,
  wallSeconds: number,
  { timeoutMs }: ExecutionRequest,
): boolean {
  const isUnexplained = "reason" in how && how.exitCode === undefined;
  return isUnexplained && how.reason !== "flood" && wallSeconds * 1000 >= timeoutMs;
}

function statusOf(
  how: Reply | SandboxEnd,
  stopCause: StopCause | undefined,
  memoryRanOut: boolean,
): ExecutionStatus {
  if (memoryRanOut) return "out_of_memory";
  if (stopCause) return stopCause;
  if ("reason" in how && how.reason === "flood") return "output_limit";
  if ("reason" in how) return "killed";
  return how.status;
}

/** Words for a person or a model, also where Python itself could not say it. */
function errorOf(
  status: ExecutionStatus,
  how: Reply | SandboxEnd,
  goesOn: boolean,
): ExecutionError | null {
  const told = "reason" in how || !how.error ? null : bounded(how.error);
  switch (status) {
    case "ok":
      return null;
    case "error":
    case "interrupted":
      return told;
    case "timeout":
      return explain(
        "ExecutionTimeout",
        goesOn
          ? "the code ran longer than its timeout and was interrupted; the session goes on"
          : "the code ran longer than its timeout and was stopped; the session starts afresh",
        told,
      );
    case "output_limit":
      return explain(
        "OutputLimitExceeded",
        "the code wrote far more output than the limit and was stopped; the session starts afresh",
        told,
      );
    case "out_of_memory":
      return explain(
        "OutOfMemory",
        "the sandbox used more memory than its limit, and the kernel ended a process of it",
        told,
      );
    case "killed":
      return explain("KernelDied", "reason" in how ? deathSentence(how) : "", told);
  }
}

/** A hostile kernel may say a hundred times more, and an answer repeats it. */
function bounded(error: ExecutionError): ExecutionError {
  let characters = 0;
  const traceback = error.traceback.filter((line) => {
    characters += line.length;
    return characters <= TRACEBACK_CHARACTERS_MAX;
  });
  return { ...error, traceback };
}

function explain(ename: string, evalue: string, told: ExecutionError | null): ExecutionError {
  return { ename, evalue, traceback: [...(told?.traceback ?? []), `${ename}: ${evalue}`] };
}

const SIGNALS: Readonly<Record<number, string>> = {
  4: "SIGILL, an illegal instruction",
  6: "SIGABRT, an abort",
  7: "SIGBUS, a memory access that failed",
  8: "SIGFPE, an arithmetic fault",
  9: "SIGKILL",
  11: "SIGSEGV, a segmentation fault",
  15: "SIGTERM",
};

function deathSentence(end: SandboxEnd): string {
  const code = end.exitCode;
  let cause = end.detail;
  if (end.isFault) return `${cause}; the session starts afresh`;
  if (code !== undefined && code < 0) {
    cause = `the Python process was ended by ${SIGNALS[-code] ?? `signal ${-code}`}`;
  } else if (code !== undefined) {
    cause = `the Python process ended itself with exit code ${code}`;
  }
  return `${cause}; the session starts afresh`;
}
