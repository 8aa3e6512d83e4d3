/** `glovebox keys`: makes, lists and revokes the keys of others. */

import { parseArgs } from "node:util";
import type { CreateKeyRequest, KeyRole, KeyWithUsage } from "@glovebox/sdk";
import { printJson } from "../json-output.js";
import { printable } from "../terminal/escape-filter.js";
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  type Command,
  connectWith,
  parsing,
  UsageError,
} from "./command.js";

const HELP = `Usage: glovebox keys COMMAND

  create --name NAME --role execute|admin
         [--sessions N] [--requests-per-minute N] [--cpu-seconds-per-hour N]
                  make a key; its secret is printed once, and kept nowhere
  list            all keys, who made them, their quotas and what they use now
  revoke ID       refuse a key from now on, and end its sessions
${COMMON_HELP}
For admins. docs/access.md says more.
`;

const QUOTAS = ["sessions", "requests-per-minute", "cpu-seconds-per-hour"] as const;

async function manage([name, ...rest]: readonly string[]): Promise<number> {
  switch (name) {
    case "create":
      return create(rest);
    case "list":
      return list(rest);
    case "revoke":
      return revoke(rest);
    default:
      throw new UsageError("say what to do: create, list, revoke");
  }
}

async function create(args: readonly string[]): Promise<number> {
  const text = { type: "string" } as const;
  const options = {
    ...COMMON_OPTIONS,
    ...{ name: text, role: text, sessions: text },
    ...{ "requests-per-minute": text, "cpu-seconds-per-hour": text },
  };
  const { values } = parsing(() => parseArgs({ args: [...args], options }));
  const { json, url, "token-file": tokenFile, ...wanted } = values;
  const request = creationOf(wanted);
  const { client } = connectWith({ url, "token-file": tokenFile });
  const made = await client.admin.keys.create(request);
  if (json) printJson(made);
  else {
    process.stdout.write(`${printable(made.key)}\n`);
    process.stderr.write(`This is ${printable(made.id)}. The secret above is shown only now.\n`);
  }
  return 0;
}

/** Only the form is looked at here; the server judges the values. */
function creationOf(values: Readonly<Record<string, string | undefined>>): CreateKeyRequest {
  const quotas = QUOTAS.filter((quota) => values[quota] !== undefined).map((quota) => {
    const number = Number(values[quota] || Number.NaN);
    if (!Number.isFinite(number)) throw new UsageError(`--${quota} must be a number`);
    return [quota.replaceAll("-", "_"), number];
  });
  return {
    name: values["name"] as string,
    role: values["role"] as KeyRole,
    quotas: Object.fromEntries(quotas),
  };
}

async function list(args: readonly string[]): Promise<number> {
  const { values } = parsing(() => parseArgs({ args: [...args], options: COMMON_OPTIONS }));
  const keys = await connectWith(values).client.admin.keys.list();
  if (values.json) printJson({ keys });
  else {
    const names = new Map(keys.map(({ id, name }) => [id, `${name} (${id})`]));
    const makerOf = ({ created_by: maker }: KeyWithUsage) =>
      maker === null ? "unknown" : (names.get(maker) ?? maker);
    const lines = keys.map((key) => `${printable(lineOf(key, makerOf(key)))}\n`);
    process.stdout.write(lines.join(""));
  }
  return 0;
}

function lineOf(key: KeyWithUsage, maker: string): string {
  const { id, prefix, role, name, last_used_at, quotas, usage } = key;
  const limits: Readonly<Record<string, number | undefined>> = { ...quotas };
  const use = Object.entries(usage).map(([what, used]) => `${what} ${used}/${limits[what] ?? "-"}`);
  const columns = [id, prefix, role, name, `made by ${maker}`];
  return [...columns, `last used ${last_used_at ?? "never"}`, ...use].join("  ");
}

async function revoke(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsing(() =>
    parseArgs({ args: [...args], options: COMMON_OPTIONS, allowPositionals: true }),
  );
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0) throw new UsageError("name one key by its id");
  await connectWith(values).client.admin.keys.revoke(id);
  if (values.json) printJson({ revoked: id });
  else process.stderr.write(`${id} is revoked, and its sessions have ended.\n`);
  return 0;
}

export const keys: Command = { help: HELP, run: manage };
