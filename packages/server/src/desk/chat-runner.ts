/** A session as a chat uses it: its files and variables besides what SessionRunner does. */

import { ServiceError } from "../errors.js";
import type { ChatSession, FileText } from "../generate/chat/chat-session.js";
import type { FileList } from "../sandbox/files.js";
import type { KernelAnswer } from "../sandbox/questions.js";
import type { ReadingFiles } from "../sessions/changing-files.js";
import type { StartedRun } from "../sessions/interface.js";
import { auditFiles } from "./audit-records.js";
import { checkName, checkPath } from "./paths.js";
import { SessionRunner, type SessionRunnerOptions } from "./session-runner.js";

export interface ChatRunnerOptions extends SessionRunnerOptions {
  readonly sessionId: string;
}

const VARIABLES_TIMEOUT_MS = 3000;
const LISTED_MAX = 1000;

export class ChatRunner extends SessionRunner implements ChatSession {
  readonly #options: ChatRunnerOptions;

  constructor(options: ChatRunnerOptions) {
    super(options);
    this.#options = options;
  }

  override start(code: string, how: { timeoutMs?: number; signal: AbortSignal }): StartedRun {
    return super.start(code, { ...how, followed: true });
  }

  listFiles(path: string): Promise<FileList> {
    const folder = checkPath(asWritten(path));
    return this.#readFiles((files) =>
      files.list(folder, { recursive: false, entriesMax: LISTED_MAX }),
    );
  }

  readFile(path: string, bytesMax: number): Promise<FileText> {
    const name = checkName(asWritten(path));
    return this.#readFiles(async (files) => {
      const file = await files.open(name);
      try {
        const { sizeBytes } = file;
        const chunks: Buffer[] = [];
        const length = Math.min(sizeBytes, bytesMax);
        if (length > 0)
          for await (const chunk of file.read(0, length)) chunks.push(chunk as Buffer);
        const text = asText(Buffer.concat(chunks));
        return { path: name, sizeBytes, text, truncated: sizeBytes > length };
      } finally {
        file.close();
      }
    });
  }

  async writeFile(path: string, content: Uint8Array): Promise<{ path: string; sizeBytes: number }> {
    const { audit, visit, session, sessionId } = this.#options;
    const name = checkName(asWritten(path));
    const told = auditFiles(audit, visit, sessionId);
    return session.changeFiles(true, told, async (files) => {
      const writer = present(files).write();
      try {
        writer.next(name, content.length);
        await writer.write(Buffer.from(content));
        await writer.commit();
        return { path: name, sizeBytes: content.length };
      } finally {
        writer.abort();
      }
    });
  }

  async variables(limit: number): Promise<KernelAnswer<"variables">> {
    const { session } = this.#options;
    const question = { name: "variables", content: { limit } } as const;
    const answer = await session.ask(question, VARIABLES_TIMEOUT_MS);
    return answer ?? { variables: [], total: 0, truncated: false };
  }

  #readFiles<T>(work: (files: ReadingFiles) => Promise<T>): Promise<T> {
    return this.#options.session.readFiles(true, (files) => work(present(files)));
  }
}

function present<Files>(files: Files | undefined): Files {
  if (!files) throw new ServiceError("TRANSFER_INTERRUPTED");
  return files;
}

/** Models write paths as they would in code. */
function asWritten(path: string): string {
  return path.replace(/^\/workspace(?:\/|$)/, "").replace(/^(?:\.\/)+|^\.$/, "");
}

/** Null for what is no text. A character that was cut in two at the end does no harm. */
function asText(bytes: Buffer): string | null {
  if (bytes.includes(0)) return null;
  const text = new TextDecoder().decode(bytes);
  const broken = text.split("\ufffd").length - 1;
  return broken > 3 && broken > text.length / 100 ? null : text;
}
