/**
 * Holds the SDK's wire types equal to the server's schemas. There is nothing to run: `tsc -b` fails
 * when either side changes alone, and names the type.
 *
 * Equal is more than assignable both ways, which would let an optional field come and go unseen.
 * That one side's arrays are readonly makes no difference on the wire.
 */

import type { Static, TSchema } from "typebox";
import type {
  WireError as ServerError,
  ErrorCode as ServerErrorCode,
} from "../../server/src/errors.js";
import type * as answers from "../../server/src/gateway/schemas/answers.js";
import type * as batch from "../../server/src/gateway/schemas/batch.js";
import type * as chat from "../../server/src/gateway/schemas/chat.js";
import type * as chatEvents from "../../server/src/gateway/schemas/chat-events.js";
import type * as events from "../../server/src/gateway/schemas/events.js";
import type * as execute from "../../server/src/gateway/schemas/execute.js";
import type * as executions from "../../server/src/gateway/schemas/executions.js";
import type * as files from "../../server/src/gateway/schemas/files.js";
import type * as generate from "../../server/src/gateway/schemas/generate.js";
import type * as interact from "../../server/src/gateway/schemas/interact.js";
import type * as keys from "../../server/src/gateway/schemas/keys.js";
import type * as notebook from "../../server/src/gateway/schemas/notebook.js";
import type * as operate from "../../server/src/gateway/schemas/operate.js";
import type * as outputs from "../../server/src/gateway/schemas/outputs.js";
import type * as packages from "../../server/src/gateway/schemas/packages.js";
import type * as security from "../../server/src/gateway/schemas/security.js";
import type * as sessions from "../../server/src/gateway/schemas/sessions.js";
import type * as tools from "../../server/src/gateway/schemas/tools.js";
import type * as validation from "../../server/src/gateway/schemas/validation.js";
import type { BatchItemResult as ServerBatchItemResult } from "../../server/src/gateway/wire/batch.js";
import type { WireEvents as ServerEvents } from "../../server/src/gateway/wire/event.js";
import type {
  toExecuteResponse,
  toExecutionInfo,
} from "../../server/src/gateway/wire/execution.js";
import type { toContainer } from "../../server/src/gateway/wire/security.js";
import type { toSessionAnswer } from "../../server/src/gateway/wire/session.js";
import type { ChatChunk as ServerChatChunk } from "../../server/src/generate/chat/chunks.js";
import type { RunOutput } from "../../server/src/generate/chat/tool-output.js";
import type { ImageType as ServerImageType } from "../../server/src/mime.js";
import type { FileChange as ServerFileChange } from "../../server/src/sandbox/files.js";
import type { PanicNote as ServerPanicNote } from "../../server/src/security/panic-latch.js";
import type { Output as ServerOutput } from "../../server/src/sessions/outputs.js";
import type { ImageType } from "../src/mime.js";
import type * as wire from "../src/wire.js";

/** Without readonly, and with intersections written out. */
type Plain<T> = T extends (infer Item)[] | readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Name in keyof T]: Plain<T[Name]> }
    : T;

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** True, or what differs, which the compiler then prints: names of fields, or members of a union. */
type Same<A, B> = Equal<Plain<A>, Plain<B>> extends true ? true : Difference<Plain<A>, Plain<B>>;
type Difference<A, B> = [A, B] extends [string, string]
  ? Exclude<A, B> | Exclude<B, A>
  : {
      [Name in keyof A | keyof B]: Equal<
        Pick<A, Name & keyof A>,
        Pick<B, Name & keyof B>
      > extends true
        ? never
        : Name;
    }[keyof A | keyof B];

/** Each line is an assertion: a type that is not `true` does not compile. */
type All<Assertions extends Record<string, true>> = Assertions;

