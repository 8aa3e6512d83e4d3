/** A session as generation and review use it: runs are recorded like any other. */

import type { Audit } from "../audit/audit.js";
import type { Config } from "../config.js";
import { ServiceError } from "../errors.js";
import type { CodeRunner, GuestScript } from "../generate/code-runner.js";
import type { GuestScripts } from "../generate/guest-scripts.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";
import type { InputFiles } from "../sessions/inline-files.js";
import type { ExecutionHandle, SessionHandle, StartedRun } from "../sessions/interface.js";
import type { ExecutionOutcome } from "../sessions/outcome.js";
import { startAudited } from "./audited-run.js";
import { checkCode } from "./limits.js";
import type { AdmittedVisit } from "./visit.js";

export interface SessionRunnerOptions {
  readonly session: SessionHandle;
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
  readonly visit: AdmittedVisit;
  readonly signal: AbortSignal;
}

/** A script looks at bounded things only, and a kernel that is slow over them is not worth waiting for. */
const SCRIPT_TIMEOUT_MS = 3000;

export class SessionRunner implements CodeRunner {
  readonly isNew: boolean;
  readonly #options: SessionRunnerOptions;
  #last: ExecutionHandle | undefined;

  constructor(options: SessionRunnerOptions) {
    this.#options = options;
    this.isNew = options.sessionId === undefined && !options.inputs;
  }

  get limits(): SandboxLimits {
    const { limits, session } = this.#options;
    return { ...session.limits, ...limits };
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  /** The latest run, for its numbers on the wire. */
  get last(): ExecutionHandle | undefined {
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
    const { session, sessionId, limits, config, audit, visit } = this.#options;
    const { includeFiles } = this.#options;
    checkCode(code, config);
    const timeoutMs = Math.min(how.timeoutMs ?? Number.POSITIVE_INFINITY, this.timeoutMs);
    const { outputBytesMax } = config;
    const request = { code, timeoutMs, outputBytesMax, allowInput: false, includeFiles };
    const started = startAudited(audit, visit, { sessionId, code }, () =>
      session.start(request, limits, how.followed),
    );
    this.#last = started.execution;
    abandonWhen(how.signal, started);
    return started;
  }
}

interface RunOptions {
  readonly signal: AbortSignal;
  /** If it should be less than the request's. */
  readonly timeoutMs?: number;
  readonly followed?: boolean;
}

function abandonWhen(signal: AbortSignal, { execution, outcome }: StartedRun): void {
  const abandon = () => execution.abandon();
  const forget = () => signal.removeEventListener("abort", abandon);
  signal.addEventListener("abort", abandon);
  outcome.then(forget, forget);
  if (signal.aborted) abandon();
}
