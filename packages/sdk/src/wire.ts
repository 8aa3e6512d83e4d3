/**
 * What travels between client and server, as it travels: snake_case, seconds, ISO dates. Plain types,
 * nothing at run time. `test/wire-types.ts` lets the compiler hold them equal to the server's schemas.
 */

/** What may stand in JSON. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

// Executions

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
  /** Put into the workspace first, all or none. */
  readonly files?: readonly InputFile[];
  /** The answer carries small files that the run has created or modified. */
  readonly include_files?: boolean;
}

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
  /** Only with `include_files`. */
  readonly files?: readonly OutputFile[];
  /** Null for a stateless run. */
  readonly session_id: string | null;
  /** The session's own number of this run; null for a stateless one. */
  readonly execution_id: number | null;
  readonly execution_count: number | null;
  readonly original_code: string;
  readonly executed_code: string;
  readonly validation_result: string | null;
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

// Events of an execution

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

// Executions of a session

export type ExecutionState = "queued" | "running" | "done" | "cancelled";

export interface ExecutionSummary {
  readonly execution_id: number;
  readonly state: ExecutionState;
  /** Null until it is done. */
  readonly status: ExecutionStatus | null;
  /** In a list, at most its first 200 characters. */
  readonly code: string;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  /** Its result, and all but the beginning of its code, are no longer kept. */
  readonly dropped: boolean;
}

export interface ExecutionDetail extends ExecutionSummary {
  readonly result: ExecuteResponse | null;
}

export interface ExecutionList {
  readonly executions: readonly ExecutionSummary[];
}

export interface InterruptResponse {
  readonly status: "ok";
  readonly execution_id: number;
}

export interface InputBody {
  readonly text: string;
}

export interface OkResponse {
  readonly status: "ok";
}

// What an editor asks

export interface CompleteBody {
  readonly code: string;
  /** In code points, as in Jupyter. Default: the end. */
  readonly cursor_pos?: number;
}

export interface CompleteResponse {
  readonly matches: readonly string[];
  readonly cursor_start: number;
  readonly cursor_end: number;
  /** Of each match, such as "function". */
  readonly types: readonly string[];
}

export interface InspectBody {
  readonly code: string;
  readonly cursor_pos?: number;
  readonly detail_level?: 0 | 1;
}

export interface InspectResponse {
  readonly found: boolean;
  readonly data: Readonly<Record<string, string>>;
  /** Empty, as yet. */
  readonly metadata: MimeBundle;
}

export interface IsCompleteBody {
  readonly code: string;
}

export interface IsCompleteResponse {
  readonly status: "complete" | "incomplete" | "invalid" | "unknown";
  readonly indent: string;
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly module: string;
  readonly shape: readonly number[] | null;
  readonly length: number | null;
  readonly dtype: string | null;
  readonly size_bytes: number | null;
  readonly preview: string;
}

export interface VariableList {
  readonly variables: readonly Variable[];
  readonly total: number;
  readonly truncated: boolean;
}

// Sessions

export interface SessionLimits {
  readonly memory_limit?: string | number;
  readonly cpu_limit?: number;
}

/** Body of POST /sessions. */
export interface CreateSessionRequest {
  readonly session_id?: string;
  readonly limits?: SessionLimits;
  /** Seconds without use. */
  readonly ttl?: number;
  /** Names of data mounts that are shown only to sessions that ask for them. */
  readonly mounts?: readonly string[];
  /** Installed from the server's folder of wheels, such as `"polars==1.0"`. */
  readonly packages?: readonly string[];
}

export interface SessionInfo {
  readonly session_id: string;
  readonly state: "new" | "idle" | "busy";
  readonly created_at: string;
  readonly last_used_at: string;
  /** Null while something runs. */
  readonly expires_at: string | null;
  /** Seconds. */
  readonly ttl: number;
  readonly execution_count: number;
  readonly queued: number;
  readonly limits: { readonly memory_bytes: number; readonly cpus: number };
}

