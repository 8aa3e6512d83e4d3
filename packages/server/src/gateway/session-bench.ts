/** A session as generation and validation use it: runs are admitted and recorded like any other. */

import type { FastifyRequest } from "fastify";
import type { Audit } from "../audit/audit.js";
import type { Config } from "../config.js";
import { ServiceError } from "../errors.js";
import type { StartedRun } from "../generate/chat/chat-bench.js";
import type { GuestScripts } from "../generate/guest-scripts.js";
import type { GuestScript, Workbench } from "../generate/workbench.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import type { ExecutionOutcome } from "../sessions/execution.js";
import type { InputFiles } from "../sessions/inline-files.js";
import type { RunningExecution } from "../sessions/running-execution.js";
import type { Session } from "../sessions/session.js";
import { auditExecution, auditNotRun } from "./audit-records.js";

export interface SessionBenchOptions {
  readonly session: Session;
  /** Undefined for a session that ends with the request. */
  readonly sessionId: string | undefined;
  readonly limits: Partial<SandboxLimits>;
  readonly timeoutMs: number;
  /** What the caller sends along; made anew for each sandbox that needs it. */
  readonly inputs?: (() => InputFiles) | undefined;
  readonly includeFiles?: boolean | undefined;
  readonly config: Config;
  readonly scripts: GuestScripts;
  readonly audit: Audit;
  readonly request: FastifyRequest;
  readonly signal: AbortSignal;
}

/** A script looks at bounded things only, and a kernel that is slow over them is not worth waiting for. */
const SCRIPT_TIMEOUT_MS = 3000;

export class SessionBench implements Workbench {
  readonly isNew: boolean;
  readonly #options: SessionBenchOptions;
  #last: RunningExecution | undefined;

  constructor(options: SessionBenchOptions) {
    this.#options = options;
    this.isNew = options.sessionId === undefined && !options.inputs;
  }

  get limits(): SandboxLimits {
    const { limits, session } = this.#options;
    const { memory_bytes, cpus } = session.describe().limits;
    return {
      memoryBytes: limits.memoryBytes ?? memory_bytes,
      cpuCores: limits.cpuCores ?? cpus,
    };
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  /** The latest run, for its numbers on the wire. */
  get last(): RunningExecution | undefined {
    return this.#last;
  }

  prepare(): Promise<void> {
    const { session, limits, inputs } = this.#options;
    return session.warm(limits, inputs?.());
  }

  async examine(
    script: GuestScript,
    content: Readonly<Record<string, unknown>>,
    apart: boolean,
  ): Promise<unknown> {
    const { session, scripts } = this.#options;
    const source = scripts[script];
    const question = { name: "script", content: { source, content, apart } } as const;
    const reply = await session.ask(question, SCRIPT_TIMEOUT_MS);
    if (!reply) throw new ServiceError("QUESTION_UNANSWERED", "There is no sandbox to ask.");
    return reply.answer;
  }

  async run(code: string): Promise<ExecutionOutcome> {
    return this.start(code, { signal: this.#options.signal }).outcome;
  }

  /** `followed` from its beginning. @throws ServiceError when it cannot be run, or its outcome does */
  start(code: string, how: RunOptions): StartedRun {
    const { session, sessionId, limits, config, audit, request } = this.#options;
    const { includeFiles } = this.#options;
    if (Buffer.byteLength(code) > config.codeBytesMax) throw new ServiceError("CODE_TOO_LARGE");
    const run = { sessionId, code };
    const timeoutMs = Math.min(how.timeoutMs ?? Number.POSITIVE_INFINITY, this.timeoutMs);
    const asked = { code, timeoutMs, outputBytesMax: config.outputBytesMax, allowInput: false };
    let execution: RunningExecution;
    try {
      execution = session.start({ ...asked, includeFiles }, limits, how.followed);
    } catch (error) {
      auditNotRun(audit, request, run, error);
      throw error;
    }
    this.#last = execution;
    const outcome = untilAbandoned(execution, how.signal);
    outcome.then(
      (ended) => auditExecution(audit, request, run, ended),
      (error: unknown) => auditNotRun(audit, request, run, error),
    );
    return { execution, outcome };
  }
}

interface RunOptions {
  readonly signal: AbortSignal;
  /** If it should be less than the request's. */
  readonly timeoutMs?: number;
  readonly followed?: boolean;
}

async function untilAbandoned(
  execution: RunningExecution,
  signal: AbortSignal,
): Promise<ExecutionOutcome> {
  const abandon = () => execution.abandon();
  signal.addEventListener("abort", abandon);
  if (signal.aborted) abandon();
  try {
    return await execution.outcome;
  } finally {
    signal.removeEventListener("abort", abandon);
  }
}
