/** Code that a visitor wants run: everything that is checked, asked and recorded on its way, in this order. */

import type { Config } from "../config.js";
import { ServiceError } from "../errors.js";
import type { CodeReview } from "../generate/code-review.js";
import type { CellWishes, CommMessage, SandboxLimits } from "../sandbox/sandbox.js";
import type { CodeRemarks, ExecutionRequest } from "../sessions/execution-request.js";
import type { SessionHandle, StartedRun } from "../sessions/interface.js";
import { auditFiles, auditRejected } from "./audit-records.js";
import { startAudited } from "./audited-run.js";
import { reviewCode } from "./code-review.js";
import type { AdmittingParts } from "./desk-parts.js";
import { type AskedFile, checkInputFiles } from "./input-files.js";
import { type AskedBounds, checkBounds, checkCode } from "./limits.js";
import type { AdmittedVisit, Visit } from "./visit.js";

export interface AskedExecution extends AskedBounds {
  /** Undefined for a sandbox of its own. */
  readonly sessionId: string | undefined;
  readonly code: string;
  /** For clients that expect a fresh sandbox after a timeout, and an answer within MAX_EXECUTION_TIME. */
  readonly recyclesAtTimeout?: boolean | undefined;
  /** Whether the visitor follows its events from the beginning. */
  readonly followed: boolean;
  /** Undefined: who follows in a session may answer. */
  readonly allowInput: boolean | undefined;
  /** What standard input has, before it ends. */
  readonly stdin: string | undefined;
  /** For `sys.argv`. */
  readonly argv?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly wishes?: CellWishes | undefined;
  /** In place of code, and from whom, as CellRequest has them. */
  readonly comm?: CommMessage | undefined;
  readonly parentId?: string | undefined;
  /** Whether it runs on when the visitor goes. */
  readonly goesOn: boolean;
  readonly files: readonly AskedFile[] | undefined;
  readonly includeFiles: boolean | undefined;
  /** Given where the code is to be looked at first: what its answer repeats of that. */
  readonly remarksOn: ((review: CodeReview) => CodeRemarks) | undefined;
}

export interface BegunExecution extends StartedRun {
  /** As it was started: the session may have no room to keep it. */
  readonly request: ExecutionRequest;
}

/** What was found in the code does not let it run, and nothing has run. */
export interface RejectedCode {
  readonly rejected: CodeReview;
}

/**
 * Resolves when the code has its place in the queue, or was rejected.
 * @throws ServiceError CODE_TOO_LARGE, INVALID_REQUEST, INVALID_PATH; those of Admission, of SessionManager.start and
 * of the review
 */
export async function executeCode(
  parts: AdmittingParts,
  visit: Visit,
  asked: AskedExecution,
): Promise<BegunExecution | RejectedCode> {
  const { config, audit, admission } = parts;
  checkCode(asked.code, config);
  checkNeedsOfSession(asked);
  const timeout = asked.timeout ?? defaultTimeout(asked, config);
  const { timeoutMs, limits } = checkBounds({ timeout, limits: asked.limits }, config);
  const request = readRequest(parts, visit, asked, timeoutMs);
  const { sessionId, remarksOn, goesOn } = asked;
  const admitted = admission.admitExecution(visit, sessionId);
  if (!remarksOn) return begin(parts, admitted, asked, request, limits, sessionId);
  const { code } = request;
  const toReview = { code, sessionId, limits, timeoutMs, goesOn };
  const { review, session } = await reviewCode(parts, admitted, toReview);
  if (review.verdict === "rejected") {
    auditRejected(audit, visit, toReview);
    return { rejected: review };
  }
  const looked = { ...request, code: review.code, remarks: remarksOn(review) };
  return begin(parts, admitted, asked, looked, limits, session);
}

/** Who has looked at a session names that session, and not another of the same name. */
function begin(
  { sessions, audit }: AdmittingParts,
  visit: AdmittedVisit,
  { sessionId, followed, goesOn }: AskedExecution,
  request: ExecutionRequest,
  limits: Partial<SandboxLimits>,
  where: string | SessionHandle | undefined,
): BegunExecution {
  const { execution, outcome } = startAudited(audit, visit, { sessionId, code: request.code }, () =>
    sessions.start(visit.principal, where, request, limits, followed),
  );
  if (!goesOn) visit.onGone(() => execution.abandon());
  return { execution, outcome, request };
}

function readRequest(
  { config, audit }: AdmittingParts,
  visit: Visit,
  asked: AskedExecution,
  timeoutMs: number,
): ExecutionRequest {
  const { code, sessionId, followed, stdin, files, includeFiles } = asked;
  const request = {
    code,
    timeoutMs,
    endsAtTimeout: asked.recyclesAtTimeout,
    graceMs: asked.recyclesAtTimeout ? graceWithin(config) : undefined,
    outputBytesMax: config.outputBytesMax,
    allowInput: asked.allowInput ?? (followed && sessionId !== undefined && stdin === undefined),
    stdin,
    argv: asked.argv,
    env: checkVariables(asked.env),
    wishes: asked.wishes,
    comm: asked.comm,
    parentId: asked.parentId,
  };
  if (!files && !includeFiles) return request;
  const told = auditFiles(audit, visit, sessionId ?? null);
  return { ...request, inputs: files && checkInputFiles(files, told), includeFiles };
}

/** The system ends a value at its first NUL. @throws ServiceError INVALID_REQUEST */
function checkVariables(env: AskedExecution["env"]): AskedExecution["env"] {
  for (const [name, value] of Object.entries(env ?? {})) {
    if (!value.includes("\0")) continue;
    throw new ServiceError("INVALID_REQUEST", `env.${name} holds a NUL, which no variable can.`);
  }
  return env;
}

/** What comes after the deadline, until the answer. */
const ENDING_SECONDS = 1.5;

/** Seconds; undefined for the most there is. Such a client gives up at that time itself. */
function defaultTimeout({ recyclesAtTimeout }: AskedExecution, config: Config): number | undefined {
  if (!recyclesAtTimeout) return undefined;
  const most = config.executionTimeMsMax / 1000;
  return Math.max(most - ENDING_SECONDS, most / 2);
}

/** Milliseconds. Where the most is little, so is what is left after the default timeout. */
function graceWithin({ executionTimeMsMax }: Config): number {
  return Math.min(1000, executionTimeMsMax / 4);
}

function checkNeedsOfSession({ sessionId, goesOn, allowInput, stdin }: AskedExecution): void {
  if (allowInput && stdin !== undefined) {
    throw new ServiceError(
      "INVALID_REQUEST",
      "stdin answers all that the code asks: leave allow_input out",
    );
  }
  if (sessionId !== undefined) return;
  if (goesOn) {
    throw new ServiceError(
      "INVALID_REQUEST",
      'on_disconnect "continue" needs a session_id: nobody could ask for the result of a stateless run',
    );
  }
  if (allowInput) {
    throw new ServiceError(
      "INVALID_REQUEST",
      "allow_input needs a session_id: the answer is sent to POST /sessions/{id}/input",
    );
  }
}
