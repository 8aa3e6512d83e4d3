/** All that a visitor can do with one session that has a name. */

import type { KernelAnswer, KernelQuestion, QuestionName } from "../sandbox/questions.js";
import type { ChangingFiles, ReadingFiles } from "../sessions/changing-files.js";
import type { ExecutionHandle, SessionHandle, SessionInfo } from "../sessions/interface.js";
import { type Notebook, notebookOf } from "../sessions/notebook.js";
import { readNotebook } from "../sessions/notebook-input.js";
import { NotebookRun } from "../sessions/notebook-run.js";
import { checkPackages, type Installation, readInstallation } from "../sessions/packages.js";
import { auditFiles } from "./audit-records.js";
import { runAudited, startAudited } from "./audited-run.js";
import type { AdmittingParts } from "./desk-parts.js";
import { type AskedInput, readInput } from "./input-reply.js";
import { checkCode, checkTimeout, checkTtl } from "./limits.js";
import { type AdmittedVisit, goneSignal, type Visit } from "./visit.js";

/** For the wait until nothing runs, and again for the answer. */
const QUESTION_TIMEOUT_MS = 5000;

export interface AskedNotebook {
  /** As it was sent. */
  readonly notebook: unknown;
  readonly onError: "stop" | "continue";
  /** Seconds, of each cell. */
  readonly timeout: number | undefined;
  /** Given where the visitor follows: called with each cell as it is asked for. */
  readonly follow: ((index: number, execution: ExecutionHandle) => Promise<void>) | undefined;
}

/** Every method throws SESSION_NOT_FOUND where there is none, but for `addFiles` and `runNotebook`, which make it. */
export class SessionDesk {
  readonly #parts: AdmittingParts;
  readonly #visit: Visit;
  readonly #id: string;

  constructor(parts: AdmittingParts, visit: Visit, id: string) {
    this.#parts = parts;
    this.#visit = visit;
    this.#id = id;
  }

  describe(): SessionInfo {
    return this.#parts.sessions.describe(this.#visit.principal, this.#id);
  }

  /** Count its time to live from now. `ttl` in seconds. @throws ServiceError INVALID_REQUEST */
  keepAlive(ttl: number | undefined): SessionInfo {
    const { sessions } = this.#parts;
    return sessions.keepAlive(this.#visit.principal, this.#id, checkTtl(ttl));
  }

  reset(): Promise<SessionInfo> {
    return this.#parts.sessions.reset(this.#visit.principal, this.#id);
  }

  /** Resolves when its processes are gone. */
  end(reason: string): Promise<void> {
    return this.#parts.sessions.delete(this.#visit.principal, this.#id, reason);
  }

  executions(): readonly ExecutionHandle[] {
    return this.#parts.sessions.executions(this.#visit.principal, this.#id);
  }

  /** @throws ServiceError EXECUTION_NOT_FOUND */
  execution(number: number): ExecutionHandle {
    return this.#parts.sessions.executionOf(this.#visit.principal, this.#id, number);
  }

  /** @throws ServiceError NOTHING_RUNNING */
  interrupt(): ExecutionHandle {
    return this.#parts.sessions.interrupt(this.#visit.principal, this.#id);
  }

  /** @throws ServiceError INVALID_REQUEST, REQUEST_TOO_LARGE, NO_INPUT_REQUESTED */
  answerInput(asked: AskedInput): void {
    this.#parts.sessions.answerInput(this.#visit.principal, this.#id, readInput(asked));
  }

  /** Undefined where there is no sandbox to ask. @throws ServiceError CODE_TOO_LARGE and those of Session.ask */
  async ask<Name extends QuestionName>(
    question: KernelQuestion<Name>,
  ): Promise<KernelAnswer<Name> | undefined> {
    const { sessions, config } = this.#parts;
    const { content } = question;
    if ("code" in content) checkCode(content.code, config);
    return sessions.ask(this.#visit.principal, this.#id, question, QUESTION_TIMEOUT_MS);
  }

  /** `work` gets undefined where there is no sandbox. @throws ServiceError as Session.readFiles */
  readFiles<T>(work: (files: ReadingFiles | undefined) => Promise<T>): Promise<T> {
    return this.#parts.sessions.readFiles(this.#visit.principal, this.#id, work);
  }

  /** Change what is there. @throws ServiceError AUDIT_UNAVAILABLE and as Session.changeFiles */
  async changeFiles<T>(work: (files: ChangingFiles | undefined) => Promise<T>): Promise<T> {
    const { sessions, admission, audit } = this.#parts;
    admission.admitChange();
    const told = auditFiles(audit, this.#visit, this.#id);
    return sessions.changeFiles(this.#visit.principal, this.#id, told, work);
  }

  /** Add files. @throws ServiceError those of Admission.admitUpload and of Session.changeFiles */
  async addFiles<T>(work: (files: ChangingFiles) => Promise<T>): Promise<T> {
    const { sessions, admission, audit } = this.#parts;
    const { principal } = this.#visit;
    admission.admitUpload(this.#visit, this.#id);
    const told = auditFiles(audit, this.#visit, this.#id);
    return sessions.addFiles(principal, this.#id, told, work);
  }

  /** @throws ServiceError PACKAGES_UNAVAILABLE, INVALID_REQUEST, PACKAGE_INSTALL_FAILED and those of Admission */
  async install(packages: readonly string[]): Promise<Installation> {
    const { config, sessions, admission, audit } = this.#parts;
    const { principal } = this.#visit;
    checkPackages(packages, config);
    this.describe();
    const admitted = admission.admitExecution(this.#visit, this.#id);
    const asked = { sessionId: this.#id, code: `pip install ${packages.join(" ")}` };
    const outcome = await runAudited(audit, admitted, asked, () =>
      sessions.install(principal, this.#id, packages, goneSignal(this.#visit)),
    );
    return readInstallation(outcome);
  }

  notebook(): Notebook {
    return notebookOf(this.executions());
  }

  /**
   * A notebook that is ready to run, cell by cell, until the visitor goes.
   * @throws ServiceError INVALID_REQUEST, CODE_TOO_LARGE and those of Admission
   */
  runNotebook(asked: AskedNotebook): NotebookRun {
    const { config, admission } = this.#parts;
    const notebook = readNotebook(asked.notebook, config.codeBytesMax);
    const timeoutMs = checkTimeout(asked.timeout, config);
    const admitted = admission.admitExecution(this.#visit, this.#id);
    const { follow } = asked;
    const hooks = {
      start: this.#startingCells(admitted, timeoutMs, follow !== undefined),
      follow: async (index: number, execution: ExecutionHandle) => follow?.(index, execution),
    };
    const run = new NotebookRun(notebook, asked.onError, hooks);
    this.#visit.onGone(() => run.abandon());
    return run;
  }

  /** All cells run in one session: another of its name would lack what the first cells have made. */
  #startingCells(
    visit: AdmittedVisit,
    timeoutMs: number,
    followed: boolean,
  ): (code: string) => ExecutionHandle {
    const { sessions, config, audit } = this.#parts;
    const { principal } = this.#visit;
    const { outputBytesMax } = config;
    let session: SessionHandle | undefined;
    return (code) => {
      const begin = () => {
        session ??= sessions.obtain(principal, this.#id);
        // Who follows is there to answer.
        const request = { code, timeoutMs, outputBytesMax, allowInput: followed };
        return sessions.start(principal, session, request, {}, followed);
      };
      return startAudited(audit, visit, { sessionId: this.#id, code }, begin).execution;
    };
  }
}