export interface SessionList {
  readonly sessions: readonly SessionInfo[];
}

export interface KeepAliveBody {
  readonly ttl?: number;
}

/** The answer of POST /sessions/{id}/reset. */
export interface ResetResponse extends SessionInfo {
  readonly status: "ok";
}

/** Body of POST /release. */
export interface ReleaseRequest {
  readonly session_id?: string;
  readonly user_uuid?: string;
}

export interface ReleaseResponse {
  readonly status: "ok";
  readonly detail: string;
}

export interface InstallPackagesBody {
  readonly packages: readonly string[];
}

export interface InstallPackagesResponse {
  readonly status: "ok";
  /** What is new, dependencies included. */
  readonly installed: readonly InstalledPackage[];
  /** The end of what pip said. */
  readonly output: string;
}

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
}

// Files

export type FileType = "file" | "directory" | "link" | "other";

export interface FileEntry {
  readonly name: string;
  /** Relative to the workspace. */
  readonly path: string;
  readonly type: FileType;
  readonly size: number;
  readonly mtime: string;
}

export interface FileList {
  readonly path: string;
  readonly entries: readonly FileEntry[];
  readonly truncated: boolean;
}

export interface WrittenFile {
  readonly path: string;
  readonly size: number;
}

export interface UploadResponse {
  readonly files: readonly WrittenFile[];
}

export interface RenameBody {
  readonly path: string;
  readonly overwrite?: boolean;
}

export interface RenamedFile {
  readonly path: string;
}

/** The data of each event of a watch, by the event's name. */
export interface FileEvents {
  readonly change: FileChange;
  /** More changed than can be told: list the folder again. */
  readonly truncated: Readonly<Record<never, never>>;
}

export interface FileChange {
  readonly path: string;
  readonly change: "created" | "modified" | "deleted";
  readonly type: FileType;
}

// Notebooks

/** nbformat 4.5, as far as a client needs to know it. */
export interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly cells: readonly NotebookCell[];
}

export interface NotebookCell {
  readonly cell_type: string;
  readonly id?: string;
  readonly source: string | readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly unknown[];
  readonly execution_count?: number | null;
}

export interface RunNotebookBody {
  readonly notebook: Notebook;
  readonly stream?: boolean;
  readonly on_error?: "stop" | "continue";
  /** Seconds, for each cell. */
  readonly timeout?: number;
}

export interface RunNotebookResponse {
  readonly notebook: Notebook;
  readonly status: string;
  readonly executions: readonly number[];
}

/** The data of a `cell` event, which stand between the events of the cells. */
export interface NotebookCellEvent {
  readonly index: number;
  readonly state: string;
}

// Operating

export interface HealthResponse {
  readonly status: "healthy" | "panicked";
  readonly version: string;
  readonly uptime_seconds: number;
}

export interface PoolStatus {
  readonly size: number;
  readonly idle: number;
  readonly starting: number;
  readonly leased: number;
  readonly leases_max: number;
  readonly waiting: number;
}

/** Why nothing runs. */
export interface PanicNote {
  readonly since: string;
  readonly reason: string;
}

export interface StatusResponse {
  readonly version: string;
  readonly panic: PanicNote | null;
  readonly pool: PoolStatus;
  readonly sessions: number;
  readonly stateless: number;
}

export interface PanicRequest {
  readonly reason?: string;
}

export interface PanicResponse {
  readonly status: "panicked";
  readonly since: string;
  readonly reason: string;
  readonly sandboxes: number | null;
  readonly processes: number | null;
  readonly sessions: number;
  readonly frozen_ms: number | null;
  readonly gone_ms: number | null;
  readonly total_ms: number;
  /** Whether every process was seen to be gone. */
  readonly verified: boolean;
  readonly remaining: { readonly sandboxes: number; readonly processes: number } | null;
  readonly problem?: string;
}