export type Requests = All<{
  ExecuteRequest: Same<wire.ExecuteRequest, Static<typeof execute.ExecuteBody>>;
  BatchRequest: Same<wire.BatchRequest, Static<typeof batch.BatchBody>>;
  CreateSessionRequest: Same<wire.CreateSessionRequest, Static<typeof sessions.CreateSessionBody>>;
  InputBody: Same<wire.InputBody, Static<typeof interact.InputBody>>;
  RenameBody: Same<wire.RenameBody, Static<typeof files.RenameBody>>;
  InstallPackagesBody: Same<wire.InstallPackagesBody, Static<typeof packages.InstallBody>>;
  RunNotebookBody: Same<
    Omit<wire.RunNotebookBody, "notebook">,
    Omit<Static<typeof notebook.NotebookBody>, "notebook">
  >;
  GenerateRequest: Same<wire.GenerateRequest, Static<typeof generate.GenerateBody>>;
  ChatRequest: Same<
    Omit<wire.ChatRequest, "messages">,
    Omit<Static<typeof chat.ChatBody>, "messages">
  >;
  ChatMessage: Same<keyof wire.ChatMessage, keyof Static<typeof chat.ChatMessage>>;
  CompleteBody: Same<wire.CompleteBody, Static<typeof interact.CompleteBody>>;
  InspectBody: Same<wire.InspectBody, Static<typeof interact.InspectBody>>;
  IsCompleteBody: Same<wire.IsCompleteBody, Static<typeof interact.IsCompleteBody>>;
  ReleaseRequest: Same<wire.ReleaseRequest, Static<typeof sessions.ReleaseBody>>;
  PanicRequest: Same<wire.PanicRequest, Static<typeof security.PanicBody>>;
  KeepAliveBody: Same<wire.KeepAliveBody, Static<typeof executions.KeepAliveBody>>;
  CreateKeyRequest: Same<wire.CreateKeyRequest, Static<typeof keys.CreateKeyBody>>;
}>;

/** As its route puts it together. */
type GenerateAnswer = Omit<
  Static<typeof execute.ExecuteAnswer>,
  keyof typeof generate.GenerateFields
> & {
  [Name in keyof typeof generate.GenerateFields]: Static<(typeof generate.GenerateFields)[Name]>;
};

export type Answers = All<{
  ExecuteResponse: Same<wire.ExecuteResponse, Static<typeof execute.ExecuteAnswer>>;
  BatchResponse: Same<wire.BatchResponse, Static<typeof batch.BatchAnswer>>;
  BatchItemResult: Same<wire.BatchItemResult, Static<typeof batch.BatchItemResult>>;
  BatchCounts: Same<wire.BatchCounts, Static<typeof batch.BatchCounts>>;
  RunNotebookResponse: Same<
    Omit<wire.RunNotebookResponse, "notebook">,
    Omit<Static<typeof notebook.NotebookAnswer>, "notebook">
  >;
  Notebook: Same<keyof wire.Notebook, keyof Static<typeof notebook.NotebookFile>>;
  GenerateResponse: Same<wire.GenerateResponse, GenerateAnswer>;
  Validation: Same<wire.Validation, Static<typeof validation.ValidationAnswer>>;
  ChatResponse: Same<
    Omit<wire.ChatResponse, "message">,
    Omit<Static<typeof chat.ChatAnswer>, "message">
  >;
  Conversation: Same<keyof wire.Conversation, keyof Static<typeof chat.ConversationAnswer>>;
  ChatChunk: Same<wire.ChatChunk, ServerChatChunk>;
  ChatChunkSchema: Same<wire.ChatChunk, Static<typeof chatEvents.ChatChunk>>;
  ChatRunOutput: Same<wire.ChatRunOutput, RunOutput>;
  ToolCalls: Same<wire.ToolsResponse["calls"], Static<typeof tools.ToolsAnswer>["calls"]>;
  ToolForms: Same<keyof wire.ToolsResponse, keyof Static<typeof tools.ToolsAnswer>>;
  GenerationAttempt: Same<wire.GenerationAttempt, Static<typeof generate.AttemptAnswer>>;
  Output: Same<wire.Output, Static<typeof outputs.Output>>;
  ExecutionList: Same<wire.ExecutionList, Static<typeof executions.ExecutionsAnswer>>;
  ExecutionDetail: Same<
    Omit<wire.ExecutionDetail, "result">,
    Omit<Static<typeof executions.ExecutionAnswer>, "result">
  >;
  InterruptResponse: Same<wire.InterruptResponse, Static<typeof executions.InterruptAnswer>>;
  SessionInfo: Same<wire.SessionInfo, Static<typeof sessions.SessionAnswer>>;
  SessionList: Same<wire.SessionList, Static<typeof sessions.SessionsAnswer>>;
  ResetResponse: Same<wire.ResetResponse, Static<typeof sessions.ResetAnswer>>;
  FileList: Same<wire.FileList, Static<typeof files.ListAnswer>>;
  FileType: Same<wire.FileType, Static<typeof files.FileKind>>;
  WrittenFile: Same<wire.WrittenFile, Static<typeof files.WrittenAnswer>>;
  UploadResponse: Same<wire.UploadResponse, Static<typeof files.UploadedAnswer>>;
  RenamedFile: Same<wire.RenamedFile, Static<typeof files.RenamedAnswer>>;
  OkResponse: Same<wire.OkResponse, Static<typeof interact.InputAnswer>>;
  InspectResponse: Same<
    Omit<wire.InspectResponse, "metadata">,
    Omit<Static<typeof interact.InspectAnswer>, "metadata">
  >;
  InstallPackages: Same<wire.InstallPackagesResponse, Static<typeof packages.InstallAnswer>>;
  CompleteResponse: Same<wire.CompleteResponse, Static<typeof interact.CompleteAnswer>>;
  IsCompleteResponse: Same<wire.IsCompleteResponse, Static<typeof interact.IsCompleteAnswer>>;
  VariableList: Same<wire.VariableList, Static<typeof interact.VariablesAnswer>>;
  ReleaseResponse: Same<wire.ReleaseResponse, Static<typeof sessions.ReleaseAnswer>>;
  HealthResponse: Same<wire.HealthResponse, Static<typeof operate.HealthAnswer>>;
  StatusResponse: Same<wire.StatusResponse, Static<typeof operate.StatusAnswer>>;
  PanicResponse: Same<wire.PanicResponse, Static<typeof security.PanicAnswer>>;
  ResumeResponse: Same<wire.ResumeResponse, Static<typeof security.ResumeAnswer>>;
  SecurityHealth: Same<wire.SecurityHealthResponse, Static<typeof security.SecurityHealthAnswer>>;
  ContainerList: Same<wire.ContainerList, Static<typeof security.ContainersAnswer>>;
  KillContainer: Same<wire.KillContainerResponse, Static<typeof security.KilledAnswer>>;
  EndSessions: Same<wire.EndSessionsResponse, Static<typeof security.EndedAnswer>>;
  CreateKeyResponse: Same<wire.CreateKeyResponse, Static<typeof keys.CreatedKeyAnswer>>;
  KeyList: Same<wire.KeyList, Static<typeof keys.KeysAnswer>>;
  WireError: Same<wire.WireError, ServerError>;
  ErrorAnswer: Same<wire.WireError, Static<typeof answers.ErrorAnswer>>;
  ErrorCode: Same<wire.ErrorCode, ServerErrorCode>;
  ImageType: Same<ImageType, ServerImageType>;
}>;

type Data<Schemas extends Record<string, TSchema>> = {
  [Name in keyof Schemas]: Static<Schemas[Name]>;
};

export type Events = All<{
  OfExecutions: Same<
    Omit<wire.ExecutionEvents, LastEvents>,
    Data<typeof events.ExecutionEventData>
  >;
  OfNotebooks: Same<wire.NotebookCellEvent, Static<typeof events.NotebookCellData>>;
  OfFiles: Same<wire.FileChange, Static<typeof events.FileChange>>;
}>;

/** Written by the gateway itself, after the events of the execution. */
type LastEvents = "result" | "failure";

/** What the routes hand out, which no schema shapes. */
export type Produced = All<{
  Events: Same<Omit<wire.ExecutionEvents, LastEvents>, ServerEvents>;
  FileChange: Same<wire.FileChange, ServerFileChange>;
  ExecuteResponse: Same<keyof ReturnType<typeof toExecuteResponse>, keyof wire.ExecuteResponse>;
  BatchItemResult: Same<
    Omit<wire.BatchItemResult, "result">,
    Omit<ServerBatchItemResult, "result">
  >;
  ExecutionSummary: Same<keyof ReturnType<typeof toExecutionInfo>, keyof wire.ExecutionSummary>;
  Output: Same<wire.Output, ServerOutput>;
  SessionInfo: Same<wire.SessionInfo, ReturnType<typeof toSessionAnswer>>;
  Container: Same<wire.Container, ReturnType<typeof toContainer>>;
  PanicNote: Same<wire.PanicNote, ServerPanicNote>;
}>;
