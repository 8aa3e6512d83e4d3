/** Files that travel with an execution: inputs put in place before it, and what it has made. */

import { isUtf8 } from "node:buffer";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.js";
import type { SandboxFiles } from "../sandbox/files.js";
import type { Sandbox } from "../sandbox/sandbox.js";
import { ChangingFiles, type ToldOfChange } from "./changing-files.js";
import type { ExecutionOutcome, InlineFile } from "./outcome.js";

export interface InputFile {
  readonly path: string;
  readonly content: Buffer;
}

const FILE_BYTES_MAX = 1024 * 1024;
const SUM_BYTES_MAX = 8 * 1024 * 1024;
const FILES_MAX = 1000;
/** The session's turn is held meanwhile. */
const PLACE_TIMEOUT_MS = 30_000;
const COLLECT_TIMEOUT_MS = 10_000;

/** Inputs are given away once, so that nothing keeps them longer than it takes. */
export class InputFiles {
  #files: readonly InputFile[];
  /** Hears of each once it is in its place. */
  readonly told: ToldOfChange;

  constructor(files: readonly InputFile[], told: ToldOfChange) {
    this.#files = files;
    this.told = told;
  }

  take(): readonly InputFile[] {
    const files = this.#files;
    this.#files = [];
    return files;
  }
}

/** All or nothing. `admit` throws what refuses a change. @throws ServiceError */
export async function placeFiles(
  sandbox: Sandbox,
  inputs: InputFiles,
  admit: () => void,
): Promise<void> {
  const writer = new ChangingFiles(await sandbox.files(), admit, inputs.told).write();
  const write = async () => {
    for (const { path, content } of inputs.take()) {
      writer.next(path, content.length);
      await writer.write(content);
    }
    await writer.commit();
    return true;
  };
  try {
    if (await within(PLACE_TIMEOUT_MS, write())) return;
    throw new ServiceError("TRANSFER_INTERRUPTED");
  } finally {
    writer.abort();
  }
}

/** The outcome with the files that its code has made. Held in memory like the outputs, and counted with them. */
export async function withFiles(
  sandbox: Sandbox,
  outcome: ExecutionOutcome,
): Promise<ExecutionOutcome> {
  const paths = new Set([...outcome.filesCreated, ...outcome.filesModified]);
  const files = outcome.spent || paths.size === 0 ? [] : await collectFiles(sandbox, [...paths]);
  const bytes = files.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  return { ...outcome, files, outputBytes: outcome.outputBytes + bytes };
}

/** What user code says that it has made, as far as it is there. Never fails: the execution has not. */
async function collectFiles(
  sandbox: Sandbox,
  paths: readonly string[],
): Promise<readonly InlineFile[]> {
  const found: InlineFile[] = [];
  const collect = async () => {
    const files = await sandbox.files();
    let left = SUM_BYTES_MAX;
    for (const path of paths.slice(0, FILES_MAX)) {
      const file = await read(files, path, left).catch(() => undefined);
      if (!file) continue;
      left -= file.content === null ? 0 : file.sizeBytes;
      found.push(file);
    }
  };
  await within(COLLECT_TIMEOUT_MS, collect()).catch(() => undefined);
  return [...found];
}

async function read(files: SandboxFiles, path: string, bytesMax: number): Promise<InlineFile> {
  const file = await files.open(path);
  const { sizeBytes } = file;
  if (sizeBytes > Math.min(bytesMax, FILE_BYTES_MAX)) {
    file.close();
    return { path, sizeBytes, encoding: null, content: null };
  }
  const bytes = Buffer.concat(await file.read(0, sizeBytes).toArray());
  const encoding = isUtf8(bytes) && !bytes.includes(0) ? "utf-8" : "base64";
  return { path, sizeBytes, encoding, content: bytes.toString(encoding) };
}

/** Undefined when it takes longer. */
function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  work.catch(() => undefined); // It may have no reader any more.
  return Promise.race([work, delay(ms, undefined, { ref: false })]);
}