export interface ResumeResponse {
  readonly status: "running";
  readonly was_panicked: boolean;
  readonly panicked_since?: string;
  readonly reason?: string;
}

export interface SecurityHealthResponse {
  readonly status: "verified" | "failed";
  readonly failed: readonly string[];
  readonly protections: readonly {
    readonly name: string;
    readonly verified: boolean;
    readonly detail: string;
  }[];
  readonly sandboxes: {
    readonly checked: number;
    readonly faulty: readonly { readonly id: string; readonly problem: string }[];
  };
  readonly total_ms: number;
}

export interface Container {
  readonly id: string;
  readonly state: "warm" | "in_use";
  readonly owner: string | null;
  readonly session_id: string | null;
  readonly cpu_time: number;
  readonly memory_bytes: number;
  readonly memory_peak_bytes: number;
  readonly processes: number;
  readonly limits: { readonly memory_bytes: number; readonly cpus: number };
}

export interface ContainerList {
  readonly containers: readonly Container[];
}

export interface KillContainerResponse {
  readonly status: "killed";
  readonly id: string;
  readonly session_id: string | null;
  readonly total_ms: number;
}

export interface EndSessionsResponse {
  readonly status: "ended";
  readonly owners: readonly string[];
  readonly session_id: string;
  readonly total_ms: number;
}

// Keys

export type KeyRole = "execute" | "admin";

export interface KeyQuotas {
  readonly sessions?: number;
  readonly requests_per_minute?: number;
  readonly cpu_seconds_per_hour?: number;
}

export interface CreateKeyRequest {
  readonly name: string;
  readonly role: KeyRole;
  readonly quotas?: KeyQuotas;
}

export interface KeyInfo {
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
  /** The first characters of the secret. */
  readonly prefix: string;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly quotas: KeyQuotas;
}

export interface CreateKeyResponse extends KeyInfo {
  /** The secret, told this once. */
  readonly key: string;
}

export interface KeyWithUsage extends KeyInfo {
  readonly usage: {
    readonly sessions: number;
    readonly requests_per_minute: number;
    readonly cpu_seconds_per_hour: number;
  };
}

export interface KeyList {
  readonly keys: readonly KeyWithUsage[];
}

// Errors

export type ErrorCode =
  | "INVALID_REQUEST"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "SESSION_NOT_FOUND"
  | "EXECUTION_NOT_FOUND"
  | "KEY_NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "SESSION_EXISTS"
  | "EXECUTION_CANCELLED"
  | "EXECUTION_RUNNING"
  | "EXECUTION_ENDED"
  | "NOTHING_RUNNING"
  | "FILE_NOT_FOUND"
  | "INVALID_PATH"
  | "FILE_ACCESS_DENIED"
  | "NOT_A_DIRECTORY"
  | "IS_A_DIRECTORY"
  | "FILE_EXISTS"
  | "DIRECTORY_NOT_EMPTY"
  | "FILE_TOO_LARGE"
  | "RANGE_NOT_SATISFIABLE"
  | "TOO_MANY_TRANSFERS"
  | "TRANSFER_INTERRUPTED"
  | "NO_INPUT_REQUESTED"
  | "QUESTION_UNANSWERED"
  | "KEYS_EXHAUSTED"
  | "REQUEST_TOO_LARGE"
  | "CODE_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "SESSION_BUSY"
  | "QUOTA_EXCEEDED"
  | "INTERNAL"
  | "SANDBOX_START_FAILED"
  | "POOL_EXHAUSTED"
  | "SANDBOX_NOT_FOUND"
  | "MOUNT_FAILED"
  | "PACKAGE_INSTALL_FAILED"
  | "PACKAGES_UNAVAILABLE"
  | "PANICKED"
  | "SHUTTING_DOWN"
  | "AUDIT_UNAVAILABLE"
  | "ISOLATION_UNAVAILABLE";

/** The one shape of errors. */
export interface WireError {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly hint?: string;
    readonly retry_after_ms?: number;
    readonly request_id: string;
  };
}
