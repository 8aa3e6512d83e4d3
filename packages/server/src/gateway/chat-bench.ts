/** A session as a chat uses it: its files and variables besides what SessionBench does. */

import { ServiceError } from "../errors.js";
import type { ChatBench, FileText, StartedRun } from "../generate/chat/chat-bench.js";
import type { FileList, SandboxFiles } from "../sandbox/files.js";
import type { KernelAnswer } from "../sandbox/questions.js";
import { auditFiles } from "./audit-records.js";
import { checkName, checkPath } from "./files/path.js";
import { SessionBench, type SessionBenchOptions } from "./session-bench.js";

export interface ChatBenchOptions extends SessionBenchOptions {
  readonly sessionId: string;
}

const VARIABLES_TIMEOUT_MS = 3000;
const LISTED_MAX = 1000;

export class SessionChatBench extends SessionBench implements ChatBench {
  readonly #options: ChatBenchOptions;

  constructor(options: ChatBenchOptions) {
    super(options);
    this.#options = options;
  }

  override start(code: string, how: { timeoutMs?: number; signal: AbortSignal }): StartedRun {
    return super.start(code, { ...how, followed: true });
  }

  listFiles(path: string): Promise<FileList> {
    const folder = checkPath(asWritten(path));
    return this.#withFiles((files) =>
      files.list(folder, { recursive: false, entriesMax: LISTED_MAX }),
    );
  }

  readFile(path: string, bytesMax: number): Promise<FileText> {
    const name = checkName(asWritten(path));
    return this.#withFiles(async (files) => {
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
    const { admission, audit, request, sessionId } = this.#options;
    const name = checkName(asWritten(path));
    admission.admitMore(request.principal);
    return this.#withFiles(async (files) => {
      const writer = files.write();
      try {
        writer.next(name, content.length);
        await writer.write(Buffer.from(content));
        const [written] = await writer.commit();
        const change = written?.created === false ? "replaced" : "created";
        const bytes = content.length;
        auditFiles(audit, request, { session: sessionId, change, path: name, bytes });
        return { path: name, sizeBytes: bytes };
      } finally {
        writer.abort();
      }
    });
  }

  async variables(limit: number): Promise<KernelAnswer<"variables">> {
    const { admission, request, session } = this.#options;
    admission.admitQuestion(request.principal);
    const question = { name: "variables", content: { limit } } as const;
    const answer = await session.ask(question, VARIABLES_TIMEOUT_MS);
    return answer ?? { variables: [], total: 0, truncated: false };
  }

  #withFiles<T>(work: (files: SandboxFiles) => Promise<T>): Promise<T> {
    return this.#options.session.useFiles(true, (files) => {
      if (!files) throw new ServiceError("TRANSFER_INTERRUPTED");
      return work(files);
    });
  }
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
