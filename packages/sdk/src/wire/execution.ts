/** Running code: what is asked, what is answered, what happens meanwhile. */

import type { WireError } from "./errors.js";
import type { Validation } from "./generate.js";

/** Body of POST /execute. */
export interface ExecuteRequest {
  readonly code: string;
  /** Absent: a fresh sandbox for this run alone. */
  readonly session_id?: string;
  /** Another name of `session_id`; a run that times out is then answered 504. */
  readonly user_uuid?: string;
  /** Seconds. */
  readonly timeout?: number;
  /** `"200m"`, `"1g"`, or bytes. */
  readonly memory_limit?: string | number;
  /** Cores. */
  readonly cpu_limit?: number;
  /** Answer with server-sent events. */
  readonly stream?: boolean;
  /** What becomes of the run when this request's connection ends. */
  readonly on_disconnect?: OnDisconnect;
  /** Whether `input()` asks, instead of raising EOFError. */
  readonly allow_input?: boolean;
  /** All that standard input has. */
  readonly stdin?: string;
  /** What `sys.argv` has. */
  readonly argv?: readonly string[];
  /** Added to the environment of the session. */
  readonly env?: Readonly<Record<string, string>>;
  /** Look at the code before it runs: advice, not a protection. */
  readonly validate_code?: boolean;
  /** Which parts the answer has; the others are empty. */
  readonly include?: readonly AnswerPart[];
  /** Put into the workspace first, all or none. */
  readonly files?: readonly InputFile[];
  /** The answer carries small files that the run has created or modified. */
  readonly include_files?: boolean;
}

export type AnswerPart = "stdout" | "stderr" | "result_text" | "result_base64" | "outputs" | "code";

export type OnDisconnect = "interrupt" | "continue";
export type FileEncoding = "utf-8" | "base64";

export interface InputFile {
  readonly path: string;
  readonly content: string;
  readonly encoding?: FileEncoding;
}

export type ExecutionStatus =
  | "ok"
  | "error"
  | "timeout"
  | "out_of_memory"
  | "killed"
  | "output_limit"
  | "interrupted"
  | "rejected";

export type RestartReason =
  | "timeout"
  | "out_of_memory"
  | "killed"
  | "output_limit"
  | "interrupted"
  | "died"
  | "reset"
  | "ended";

/** The answer to an execution, however it ended. */
export interface ExecuteResponse {
  readonly status: ExecutionStatus;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly exit_code: number;
  /** Seconds. */
  readonly execution_time: number;
  /** All text in order, or null. */
  readonly result_text: string | null;
  /** The last image, PNG in base64, or null. */
  readonly result_base64: string | null;
  /** In the shape of nbformat v4. */
  readonly outputs: readonly Output[];
  readonly error: ExecutionError | null;
  readonly files_created: readonly string[];
  readonly files_modified: readonly string[];
  /** In the first run after the session has lost its variables and files. */
  readonly session_restarted?: { readonly reason: RestartReason };
  /** Only with `include_files`. */
  readonly files?: readonly OutputFile[];
  /** Null for a stateless run. */
  readonly session_id: string | null;
  /** The session's own number of this run; null for a stateless one. */
  readonly execution_id: number | null;
  readonly execution_count: number | null;
  readonly original_code: string;
  readonly executed_code: string;
  /** In words; null where it was not asked for. */
  readonly validation_result: string | null;
  readonly validation: Validation | null;
  readonly usage: {
    readonly cpu_time: number;
    readonly memory_peak_bytes: number;
    readonly wall_time: number;
  };
}

/** Why a run failed. */
export interface ExecutionError {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
  /** Which limit or rule of the sandbox was met, and what to do about it. */
  readonly hint: string | null;
}

export interface OutputFile {
  readonly path: string;
  readonly size: number;
  readonly encoding: FileEncoding | null;
  /** Null where the file, or the sum of all, is too large. */
  readonly content: string | null;
}

export type StreamName = "stdout" | "stderr";

/** Contents by MIME type: text and base64 as strings, JSON types as JSON. */
export type MimeBundle = Readonly<Record<string, unknown>>;

export type Output = StreamOutput | DisplayDataOutput | ExecuteResultOutput | ErrorOutput;

export interface StreamOutput {
  readonly output_type: "stream";
  readonly name: StreamName;
  readonly text: string;
}

export interface DisplayDataOutput {
  readonly output_type: "display_data";
  readonly data: MimeBundle;
  readonly metadata: MimeBundle;
}

export interface ExecuteResultOutput {
  readonly output_type: "execute_result";
  readonly execution_count: number;
  readonly data: MimeBundle;
  readonly metadata: MimeBundle;
}

export interface ErrorOutput {
  readonly output_type: "error";
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** The data of each event of a stream, by the event's name. */
export interface ExecutionEvents {
  /** Always first; a second time when a queued execution begins. */
  readonly execution: {
    readonly execution_id: number | null;
    readonly session_id: string | null;
    readonly state: "queued" | "running";
    readonly queued_before: number;
  };
  readonly stream: { readonly name: StreamName; readonly text: string };
  readonly display_data: {
    readonly data: MimeBundle;
    readonly metadata: MimeBundle;
    readonly display_id?: string;
  };
  readonly update_display_data: {
    readonly data: MimeBundle;
    readonly metadata: MimeBundle;
    readonly display_id: string;
  };
  readonly clear_output: { readonly wait: boolean };
  /** What a widget says to its likeness in a front end, in runs that one has asked for by Jupyter's interface. */
  readonly comm: {
    readonly kind: "open" | "msg" | "close";
    readonly comm_id: string;
    readonly target_name?: string;
    readonly data: MimeBundle;
    readonly metadata: MimeBundle;
    /** In base64. */
    readonly buffers: readonly string[];
  };
  readonly execute_result: {
    readonly execution_count: number;
    readonly data: MimeBundle;
    readonly metadata: MimeBundle;
  };
  readonly error: ExecutionError;
  readonly input_request: InputRequest;
  /** A stream that was resumed too late begins with this: these events are no longer kept. */
  readonly gap: { readonly missed_from: number; readonly missed_to: number };
  /** Last: the JSON answer of the same request. */
  readonly result: ExecuteResponse;
  /** Last, instead of `result`. */
  readonly failure: WireError;
}

export interface InputRequest {
  readonly prompt: string;
  /** What is typed should not be shown: `getpass()`. */
  readonly password: boolean;
}
