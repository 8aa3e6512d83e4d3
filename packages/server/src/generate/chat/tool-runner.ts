/** Does what the model has called, one call after the other, and tells of it while it happens. */

import type { ValidationPolicy } from "../../config/model-settings.js";
import { type ErrorCode, ServiceError } from "../../errors.js";
import type { ExecutionEvents } from "../../sessions/execution-events.js";
import type { LoggedEvent } from "../../sessions/logged-event.js";
import { textOfBundle } from "../../sessions/outputs.js";
import { isDenied } from "../code-review.js";
import { checkStatically } from "../static-check.js";
import type { ChatSession } from "./chat-session.js";
import type { ChatChunk, LiveOutput } from "./chunks.js";
import { type RunOutput, shorten, shownImages, toRunOutput } from "./tool-output.js";
import type { ToolCall } from "./tools.js";

/** What the model may learn from. Anything else is for the caller, and ends the chat. */
const FOR_THE_MODEL: ReadonlySet<ErrorCode> = new Set([
  "FILE_NOT_FOUND",
  "INVALID_PATH",
  "NOT_A_DIRECTORY",
  "IS_A_DIRECTORY",
  "FILE_EXISTS",
  "DIRECTORY_NOT_EMPTY",
  "FILE_ACCESS_DENIED",
  "FILE_TOO_LARGE",
  "CODE_TOO_LARGE",
  "SESSION_BUSY",
  "QUESTION_UNANSWERED",
  "TRANSFER_INTERRUPTED",
] satisfies ErrorCode[]);

const READ_BYTES_MAX = 32_768;
const READ_CHARACTERS_MAX = 10_000;
const ENTRIES_MAX = 200;
const VARIABLES_SHOWN_MAX = 60;
const PREVIEW_CHARACTERS_MAX = 100;
/** The whole output so far is sent again each time, so not too often. */
const PRELIMINARY_EVERY_MS = 400;
const PRELIMINARY_CHARACTERS_MAX = 4000;
/** Of one run; its whole text is in the history of the session. */
const LIVE_CHARACTERS_MAX = 1_000_000;

/** What it came to: an output, or a sentence for the model about what was wrong. */
export type ToolEnd = { readonly output: unknown } | { readonly problem: string };

export interface ToolUse {
  readonly filesCreated: Set<string>;
  readonly filesModified: Set<string>;
  cpuSeconds: number;
  wallSeconds: number;
}

export interface ToolSurroundings {
  readonly session: ChatSession;
  readonly policy: ValidationPolicy;
  readonly signal: AbortSignal;
}

export class ToolRunner {
  readonly #session: ChatSession;
  readonly #policy: ValidationPolicy;
  readonly #signal: AbortSignal;
  readonly use: ToolUse = {
    ...{ filesCreated: new Set(), filesModified: new Set() },
    ...{ cpuSeconds: 0, wallSeconds: 0 },
  };

  constructor({ session, policy, signal }: ToolSurroundings) {
    this.#session = session;
    this.#policy = policy;
    this.#signal = signal;
  }

  /** @throws ServiceError when the chat cannot go on */
  async *run(toolCallId: string, call: ToolCall): AsyncGenerator<ChatChunk, ToolEnd, undefined> {
    this.#signal.throwIfAborted();
    try {
      if (call.name === "run_code") return yield* this.#runCode(toolCallId, call.input);
      return { output: await this.#perform(call) };
    } catch (error) {
      if (!(error instanceof ServiceError) || !FOR_THE_MODEL.has(error.code)) throw error;
      return { problem: error.hint ? `${error.message} ${error.hint}` : error.message };
    }
  }

  async #perform(call: Exclude<ToolCall, { name: "run_code" }>): Promise<unknown> {
    switch (call.name) {
      case "list_files":
        return this.#listFiles(call.input.path ?? "");
      case "read_file": {
        const { path, sizeBytes, text, truncated } = await this.#session.readFile(
          call.input.path,
          READ_BYTES_MAX,
        );
        if (text === null)
          return { path, size: sizeBytes, text, note: "It is no text; read it by code." };
        const isLong = truncated || text.length > READ_CHARACTERS_MAX;
        const shown = text.slice(0, READ_CHARACTERS_MAX);
        return { path, size: sizeBytes, text: shown, truncated: isLong };
      }
      case "write_file": {
        const content = Buffer.from(call.input.content);
        const { path, sizeBytes } = await this.#session.writeFile(call.input.path, content);
        this.use.filesCreated.add(path);
        return { path, size: sizeBytes };
      }
      case "show_variables":
        return this.#showVariables();
    }
  }

  async #listFiles(path: string): Promise<unknown> {
    const { entries, truncated } = await this.#session.listFiles(path);
    return {
      entries: entries.slice(0, ENTRIES_MAX).map((entry) => {
        const { path: name, kind: type, sizeBytes: size } = entry;
        return type === "file" ? { path: name, type, size } : { path: name, type };
      }),
      truncated: truncated || entries.length > ENTRIES_MAX,
    };
  }

  async #showVariables(): Promise<unknown> {
    const { variables, total } = await this.#session.variables(VARIABLES_SHOWN_MAX);
    const shown = variables.slice(0, VARIABLES_SHOWN_MAX).map(({ name, type, shape, preview }) => ({
      ...{ name, type },
      ...(shape === null ? {} : { shape }),
      preview: shorten(preview, PREVIEW_CHARACTERS_MAX),
    }));
    return { variables: shown, total };
  }

  async *#runCode(
    toolCallId: string,
    { code, timeout }: { readonly code: string; readonly timeout?: number },
  ): AsyncGenerator<ChatChunk, ToolEnd, undefined> {
    const denied = await this.#whatIsDenied(code);
    if (denied !== undefined) return { problem: denied };
    const { execution, outcome: running } = this.#session.start(code, {
      ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
      signal: this.#signal,
    });
    // It may fail while the events are still read.
    running.catch(() => undefined);
    const live = new LiveText(toolCallId, execution.id);
    for await (const event of execution.events.follow()) yield* live.take(event);
    const outcome = await running;
    this.#note(outcome);
    for (const { mediaType, data } of shownImages(outcome.outputs)) {
      yield { type: "file", mediaType, url: `data:${mediaType};base64,${data}` };
    }
    return { output: toRunOutput(outcome, execution.id) };
  }

  #note(outcome: Awaited<ReturnType<ChatSession["run"]>>): void {
    const { use } = this;
    for (const path of outcome.filesCreated) use.filesCreated.add(path);
    for (const path of outcome.filesModified) use.filesModified.add(path);
    use.cpuSeconds += outcome.cpuSeconds;
    use.wallSeconds += outcome.wallSeconds;
  }

  /** Looked at only where the operator denies something: a mere remark would not be told. */
  async #whatIsDenied(code: string): Promise<string | undefined> {
    const { unsafe_verdict: _, ...rules } = this.#policy;
    if (!Object.values(rules).includes("deny")) return undefined;
    const check = await checkStatically(this.#session, [code], this.#policy);
    if (!isDenied(check)) return undefined;
    const lines = check.findings
      .filter(({ action }) => action === "deny")
      .map(({ rule, line, message }) => `line ${line}: ${message} (${rule})`);
    return `It was not run, because this server's rules deny what it does: ${lines.join("; ")}`;
  }
}

/** Text of a run as it comes, as it is and gathered. */
class LiveText {
  readonly #toolCallId: string;
  readonly #executionId: number | null;
  #text = "";
  #sent = 0;
  #toldAt = performance.now();

  constructor(toolCallId: string, executionId: number | null) {
    this.#toolCallId = toolCallId;
    this.#executionId = executionId;
  }

  *take(event: LoggedEvent): Generator<ChatChunk> {
    const live = readEvent(event);
    if (!live || this.#sent > LIVE_CHARACTERS_MAX) return;
    this.#sent += live.text.length;
    const data = { tool_call_id: this.#toolCallId, ...live };
    yield { type: "data-output", data, transient: true };
    this.#text = (this.#text + live.text).slice(-PRELIMINARY_CHARACTERS_MAX);
    if (performance.now() - this.#toldAt < PRELIMINARY_EVERY_MS) return;
    this.#toldAt = performance.now();
    yield {
      type: "tool-output-available",
      toolCallId: this.#toolCallId,
      output: { ...RUNNING, execution_id: this.#executionId, result_text: this.#text },
      preliminary: true,
    };
  }
}

const RUNNING: Omit<RunOutput, "execution_id" | "result_text"> = {
  ...{ status: "running", exit_code: 0, execution_time: 0, error: null, images: 0 },
  ...{ files_created: [], files_modified: [] },
};

function readEvent({ name, data }: LoggedEvent): Omit<LiveOutput, "tool_call_id"> | undefined {
  if (name === "stream") return data as ExecutionEvents["stream"];
  if (name === "error") {
    const { traceback } = data as ExecutionEvents["error"];
    return { name: "stderr", text: `${traceback.join("\n")}\n` };
  }
  if (name !== "execute_result" && name !== "display_data") return undefined;
  const text = textOfBundle((data as ExecutionEvents["display_data"]).data, "leave out");
  return text === "" ? undefined : { name: "result", text };
}
