/** A session of the server: one Python interpreter with its variables and files, by name. */

import { NotFoundError } from "./errors.js";
import {
  type ExecutionStream,
  followExecution,
  type InputPiece,
  type StreamOptions,
  streamExecution,
  toInputBody,
} from "./execution-stream.js";
import { SessionFiles } from "./files.js";
import {
  type NotebookOptions,
  type NotebookStream,
  type NotebookStreamOptions,
  streamNotebook,
  toNotebookBody,
} from "./notebook.js";
import {
  type CallOptions,
  checkExecutionId,
  checkSessionId,
  defined,
  type ExecuteOptions,
  toExecuteRequest,
  toSeconds,
} from "./options.js";
import type { Transport } from "./transport.js";
import type {
  CompleteResponse,
  Conversation,
  ExecuteResponse,
  ExecutionDetail,
  ExecutionList,
  ExecutionSummary,
  InspectResponse,
  InstallPackagesResponse,
  InterruptResponse,
  IsCompleteResponse,
  Notebook,
  ResetResponse,
  RunNotebookResponse,
  SessionInfo,
  VariableList,
} from "./wire.js";

/** Made by `Glovebox.session()` and `Glovebox.createSession()`. Holds a name, and no connection. */
export class Session {
  readonly id: string;
  readonly files: SessionFiles;
  readonly #transport: Transport;

