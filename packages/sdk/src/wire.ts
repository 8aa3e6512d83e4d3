/**
 * What travels between client and server, as it travels: snake_case, seconds, ISO dates. Plain types,
 * nothing at run time, a file for each topic in `wire/`. `test/wire-types.ts` lets the compiler hold
 * them equal to the server's schemas.
 */

export type {
  Container,
  ContainerList,
  CreateKeyRequest,
  CreateKeyResponse,
  EndSessionsResponse,
  HealthResponse,
  KeyInfo,
  KeyList,
  KeyQuotas,
  KeyRole,
  KeyWithUsage,
  KillContainerResponse,
  PanicNote,
  PanicRequest,
  PanicResponse,
  PoolStatus,
  ResumeResponse,
  SecurityHealthResponse,
  StatusResponse,
} from "./wire/admin.js";
export type {
  BatchCounts,
  BatchItem,
  BatchItemResult,
  BatchRequest,
  BatchResponse,
} from "./wire/batch.js";
export type {
  ChatChunk,
  ChatEndReason,
  ChatLiveOutput,
  ChatMessage,
  ChatPart,
  ChatRequest,
  ChatResponse,
  ChatRunOutput,
  ChatUiMessage,
  ChatUsage,
  Conversation,
  ToolsResponse,
} from "./wire/chat.js";
export type {
  ErrorCode,
  WireError,
} from "./wire/errors.js";
export type {
  AnswerPart,
  DisplayDataOutput,
  ErrorOutput,
  ExecuteRequest,
  ExecuteResponse,
  ExecuteResultOutput,
  ExecutionError,
  ExecutionEvents,
  ExecutionStatus,
  FileEncoding,
  InputFile,
  InputRequest,
  MimeBundle,
  OnDisconnect,
  Output,
  OutputFile,
  RestartReason,
  StreamName,
  StreamOutput,
} from "./wire/execution.js";
export type {
  FileChange,
  FileEntry,
  FileEvents,
  FileList,
  FileType,
  RenameBody,
  RenamedFile,
  UploadResponse,
  WrittenFile,
} from "./wire/files.js";
export type {
  GenerateRequest,
  GenerateResponse,
  GenerationAttempt,
  Validation,
  ValidationFinding,
} from "./wire/generate.js";
export type {
  Notebook,
  NotebookCell,
  NotebookCellEvent,
  RunNotebookBody,
  RunNotebookResponse,
} from "./wire/notebook.js";
export type {
  CompleteBody,
  CompleteResponse,
  CreateSessionRequest,
  ExecutionDetail,
  ExecutionList,
  ExecutionState,
  ExecutionSummary,
  InputBody,
  InspectBody,
  InspectResponse,
  InstalledPackage,
  InstallPackagesBody,
  InstallPackagesResponse,
  InterruptResponse,
  IsCompleteBody,
  IsCompleteResponse,
  KeepAliveBody,
  OkResponse,
  ReleaseRequest,
  ReleaseResponse,
  ResetResponse,
  SessionInfo,
  SessionLimits,
  SessionList,
  Variable,
  VariableList,
} from "./wire/session.js";

/** What may stand in JSON. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };
