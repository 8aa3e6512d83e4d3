/** Sessions: what they are made of, what ran in them, what an editor asks of them. */

import type { ExecuteResponse, ExecutionStatus, FileEncoding, MimeBundle } from "./execution.js";

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
  /** A line, without its end. */
  readonly text?: string;
  /** Instead of it, the next piece of standard input. */
  readonly data?: string;
  readonly encoding?: FileEncoding;
  /** Standard input ends. */
  readonly eof?: boolean;
}

export interface OkResponse {
  readonly status: "ok";
}

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
