/** POST /execute: run code. */

import type { Audit } from "../../audit/audit.js";
import type { Config } from "../../config.js";
import { ServiceError } from "../../errors.js";
import { turnOfOnesOwn } from "../../sandbox/turns.js";
import type { ExecutionOutcome } from "../../sessions/execution.js";
import type { Output } from "../../sessions/output-collector.js";
import type { SessionManager } from "../../sessions/session-manager.js";
import type { Admission } from "../admission.js";
import type { App } from "../app.js";
import { auditExecution, auditNotRun } from "../audit-records.js";
import { checkLimits, checkTimeout } from "../limits.js";
import { answers } from "../schemas/answers.js";
import { ExecuteAnswer, ExecuteBody } from "../schemas/execute.js";

/** An answer of this length takes about a millisecond to write. */
const LARGE_CHARACTERS = 100_000;

const EXECUTE = {
  tags: ["execute"],
  summary: "Run code, in a session or in a sandbox of its own",
  description: "A timeout is answered 504 to whoever names a user_uuid, with the same body.",
  body: ExecuteBody,
  response: answers({ 200: ExecuteAnswer, 504: ExecuteAnswer }),
};

export interface ExecuteOptions {
  readonly sessions: SessionManager;
  readonly config: Config;
  readonly admission: Admission;
  readonly audit: Audit;
}

export function registerExecute(app: App, options: ExecuteOptions): void {
  const { sessions, config, admission, audit } = options;
  app.post("/execute", { schema: EXECUTE }, async (request, reply) => {
    const { body, principal } = request;
    const sessionId = sessionOf(body);
    if (Buffer.byteLength(body.code) > config.codeBytesMax) {
      throw new ServiceError(
        "CODE_TOO_LARGE",
        `code has more than ${config.codeBytesMax} bytes (MAX_CODE_SIZE)`,
      );
    }
    const execution = {
      code: body.code,
      timeoutMs: checkTimeout(body.timeout, config),
      outputBytesMax: config.outputBytesMax,
    };
    const limits = checkLimits(body, config);
    admission.admitExecution(principal, sessionId);
    const run = { sessionId, code: body.code };
    let outcome: ExecutionOutcome;
    try {
      outcome = await sessions.execute(principal.id, sessionId, execution, limits);
    } catch (error) {
      auditNotRun(audit, request, run, error);
      throw error;
    }
    auditExecution(audit, request, run, outcome);
    if (weigh(outcome) >= LARGE_CHARACTERS) await turnOfOnesOwn();
    // Source 004 tells a timeout by the HTTP status; everyone else reads the field.
    if (body.user_uuid !== undefined && outcome.status === "timeout") reply.status(504);
    return toWire(outcome, body.code, sessionId);
  });
}

function sessionOf(body: ExecuteBody): string | undefined {
  if (body.session_id !== undefined && body.user_uuid !== undefined) {
    if (body.session_id !== body.user_uuid) {
      throw new ServiceError(
        "INVALID_REQUEST",
        "session_id and user_uuid name the same thing: send one of them",
      );
    }
  }
  return body.session_id ?? body.user_uuid;
}

/** Roughly the length of the answer. Values that are no strings are taken to be large. */
function weigh({ stdout, stderr, outputs }: ExecutionOutcome): number {
  let weight = stdout.length + stderr.length;
  for (const output of outputs) {
    weight += 100;
    if (!("data" in output)) continue;
    for (const value of Object.values(output.data)) {
      weight += typeof value === "string" ? value.length : LARGE_CHARACTERS;
    }
  }
  return weight;
}

function toWire(outcome: ExecutionOutcome, code: string, sessionId: string | undefined) {
  return {
    status: outcome.status,
    stdout: outcome.stdout,
    stderr: outcome.stderr,
    truncated: outcome.truncated,
    exit_code: outcome.exitCode,
    execution_time: outcome.executionTime,
    result_text: resultText(outcome.outputs),
    result_base64: lastPng(outcome.outputs),
    outputs: outcome.outputs,
    error: outcome.error,
    files_created: outcome.filesCreated,
    files_modified: outcome.filesModified,
    session_id: sessionId ?? null,
    execution_count: outcome.executionCount,
    original_code: code,
    executed_code: code,
    validation_result: null,
    usage: {
      cpu_time: outcome.cpuSeconds,
      memory_peak_bytes: outcome.memoryPeakBytes,
      wall_time: outcome.wallSeconds,
    },
  };
}

/** Source 004: everything that is text, in order, or null. */
function resultText(outputs: readonly Output[]): string | null {
  let text = "";
  for (const output of outputs) {
    if (output.output_type === "stream") text += output.text;
    else if (output.output_type === "error") text += `${output.traceback.join("\n")}\n`;
    else if (typeof output.data["text/plain"] === "string" && !output.data["image/png"]) {
      text += `${output.data["text/plain"]}\n`;
    }
  }
  return text === "" ? null : text;
}

/** Source 004: the last image, base64 PNG, or null. */
function lastPng(outputs: readonly Output[]): string | null {
  for (const output of outputs.toReversed()) {
    if ("data" in output) {
      const png = output.data["image/png"];
      if (typeof png === "string") return png.trim();
    }
  }
  return null;
}
