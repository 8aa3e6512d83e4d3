/** The one table of errors that a caller can meet, by topic, as docs/errors.md has them. May import nothing; everyone may import it. */

/** Codes of earlier versions. Clients may still look at them, so none is ever given another meaning. */
export const retiredCodes: readonly string[] = [];

export interface ErrorDefinition {
  /** HTTP status. */
  readonly status: number;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** Default message; the place that throws may give a more exact one. */
  readonly message: string;
  /** What to do next. */
  readonly hint?: string;
}

const table = {
  // The request, whatever it asks for.
  INVALID_REQUEST: {
    status: 400,
    retryable: false,
    message: "The request is not valid.",
  },
  UNAUTHENTICATED: {
    status: 401,
    retryable: false,
    message: "A valid token is required.",
    hint: "Send it as X-Auth-Token, X-API-Key or Authorization: Bearer. The start of the server prints where the token lies.",
  },
  FORBIDDEN: {
    status: 403,
    retryable: false,
    message: "This key may not do that.",
    hint: "Use the admin token or a key of the role admin.",
  },
  NOT_FOUND: {
    status: 404,
    retryable: false,
    message: "There is no such route.",
    hint: "GET /openapi.json lists the routes, and GET /docs shows them in a browser.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retryable: false,
    message: "This route does not take this method.",
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    retryable: false,
    message: "The request body is too large.",
  },
  TOO_MANY_BODIES: {
    status: 429,
    retryable: true,
    message: "Too many bytes of request bodies are under way.",
    hint: "Wait for the requests that are being sent, and send this one again.",
  },
  CODE_TOO_LARGE: {
    status: 413,
    retryable: false,
    message: "The code is longer than MAX_CODE_SIZE.",
    hint: "Put data into files instead of into the code.",
  },
  ANSWER_TOO_LARGE: {
    status: 413,
    retryable: false,
    message: "The answer has no room for this.",
    hint: 'Ask for events ("stream": true), which tell each result when it is there.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    retryable: false,
    message: "The body must be JSON.",
    hint: "Send Content-Type: application/json.",
  },

  // Keys and their quotas.
  KEY_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: "There is no key of this id.",
    hint: "GET /api/keys lists them.",
  },
  KEYS_EXHAUSTED: {
    status: 409,
    retryable: false,
    message: "There are as many keys as there may be.",
    hint: "Revoke keys that are no longer used.",
  },
  QUOTA_EXCEEDED: {
    status: 429,
    retryable: true,
    message: "A quota of this key is used up.",
    hint: "Wait as long as Retry-After says, or ask for a higher quota.",
  },

  // Sessions, and the sandboxes behind them.
  SESSION_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: "There is no session of this name.",
    hint: "Sessions end after their idle time. POST /execute with the session_id makes a new one.",
  },
  SESSION_EXISTS: {
    status: 409,
    retryable: false,
    message: "A session of this name exists already.",
    hint: "Use it, delete it, or choose another session_id.",
  },
  SESSION_BUSY: {
    status: 429,
    retryable: true,
    message: "Too many executions wait for this session.",
    hint: "A session runs one execution at a time. Wait for an answer before sending more, or use more sessions.",
  },
  SANDBOX_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: "There is no sandbox of this id.",
    hint: "GET /api/security/containers lists those that there are.",
  },
  POOL_EXHAUSTED: {
    status: 503,
    retryable: true,
    message: "All sandboxes are in use.",
    hint: "Release sessions that are no longer needed, or raise MAX_SESSIONS.",
  },
  SANDBOX_START_FAILED: {
    status: 503,
    retryable: true,
    message: "No sandbox could be started.",
    hint: "Run `glovebox doctor` on the server.",
  },
  MOUNT_FAILED: {
    status: 503,
    retryable: true,
    message: "A folder that the session asks for could not be mounted.",
    hint: "The server's log says why. See docs/data.md.",
  },
  PACKAGES_UNAVAILABLE: {
    status: 409,
    retryable: false,
    message: "This server has no packages to install.",
    hint: "The operator offers some by a folder of wheels, WHEEL_DIR; see docs/data.md.",
  },
  PACKAGE_INSTALL_FAILED: {
    status: 422,
    retryable: false,
    message: "The packages could not be installed.",
    hint: "They come from the server's folder of wheels, which has to hold them and what they need, for the sandboxes' Python.",
  },

  // Executions, and questions about a session.
  EXECUTION_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: "There is no execution of this number in this session, or it is no longer kept.",
    hint: "GET /sessions/{id}/executions lists those that are kept.",
  },
  EXECUTION_CANCELLED: {
    status: 409,
    retryable: false,
    message: "The execution was cancelled before it ran.",
  },
  EXECUTION_RUNNING: {
    status: 409,
    retryable: false,
    message: "This execution runs already, and only a queued one can be cancelled.",
    hint: "POST /sessions/{id}/interrupt interrupts it.",
  },
  EXECUTION_ENDED: {
    status: 409,
    retryable: false,
    message: "This execution is over, and only a queued one can be cancelled.",
    hint: "GET /sessions/{id}/executions/{n} has its result.",
  },
  NOTHING_RUNNING: {
    status: 409,
    retryable: false,
    message: "Nothing runs in this session.",
    hint: "A queued execution is cancelled by DELETE /sessions/{id}/executions/{n}.",
  },
  NO_INPUT_REQUESTED: {
    status: 409,
    retryable: false,
    message: "No input() waits for an answer in this session.",
    hint: "An execution that may ask (allow_input, or stream) tells each question as an input_request event.",
  },
  QUESTION_UNANSWERED: {
    status: 409,
    retryable: false,
    message: "The kernel gave no answer.",
    hint: "Answering can make the session's own code run, such as a __dir__ or a property, within 5 seconds and in a process of its own.",
  },

  // Files.
  FILE_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: "There is no file or folder of this name in the session's workspace.",
    hint: "GET /sessions/{id}/files?recursive=true lists what there is.",
  },
  INVALID_PATH: {
    status: 400,
    retryable: false,
    message: "The path is not valid.",
    hint: "Paths are relative to /workspace, with / between names: data/in.csv. No leading /, no . or .., no control characters.",
  },
  FILE_ACCESS_DENIED: {
    status: 403,
    retryable: false,
    message: "The session's own user may not do that with this file, or it is no regular file.",
    hint: "Code in the session decides the rights of its files: os.chmod.",
  },
  NOT_A_DIRECTORY: {
    status: 409,
    retryable: false,
    message: "A folder is needed, and this is none.",
  },
  IS_A_DIRECTORY: {
    status: 409,
    retryable: false,
    message: "A file is needed, and this is a folder.",
    hint: "Add ?archive=tar or ?archive=zip to read a whole folder.",
  },
  FILE_EXISTS: {
    status: 409,
    retryable: false,
    message: "Something of this name exists already.",
    hint: "Choose another name, or send overwrite: true.",
  },
  DIRECTORY_NOT_EMPTY: {
    status: 409,
    retryable: false,
    message: "The folder is not empty.",
    hint: "Add ?recursive=true to delete everything in it.",
  },
  FILE_TOO_LARGE: {
    status: 413,
    retryable: false,
    message: "There is no room for this in the session's workspace.",
    hint: "MAX_WORKSPACE_MB is the size of a workspace. Delete files that are no longer needed.",
  },
  RANGE_NOT_SATISFIABLE: {
    status: 416,
    retryable: false,
    message: "The file has no such range of bytes.",
    hint: "Content-Range in this answer tells how long the file is.",
  },
  TOO_MANY_TRANSFERS: {
    status: 429,
    retryable: true,
    message: "Too many transfers of files are under way in this session.",
    hint: "Wait for some of them to end.",
  },
  TRANSFER_INTERRUPTED: {
    status: 503,
    retryable: true,
    message: "The transfer was interrupted. An upload that has not been answered has left nothing.",
    hint: "Try it again.",
  },

  // The model.
  LLM_NOT_CONFIGURED: {
    status: 503,
    retryable: false,
    message: "No model is set, so nothing can be generated.",
    hint: "Set LLM_BASE_URL and LLM_MODEL, with LLM_API_KEY where the model needs a key, or TOGETHER_API_KEY alone, and start the server again. POST /execute works without.",
  },
  LLM_UNAUTHORIZED: {
    status: 502,
    retryable: false,
    message: "The model's server does not accept the key.",
    hint: "The operator looks at LLM_API_KEY or TOGETHER_API_KEY, and whether it belongs to LLM_BASE_URL.",
  },
  LLM_RATE_LIMITED: {
    status: 429,
    retryable: true,
    message: "The model's server takes no more requests for now.",
    hint: "Wait as long as Retry-After says.",
  },
  LLM_TIMEOUT: {
    status: 504,
    retryable: true,
    message: "The model did not answer within API_TIMEOUT.",
    hint: "Ask for less at once, or raise API_TIMEOUT.",
  },
  LLM_INCOMPLETE: {
    status: 502,
    retryable: true,
    message: "The model's answer was cut off.",
  },
  LLM_ANSWER_TOO_LONG: {
    status: 502,
    retryable: false,
    message: "The model's answer is longer than it may be.",
    hint: "Ask for less at once, or raise LLM_MAX_TOKENS.",
  },
  LLM_REFUSED: {
    status: 422,
    retryable: false,
    message: "The model refuses this request.",
    hint: "Say what it is for, or ask for something else.",
  },
  LLM_NO_CODE: {
    status: 502,
    retryable: true,
    message: "There is no Python code in the model's answer.",
    hint: "Ask for something that code can compute, or set another LLM_MODEL.",
  },
  LLM_UPSTREAM_FAILED: {
    status: 502,
    retryable: true,
    message: "The model's server failed.",
    hint: "The server's log tells more under this request_id. The operator looks at LLM_BASE_URL and LLM_MODEL.",
  },
  LLM_NOT_RECORDED: {
    status: 502,
    retryable: false,
    message: "The recorded answers have none for this request.",
    hint: "Record it with LLM_RECORD, or set LLM_BASE_URL to a model.",
  },

  // The server as a whole.
  PANICKED: {
    status: 503,
    retryable: false,
    message: "Every sandbox was killed by a panic, and new work is refused.",
    hint: "An admin lets work in again with POST /api/security/resume.",
  },
  SHUTTING_DOWN: {
    status: 503,
    retryable: true,
    message: "The server is stopping.",
  },
  AUDIT_UNAVAILABLE: {
    status: 503,
    retryable: true,
    message: "The audit log cannot be written, and AUDIT_REQUIRED is set.",
    hint: "The server's log says what fails.",
  },
  ISOLATION_UNAVAILABLE: {
    status: 503,
    retryable: false,
    message: "This host lacks something that isolation needs.",
    hint: "Run `glovebox doctor` on the server.",
  },
  INTERNAL: {
    status: 500,
    retryable: true,
    message: "Something went wrong inside Glovebox.",
    hint: "The server's log tells more under this request_id.",
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof table;

export const errorTable: Readonly<Record<ErrorCode, ErrorDefinition>> = table;

/** An error that has a row in the table. Everything else a caller sees is INTERNAL. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  /** More exact than the table's. */
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message?: string,
    options?: { cause?: unknown; retryAfterMs?: number; hint?: string },
  ) {
    super(message ?? errorTable[code].message, { cause: options?.cause });
    this.name = "ServiceError";
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
    this.hint = options?.hint;
  }
}

/** The one shape in which errors travel. */
export interface WireError {
  /** The message once more, where clients of other services look for it. */
  readonly detail: string;
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly hint?: string;
    readonly retry_after_ms?: number;
    readonly request_id: string;
  };
}

/** For the header Retry-After: whole seconds. Undefined where waiting does not help. */
export function retryAfter({ retryAfterMs }: ServiceError): string | undefined {
  return retryAfterMs === undefined
    ? undefined
    : String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
}

export function toWireError(error: ServiceError, requestId: string): WireError {
  const { hint: tableHint }: ErrorDefinition = errorTable[error.code];
  const hint = error.hint ?? tableHint;
  return {
    detail: error.message,
    error: {
      code: error.code,
      message: error.message,
      ...(hint === undefined ? {} : { hint }),
      ...(error.retryAfterMs === undefined ? {} : { retry_after_ms: error.retryAfterMs }),
      request_id: requestId,
    },
  };
}
