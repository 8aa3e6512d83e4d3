/** The lines of a file of tasks. */

import type { BatchInput, BatchItem } from "@glovebox/sdk";
import { UsageError } from "./command.js";
import { readSourceText } from "./source-text.js";

export interface Task {
  /** The line's place in the file, from 0; empty lines do not count. */
  readonly index: number;
  readonly input: BatchInput;
  /** Of the line. */
  readonly bytes: number;
}

/** @throws UsageError naming the line */
export function readTasks(source: string): Task[] {
  const tasks: Task[] = [];
  readSourceText(source, "file of tasks")
    .split("\n")
    .forEach((line, at) => {
      if (line.trim() === "") return;
      const input = toInput(line, `${source}, line ${at + 1}`);
      tasks.push({ index: tasks.length, input, bytes: Buffer.byteLength(line) });
    });
  if (tasks.length === 0) throw new UsageError(`${source} has no tasks`);
  const names = new Set<string>();
  for (const { input } of tasks) {
    if (input.id === undefined) continue;
    if (names.has(input.id)) throw new UsageError(`two tasks have the id "${input.id}"`);
    names.add(input.id);
  }
  return tasks;
}

/** What the server knows of an item, as the SDK calls it. Types are the server's to check. */
const FIELDS: Readonly<Record<keyof BatchItem, keyof BatchInput>> = {
  id: "id",
  code: "code",
  stdin: "stdin",
  files: "files",
  include_files: "includeFiles",
  timeout: "timeoutMs",
  memory_limit: "memoryLimit",
  cpu_limit: "cpuLimit",
};

function toInput(line: string, where: string): BatchInput {
  const task = parse(line, where);
  const input: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(task)) {
    if (!Object.hasOwn(FIELDS, name)) {
      const known = Object.keys(FIELDS).join(", ");
      throw new UsageError(`${where}: there is no field ${name}; those known are ${known}`);
    }
    if (value === null) continue;
    const own = FIELDS[name as keyof BatchItem];
    input[own] = own === "timeoutMs" && typeof value === "number" ? value * 1000 : value;
  }
  const { id, code } = input;
  if (typeof code !== "string") throw new UsageError(`${where}: code must be text`);
  if (id !== undefined && typeof id !== "string") {
    throw new UsageError(`${where}: id must be text`);
  }
  return { ...input, code } as BatchInput;
}

function parse(line: string, where: string): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageError(`${where} is no JSON`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new UsageError(`${where} is no JSON object`);
}
