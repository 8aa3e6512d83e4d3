/** Errors. */

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
  | "ANSWER_TOO_LARGE"
  | "TOO_MANY_BODIES"
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
  | "LLM_NOT_CONFIGURED"
  | "LLM_UNAUTHORIZED"
  | "LLM_RATE_LIMITED"
  | "LLM_TIMEOUT"
  | "LLM_INCOMPLETE"
  | "LLM_ANSWER_TOO_LONG"
  | "LLM_REFUSED"
  | "LLM_NO_CODE"
  | "LLM_UPSTREAM_FAILED"
  | "LLM_NOT_RECORDED"
  | "SHUTTING_DOWN"
  | "AUDIT_UNAVAILABLE"
  | "ISOLATION_UNAVAILABLE";

/** The one shape of errors. */
export interface WireError {
  /** The message once more. */
  readonly detail: string;
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly hint?: string;
    readonly retry_after_ms?: number;
    readonly request_id: string;
  };
}
