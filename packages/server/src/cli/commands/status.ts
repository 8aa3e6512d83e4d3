/** `glovebox status`: is the server up, and how full is it. */

import { parseArgs } from "node:util";
import { AuthenticationError, type Glovebox, type StatusResponse } from "@glovebox/sdk";
import { printJson } from "../json-output.js";
import { formatSeconds } from "../terminal/amounts.js";
import { printable } from "../terminal/escape-filter.js";
import { formatTable } from "../terminal/table.js";
import { COMMON_HELP, COMMON_OPTIONS, type Command, connectWith, parsing } from "./command.js";

const HELP = `Usage: glovebox status [--json]

Whether the server is up, and for an admin how full it is. Ends with 0 when it lets work in,
with 1 when a panic holds, or when nothing answers.
${COMMON_HELP}`;

async function show(args: readonly string[]): Promise<number> {
  const { values } = parsing(() => parseArgs({ args: [...args], options: COMMON_OPTIONS }));
  const { client, url } = connectWith(values);
  const health = await client.health();
  const details = await statusForAdmins(client);
  if (values.json) printJson({ url, ...health, details: details ?? null });
  else {
    const loopDelay = health.event_loop_delay_ms;
    const rows = [
      ["server", url],
      ["version", health.version],
      ["state", health.status],
      ["up for", formatSeconds(health.uptime_seconds)],
      ["loop delay", `${loopDelay.p99} ms at the 99th percentile, ${loopDelay.max} ms at most`],
      ...(details ? detailRows(details) : []),
    ];
    process.stdout.write(formatTable(rows.map((row) => row.map(printable))));
  }
  return health.status === "healthy" ? 0 : 1;
}

function detailRows({ panic, pool, sessions, stateless }: StatusResponse): string[][] {
  const waiting = pool.waiting > 0 ? `, ${pool.waiting} requests wait` : "";
  return [
    ...(panic ? [["panicked", `since ${panic.since}: ${panic.reason}`]] : []),
    ["sessions", `${sessions}, and ${stateless} runs without one`],
    ["sandboxes", `${pool.leased} of ${pool.leases_max} in use${waiting}`],
    ["warm", `${pool.idle} of ${pool.size}, ${pool.starting} starting`],
  ];
}

/** Undefined for a key that is no admin's. */
async function statusForAdmins(client: Glovebox): Promise<StatusResponse | undefined> {
  try {
    return await client.admin.status();
  } catch (error) {
    if (AuthenticationError.isInstance(error) && error.code === "FORBIDDEN") return undefined;
    throw error;
  }
}

export const status: Command = { help: HELP, run: show };
