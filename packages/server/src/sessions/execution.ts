/**
 * Runs one cell in a sandbox and says how it ended. The deadline is ours alone: the guest is
 * interrupted, given a moment, and then destroyed, whatever it does.
 */

import type { KernelMessage } from "../sandbox/channel.js";
import { NO_EVENTS, type Sandbox, type SandboxEnd } from "../sandbox/sandbox.js";
import { type Bounds, explainFailure, explainInstall, type Failure } from "./explanation.js";
import { HINT_PREFIX, type Output, OutputCollector } from "./output-collector.js";

export type ExecutionStatus =
  | "ok"
  | "error"
  | "timeout"
  | "out_of_memory"
  | "killed"
  | "output_limit"
  | "interrupted";

export interface ExecutionRequest {
  readonly code: string;
  readonly timeoutMs: number;
  readonly outputBytesMax: number;
}

export interface ExecutionError {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: string[];
}

export interface ExplainedError extends ExecutionError {
  /** What of the sandbox caused it and what to do about it; null when the sandbox did not. */
  readonly hint: string | null;
}

export interface ExecutionOutcome {
  readonly status: ExecutionStatus;
  readonly exitCode: number;
  readonly outputs: readonly Output[];
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly error: ExplainedError | null;
  /** Seconds in the kernel, or until it was stopped. */
  readonly executionTime: number;
  readonly executionCount: number | null;
  readonly filesCreated: readonly string[];
  readonly filesModified: readonly string[];
  readonly cpuSeconds: number;
  /** Of the sandbox since it began, at the end of the run. */
  readonly sandboxCpuSeconds: number;
  readonly memoryPeakBytes: number;
  readonly wallSeconds: number;
  /** Whether the sandbox must be destroyed, because its state is lost or not to be trusted. */
  readonly spent: boolean;
}

type Reply = Extract<KernelMessage, { msg_type: "execute_reply" }>["content"];
type StopCause = "timeout" | "output_limit";

/** Between the interrupt and the kill. */
const GRACE_MS = 1000;
/** Cells that take longer than this get their output forwarded while they run. */
const WATCH_AFTER_MS = 50;
/** Meeting a limit takes time, so the shortest cells need not be asked. */
const EVENT_SECONDS_MIN = 0.002;
const INSTALL_SECONDS_MIN = 0.1;

const EXIT_CODES: Record<ExecutionStatus, number> = {
  ok: 0,
  error: 1,
  timeout: 124,
  out_of_memory: 137,
  killed: 137,
  output_limit: 137,
  interrupted: 130,
};

export async function runExecution(
  sandbox: Sandbox,
  request: ExecutionRequest,
  bounds: Bounds,
): Promise<ExecutionOutcome> {
  const startedAt = performance.now();
  const cpuBefore = sandbox.beginReading();
  let stopCause: StopCause | undefined;
  let graceTimer: NodeJS.Timeout | undefined;
  let over = false;
  let settle!: (how: Reply | SandboxEnd) => void;
  const settled = new Promise<Reply | SandboxEnd>((resolve) => {
    settle = resolve;
  });

  function stop(cause: StopCause): void {
    if (stopCause || over) return;
    stopCause = cause;
    sandbox.interrupt();
    graceTimer = setTimeout(() => void sandbox.destroy(cause), GRACE_MS);
  }

  const collector = new OutputCollector(request.outputBytesMax, () => stop("output_limit"));
  const deadline = setTimeout(() => stop("timeout"), request.timeoutMs);
  const watch = setTimeout(() => sandbox.watchOutput(true, request.outputBytesMax), WATCH_AFTER_MS);
  void sandbox.ended.then(settle);
  sandbox.execute(request.code, request.outputBytesMax, (message) => {
    if (message.msg_type === "execute_reply") settle(message.content);
    else collector.add(message);
  });

  const how = await settled;
  over = true;
  clearTimeout(deadline);
  clearTimeout(watch);
  clearTimeout(graceTimer);
  const replied = !("reason" in how);
  const wallSeconds = (performance.now() - startedAt) / 1000;
  const reading = sandbox.endReading(cpuBefore);
  const endedWell = replied && how.status === "ok" && stopCause === undefined;
  const events = endedWell && wallSeconds < EVENT_SECONDS_MIN ? NO_EVENTS : sandbox.newEvents();
  if (replied) sandbox.watchOutput(false, 0);

  const status = statusOf(how, stopCause, events.oomKills > 0 || (!replied && how.outOfMemory));
  collector.finish();
  const spent = !replied || stopCause !== undefined;
  const told = errorOf(status, how);
  let error: ExplainedError | null = null;
  if (told) {
    const failure: Failure = {
      status,
      ...(replied && how.error ? how.error : NOTHING_TOLD),
      stderr: collector.text("stderr"),
      kernelExitCode: replied ? undefined : how.exitCode,
      sessionGoesOn: !spent,
      events,
      timeoutMs: request.timeoutMs,
      memoryBytes: sandbox.limits.memoryBytes,
      memoryPeakBytes: reading.memoryPeakBytes,
    };
    error = withHint(told, explainFailure(failure, bounds));
    collector.addError(error);
  } else if (wallSeconds > INSTALL_SECONDS_MIN) {
    const note = explainInstall(collector.text("stdout") + collector.text("stderr"));
    if (note) collector.addNote(note);
  }
  return {
    status,
    exitCode: replied && status === "error" ? (how.exit_code ?? 1) : EXIT_CODES[status],
    outputs: collector.outputs,
    stdout: collector.text("stdout"),
    stderr: collector.text("stderr") + (error ? `${error.traceback.join("\n")}\n` : ""),
    truncated: collector.truncated,
    error,
    executionTime: replied ? how.execution_time : wallSeconds,
    executionCount: replied ? how.execution_count : null,
    filesCreated: replied ? (how.files_created ?? []) : [],
    filesModified: replied ? (how.files_modified ?? []) : [],
    cpuSeconds: reading.cpuSeconds,
    sandboxCpuSeconds: cpuBefore + reading.cpuSeconds,
    memoryPeakBytes: reading.memoryPeakBytes,
    wallSeconds,
    spent,
  };
}

const NOTHING_TOLD: ExecutionError = { ename: "", evalue: "", traceback: [] };

/** The traceback has the hint as its last line, as that is what models are shown. */
function withHint(told: ExecutionError, hint: string | null): ExplainedError {
  if (hint === null) return { ...told, hint };
  return { ...told, traceback: [...told.traceback, `${HINT_PREFIX}${hint}`], hint };
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

/** What a person or a model can do something with, also where Python itself could not say it. */
function errorOf(status: ExecutionStatus, how: Reply | SandboxEnd): ExecutionError | null {
  const told = "reason" in how ? null : (how.error ?? null);
  switch (status) {
    case "ok":
      return null;
    case "error":
    case "interrupted":
      return told;
    case "timeout":
      return explain(
        "ExecutionTimeout",
        "the code ran longer than its timeout and was stopped; the session starts afresh",
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
  if (code !== undefined && code < 0) {
    cause = `the Python process was ended by ${SIGNALS[-code] ?? `signal ${-code}`}`;
  } else if (code !== undefined) {
    cause = `the Python process ended itself with exit code ${code}`;
  }
  return `${cause}; the session starts afresh`;
}
