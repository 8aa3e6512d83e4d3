/** What a chat needs of a session, besides what generation needs. */

import type { FileList } from "../../sandbox/files.js";
import type { KernelAnswer } from "../../sandbox/questions.js";
import type { StartedRun } from "../../sessions/interface.js";
import type { CodeRunner } from "../code-runner.js";

export interface FileText {
  readonly path: string;
  readonly sizeBytes: number;
  /** Its beginning; null where it is no text. */
  readonly text: string | null;
  readonly truncated: boolean;
}

export interface ChatSession extends CodeRunner {
  /** As `run`, followed from its beginning; interrupted when `signal` says so. @throws ServiceError */
  start(code: string, options: { timeoutMs?: number; signal: AbortSignal }): StartedRun;
  /** Paths are as a model writes them. @throws ServiceError of the table's file codes */
  listFiles(path: string): Promise<FileList>;
  readFile(path: string, bytesMax: number): Promise<FileText>;
  writeFile(path: string, content: Uint8Array): Promise<{ path: string; sizeBytes: number }>;
  variables(limit: number): Promise<KernelAnswer<"variables">>;
}
