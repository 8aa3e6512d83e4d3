/** `glovebox ps`: sessions, the sandboxes behind them, and what they run. */

import { parseArgs } from "node:util";
import {
  AuthenticationError,
  type Container,
  type Glovebox,
  NotFoundError,
  type SessionInfo,
} from "@glovebox/sdk";
import { printJson } from "../json-output.js";
import { formatBytes, formatSeconds } from "../terminal/amounts.js";
import { printable } from "../terminal/escape-filter.js";
import { formatTable } from "../terminal/table.js";
import { COMMON_HELP, COMMON_OPTIONS, type Command, connectWith, parsing } from "./command.js";

const HELP = `Usage: glovebox ps [--json]

The sessions of this token with what they run now, and for an admin every sandbox in use, of other
keys too. The first column is what \`glovebox kill\` takes.
${COMMON_HELP}`;

interface Listed extends SessionInfo {
  /** What runs now, cut; null while nothing does. */
  readonly running: string | null;
}

async function list(args: readonly string[]): Promise<number> {
  const { values } = parsing(() => parseArgs({ args: [...args], options: COMMON_OPTIONS }));
  const { client } = connectWith(values);
  const [sessions, containers] = await Promise.all([sessionsOf(client), containersOf(client)]);
  if (values.json) {
    printJson({ sessions, containers: containers ?? null });
    return 0;
  }
  const inUse = containers?.filter(({ state }) => state === "in_use") ?? [];
  const own = sessions.map((session) => sessionRow(session, inUse));
  const shown = new Set(sessions.map(({ session_id }) => session_id));
  const others = inUse.filter(({ session_id }) => session_id === null || !shown.has(session_id));
  if (own.length + others.length === 0) {
    process.stderr.write("No session.\n");
    return 0;
  }
  const head = ["SESSION", "STATE", "CPU", "MEMORY", "PROCESSES", "ENDS IN", "RUNS"];
  const rows = [head, ...own, ...others.map(containerRow)];
  const safe = rows.map((row) => row.map(printable));
  process.stdout.write(formatTable(safe, process.stdout.columns));
  return 0;
}

function sessionRow(session: Listed, containers: readonly Container[]): string[] {
  const container = containers.find(({ session_id }) => session_id === session.session_id);
  const queued = session.queued > 0 ? ` (+${session.queued} waiting)` : "";
  const ends = session.expires_at === null ? "-" : secondsUntil(session.expires_at);
  return [
    session.session_id,
    `${session.state}${queued}`,
    ...usage(container),
    ends,
    firstLine(session.running ?? ""),
  ];
}

function containerRow(container: Container): string[] {
  const whose =
    container.session_id === null
      ? "(a run without a session)"
      : `(session ${container.session_id} of ${container.owner})`;
  return [container.id, "in use", ...usage(container), "-", whose];
}

function usage(container: Container | undefined): string[] {
  if (container === undefined) return ["-", "-", "-"];
  const { cpu_time, memory_bytes, processes } = container;
  return [`${cpu_time.toFixed(1)} s`, formatBytes(memory_bytes), String(processes)];
}

function secondsUntil(time: string): string {
  return formatSeconds(Math.max(0, (Date.parse(time) - Date.now()) / 1000));
}

export function firstLine(code: string): string {
  const [line = "", ...more] = code.trim().split("\n");
  const cut = line.length > 60 ? `${line.slice(0, 59)}…` : line;
  return printable(more.length > 0 && cut === line ? `${cut} …` : cut);
}

async function sessionsOf(client: Glovebox): Promise<Listed[]> {
  const sessions = await client.sessions();
  return Promise.all(
    sessions.map(async (session) => ({
      ...session,
      running: session.state === "busy" ? await runningCode(client, session.session_id) : null,
    })),
  );
}

async function runningCode(client: Glovebox, id: string): Promise<string | null> {
  try {
    const executions = await client.session(id).executions();
    return executions.find(({ state }) => state === "running")?.code ?? null;
  } catch (error) {
    // It has ended since.
    if (NotFoundError.isInstance(error)) return null;
    throw error;
  }
}

/** Undefined for a key that is no admin's. */
async function containersOf(client: Glovebox): Promise<readonly Container[] | undefined> {
  try {
    return await client.admin.containers();
  } catch (error) {
    if (AuthenticationError.isInstance(error) && error.code === "FORBIDDEN") return undefined;
    throw error;
  }
}

export const ps: Command = { help: HELP, run: list };
