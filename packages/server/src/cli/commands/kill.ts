/** `glovebox kill`: end a session or a sandbox, running code included. */

import { parseArgs } from "node:util";
import { AuthenticationError, type Glovebox, NotFoundError } from "@glovebox/sdk";
import { printJson } from "../json-output.js";
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  type Command,
  connectWith,
  parsing,
  UsageError,
} from "./command.js";

const HELP = `Usage: glovebox kill SESSION|SANDBOX… [--json]

End a session of this token, with its files and variables. An admin can also name a session of another
key, or a sandbox as \`glovebox ps\` shows it; a session whose sandbox is killed starts afresh.
${COMMON_HELP}`;

interface Killed {
  readonly id: string;
  readonly kind: "session" | "sandbox";
}

async function killAll(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsing(() =>
    parseArgs({ args: [...args], options: COMMON_OPTIONS, allowPositionals: true }),
  );
  if (positionals.length === 0) throw new UsageError("name a session or a sandbox");
  const { client } = connectWith(values);
  const killed: Killed[] = [];
  for (const id of positionals) killed.push({ id, kind: await killOne(client, id) });
  if (values.json) printJson({ killed });
  else for (const { id, kind } of killed) process.stdout.write(`killed ${kind} ${id}\n`);
  return 0;
}

/** What is the caller's own comes first: a session may be named like another's sandbox. */
async function killOne(client: Glovebox, id: string): Promise<Killed["kind"]> {
  const own = client.session(id);
  try {
    await own.delete();
    return "session";
  } catch (error) {
    if (!NotFoundError.isInstance(error)) throw error;
    return killAsAdmin(client, id, error);
  }
}

async function killAsAdmin(
  client: Glovebox,
  id: string,
  notFound: NotFoundError,
): Promise<Killed["kind"]> {
  try {
    await client.admin.endSessions(id);
    return "session";
  } catch (error) {
    if (AuthenticationError.isInstance(error)) throw notFound;
    if (!NotFoundError.isInstance(error)) throw error;
  }
  if (!/^[0-9a-f]{16}$/.test(id)) throw notFound;
  await client.admin.killContainer(id);
  return "sandbox";
}

export const kill: Command = { help: HELP, run: killAll };
