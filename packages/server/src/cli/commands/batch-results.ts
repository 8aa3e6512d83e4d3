/** Where the results of a batch are written, a line each, and which are there already. */

import { once } from "node:events";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import type { BatchItemResult } from "@glovebox/sdk";
import { jsonLine } from "../json-output.js";
import type { Task } from "./batch-tasks.js";
import { CommandError, UsageError } from "./command.js";
import { FORCE_REPLACES } from "./output-folder.js";

export interface OpenMode {
  readonly resume: boolean;
  readonly force: boolean;
}

export class ResultLines {
  /** Undefined for standard output. */
  readonly #descriptor: number | undefined;
  readonly #done: ReadonlySet<string>;

  private constructor(descriptor: number | undefined, done: ReadonlySet<string>) {
    this.#descriptor = descriptor;
    this.#done = done;
  }

  /** Makes the file. @throws CommandError */
  static open(path: string | undefined, { resume, force }: OpenMode): ResultLines {
    if (path === undefined) return new ResultLines(undefined, new Set());
    if (resume) return ResultLines.#resume(path);
    try {
      return new ResultLines(openSync(path, force ? "w" : "wx"), new Set());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      throw new CommandError(
        `${path} is here already; ${FORCE_REPLACES}, --resume goes on with what it lacks`,
      );
    }
  }

  /** What a killed run has left of a last line is cut off. */
  static #resume(path: string): ResultLines {
    const descriptor = openSync(path, "a+");
    const bytes = readFileSync(path);
    const whole = bytes.lastIndexOf("\n") + 1;
    if (whole < bytes.length) ftruncateSync(descriptor, whole);
    const done = new Set<string>();
    for (const line of bytes.toString("utf8", 0, whole).split("\n")) {
      const key = line === "" ? undefined : keyOfDone(line, path);
      if (key !== undefined) done.add(key);
    }
    return new ResultLines(descriptor, done);
  }

  /** Whether a result of it was there at the beginning. */
  has({ index, input: { id } }: Task): boolean {
    return this.#done.has(keyOf(index, id ?? null));
  }

  /** Resolves when there is room for more. */
  async write(result: BatchItemResult): Promise<void> {
    const line = jsonLine(result);
    if (this.#descriptor === undefined) {
      if (!process.stdout.write(line)) await once(process.stdout, "drain");
      return;
    }
    const bytes = Buffer.from(line);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/** @throws UsageError */
export function checkOpenMode(path: string | undefined, { resume, force }: OpenMode): void {
  if (path === undefined && (resume || force)) {
    throw new UsageError("--resume and --force need --out FILE");
  }
  if (resume && force) throw new UsageError("--resume goes on, --force begins anew: give one");
}

/** By its name where it has one, as lines may have been added or moved since. */
function keyOf(index: number, id: string | null): string {
  return id === null ? `#${index}` : `id ${id}`;
}

/** Undefined for one that did not run, which is tried again. @throws CommandError */
function keyOfDone(line: string, path: string): string | undefined {
  let result: Partial<BatchItemResult> | null;
  try {
    result = JSON.parse(line);
  } catch {
    result = null;
  }
  if (typeof result?.index !== "number") throw new CommandError(`${path} is no file of results`);
  return result.state === "done" ? keyOf(result.index, result.id ?? null) : undefined;
}
