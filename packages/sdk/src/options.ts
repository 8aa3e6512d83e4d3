/** The one place where options (camelCase, milliseconds) become the wire's fields. */

import { GloveboxError } from "./errors.js";
import type {
  AnswerPart,
  CreateSessionRequest,
  ExecuteRequest,
  GenerateRequest,
  InputFile,
  OnDisconnect,
} from "./wire.js";

/** What every call takes. */
/** What every call takes. */
export interface CallOptions {
  /** Ends the request. An execution that it began is interrupted, unless it shall continue. */
  readonly signal?: AbortSignal | undefined;
}

/** How code runs. */
export interface ExecuteOptions extends CallOptions {
  /** How long the code may run; default and maximum are the server's. */
  readonly timeoutMs?: number;
  /** For this run: `"200m"`, `"1g"`, or bytes. */
  readonly memoryLimit?: string | number;
  /** For this run, in cores. */
  readonly cpuLimit?: number;
  /** Put into the workspace first, all or none. */
  readonly files?: readonly InputFile[];
  /** Have small files that the run has created or modified in the answer. */
  readonly includeFiles?: boolean;
  /** Which parts the answer has; the others are empty. Default: all. */
  readonly include?: readonly AnswerPart[];
  /** What becomes of the run when the connection ends; default `"interrupt"`. */
  readonly onDisconnect?: OnDisconnect;
  /** Whether `input()` asks, instead of raising EOFError. */
  readonly allowInput?: boolean;
  /** All that standard input has: `input()`, `sys.stdin` and child processes read it, and then meet its end. */
  readonly stdin?: string;
  /** What `sys.argv` has, as for a script of the name `argv[0]`, which `__file__` then names. Stays in the session. */
  readonly argv?: readonly string[];
  /** Variables of the environment. They stay in the session. */
  readonly env?: Readonly<Record<string, string>>;
  /** Have the code looked at before it runs: advice in the answer's `validation`, no protection. */
  readonly validateCode?: boolean;
}

/** How code for a question is written and run. */
export interface GenerateOptions extends CallOptions {
  /** A session, made on first use. Absent: a fresh sandbox for this question alone. */
  readonly sessionId?: string;
  /** How long each attempt's code may run. */
  readonly timeoutMs?: number;
  /** For each attempt: `"200m"`, `"1g"`, or bytes. */
  readonly memoryLimit?: string | number;
  /** For each attempt, in cores. */
  readonly cpuLimit?: number;
  /** How often code is written before it is given up. */
  readonly maxAttempts?: number;
  /** Let the model judge the result before it is taken. */
  readonly check?: boolean;
}

/** What a new session has. */
export interface CreateSessionOptions extends CallOptions {
  /** Default: a random name. */
  readonly id?: string;
  /** Of the session: `"200m"`, `"1g"`, or bytes. */
  readonly memoryLimit?: string | number;
  /** Of the session, in cores. */
  readonly cpuLimit?: number;
  /** How long it lives without use. */
  readonly ttlMs?: number;
  /** Names of data mounts that are shown only to sessions that ask for them. */
  readonly mounts?: readonly string[];
  /** Installed from the server's folder of wheels, such as `"polars==1.0"`. */
  readonly packages?: readonly string[];
}

export function toExecuteRequest(
  code: string,
  options: ExecuteOptions,
  sessionId: string | undefined,
): ExecuteRequest {
  return defined({
    code,
    session_id: sessionId,
    timeout: toSeconds(options.timeoutMs),
    memory_limit: options.memoryLimit,
    cpu_limit: options.cpuLimit,
    on_disconnect: options.onDisconnect,
    allow_input: options.allowInput,
    stdin: options.stdin,
    argv: options.argv,
    env: options.env,
    validate_code: options.validateCode,
    files: options.files,
    include_files: options.includeFiles,
    include: options.include,
  });
}

export function toGenerateRequest(query: string, options: GenerateOptions): GenerateRequest {
  const { sessionId } = options;
  return defined({
    query,
    session_id: sessionId === undefined ? undefined : checkSessionId(sessionId),
    timeout: toSeconds(options.timeoutMs),
    memory_limit: options.memoryLimit,
    cpu_limit: options.cpuLimit,
    max_attempts: options.maxAttempts,
    check: options.check,
  });
}

export function toCreateSessionRequest(options: CreateSessionOptions): CreateSessionRequest {
  const limits = defined({ memory_limit: options.memoryLimit, cpu_limit: options.cpuLimit });
  return defined({
    session_id: options.id === undefined ? undefined : checkSessionId(options.id),
    limits: Object.keys(limits).length === 0 ? undefined : limits,
    ttl: toSeconds(options.ttlMs),
    mounts: options.mounts,
    packages: options.packages,
  });
}

export function toSeconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

/**
 * Checked here as well as by the server, since the name becomes part of a path: `..` would lead to
 * another route before any server could refuse it.
 */
export function checkSessionId(id: string): string {
  if (/^[A-Za-z0-9._:@-]{1,128}$/.test(id) && id !== "." && id !== "..") return id;
  throw new GloveboxError("INVALID_ARGUMENT", `This is no name for a session: ${String(id)}`, {
    hint: "Use 1 to 128 characters of A-Za-z0-9._:@-",
  });
}

type Defined<Fields> = {
  [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name];
} & {
  [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<
    Fields[Name],
    undefined
  >;
};

/** Without the fields that are undefined, as the server refuses what it does not know. */
export function defined<Fields extends object>(fields: Fields): Defined<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<Fields>;
}

/** It becomes part of a path, and programs without types may pass anything. */
export function checkExecutionId(executionId: number): number {
  if (Number.isSafeInteger(executionId) && executionId > 0) return executionId;
  throw new GloveboxError("INVALID_ARGUMENT", `No execution has the number ${String(executionId)}`);
}