  constructor(transport: Transport, id: string) {
    this.id = checkSessionId(id);
    this.#transport = transport;
    this.files = new SessionFiles(transport, this.#path());
  }

  /** Run code and wait for all it produced. Code that fails is an answer, and no error. */
  execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResponse> {
    return this.#transport.json({
      method: "POST",
      path: "execute",
      json: toExecuteRequest(code, options, this.id),
      signal: options.signal,
      timeoutMs: null,
    });
  }

  /** Run code and see what happens while it happens. */
  stream(code: string, options: StreamOptions = {}): ExecutionStream {
    return streamExecution({ transport: this.#transport, code, sessionId: this.id, options });
  }

  /** KeyboardInterrupt in the code that runs now; variables stay. */
  interrupt(options: CallOptions = {}): Promise<InterruptResponse> {
    return this.#post("interrupt", undefined, options);
  }

  /** Answer the question that `input()` has open: with a line, or with a piece of standard input. */
  async input(answer: string | InputPiece, options: CallOptions = {}): Promise<void> {
    await this.#post("input", toInputBody(answer), options);
  }

  /** The runs of this session: waiting, running, and those done that are still kept. */
  async executions({ signal }: CallOptions = {}): Promise<readonly ExecutionSummary[]> {
    const list = await this.#get<ExecutionList>("executions", { signal });
    return list.executions;
  }

  /** One run, with its result once it has one. @throws NotFoundError when it is no longer kept */
  execution(executionId: number, options: CallOptions = {}): Promise<ExecutionDetail> {
    return this.#get(`executions/${checkExecutionId(executionId)}`, options);
  }

  /** The events of a run that was begun by another request, after the one with the number `after`. */
  follow(
    executionId: number,
    options: CallOptions & { readonly after?: number } = {},
  ): ExecutionStream {
    return followExecution(this.#transport, this.id, checkExecutionId(executionId), options);
  }

  /** Take back a run that waits for its turn. */
  cancel(executionId: number, { signal }: CallOptions = {}): Promise<void> {
    const path = this.#path(`executions/${checkExecutionId(executionId)}`);
    return this.#transport.done({ method: "DELETE", path, signal });
  }

  /** What could stand at the cursor, which is counted in code points; default the end of the code. */
  complete(
    code: string,
    options: CallOptions & { readonly cursorPos?: number } = {},
  ): Promise<CompleteResponse> {
    return this.#post("complete", { code, cursor_pos: cursorOf(code, options) }, options);
  }

  /** What is known about the name at the cursor: signature and documentation, at level 1 source. */
  inspect(
    code: string,
    options: CallOptions & { readonly cursorPos?: number; readonly detailLevel?: 0 | 1 } = {},
  ): Promise<InspectResponse> {
    const body = { code, cursor_pos: cursorOf(code, options), detail_level: options.detailLevel };
    return this.#post("inspect", defined(body), options);
  }

  /** Whether the code could run as it is, or a prompt should let go on typing. */
  isComplete(code: string, options: CallOptions = {}): Promise<IsCompleteResponse> {
    return this.#post("is_complete", { code }, options);
  }

  /** The variables of the session. */
  variables(options: CallOptions & { readonly limit?: number } = {}): Promise<VariableList> {
    return this.#get("variables", { signal: options.signal, query: { limit: options.limit } });
  }

  /** What was said in its chat with the server's model. */
  conversation({ signal }: CallOptions = {}): Promise<Conversation> {
    return this.#transport.json({
      method: "GET",
      path: `api/chat/${encodeURIComponent(this.id)}`,
      signal,
    });
  }

  /** Let the server forget what was said; variables and files stay. */
  forgetConversation({ signal }: CallOptions = {}): Promise<void> {
    return this.#transport.done({
      method: "DELETE",
      path: `api/chat/${encodeURIComponent(this.id)}`,
      signal,
    });
  }

  /** What was run so far as a notebook, nbformat 4.5. */
  notebook(options: CallOptions = {}): Promise<Notebook> {
    return this.#get("notebook", options);
  }

  /** Run a notebook cell by cell, and get it back with its outputs. */
  runNotebook(notebook: Notebook, options: NotebookOptions = {}): Promise<RunNotebookResponse> {
    return this.#transport.json({
      method: "POST",
      path: this.#path("notebook"),
      json: toNotebookBody(notebook, options),
      signal: options.signal,
      timeoutMs: null,
    });
  }

  /** Run a notebook and see what happens while it happens; `cell` events tell which cell it is. */
  streamNotebook(notebook: Notebook, options: NotebookStreamOptions = {}): NotebookStream {
    return streamNotebook(this.#transport, this.id, notebook, options);
  }

  /** Install packages from the server's folder of wheels, such as `"polars==1.0"`. */
  installPackages(
    packages: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<InstallPackagesResponse> {
    const path = this.#path("packages");
    // Building and unpacking takes as long as it takes.
    return this.#transport.json({
      method: "POST",
      path,
      json: { packages },
      signal,
      timeoutMs: null,
    });
  }

  /** @throws NotFoundError before its first use and after its end */
  info(options: CallOptions = {}): Promise<SessionInfo> {
    return this.#get(undefined, options);
  }

  /** As if it had been used now; `ttlMs` changes how long it lives without use. */
  keepAlive(options: CallOptions & { readonly ttlMs?: number } = {}): Promise<SessionInfo> {
    return this.#post("keep-alive", defined({ ttl: toSeconds(options.ttlMs) }), options);
  }

  /** A fresh interpreter and an empty workspace under the same name. */
  reset(options: CallOptions = {}): Promise<ResetResponse> {
    return this.#post("reset", undefined, options);
  }

  /** End it, running code included. @throws NotFoundError when there is none */
  delete({ signal }: CallOptions = {}): Promise<void> {
    return this.#transport.done({ method: "DELETE", path: this.#path(), signal });
  }

  /** End it if it is there. What `await using` calls. */
  async release(options: CallOptions = {}): Promise<void> {
    try {
      await this.delete(options);
    } catch (error) {
      if (!NotFoundError.isInstance(error)) throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #get<Body>(
    rest: string | undefined,
    options: CallOptions & { readonly query?: Readonly<Record<string, number | undefined>> },
  ): Promise<Body> {
    const { signal, query = {} } = options;
    return this.#transport.json({ method: "GET", path: this.#path(rest), query, signal });
  }

  #post<Body>(rest: string, json: unknown, { signal }: CallOptions): Promise<Body> {
    return this.#transport.json({ method: "POST", path: this.#path(rest), json, signal });
  }

  #path(rest?: string): string {
    const base = `sessions/${encodeURIComponent(this.id)}`;
    return rest === undefined ? base : `${base}/${rest}`;
  }
}

/** JavaScript counts UTF-16 units, Python and the wire count code points. */
function cursorOf(code: string, { cursorPos }: { readonly cursorPos?: number }): number {
  return cursorPos ?? Array.from(code).length;
}
