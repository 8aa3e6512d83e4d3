/** `glovebox keys`: asks the running server over HTTP, with the admin token. */

import { type ParseArgsConfig, parseArgs } from "node:util";
import { type Config, ConfigError } from "../config.js";
import { printJson } from "./json-output.js";
import { localAdminToken, localServerUrl } from "./local-server.js";

export const HELP = `Usage: glovebox keys COMMAND

  create --name NAME --role execute|admin
         [--sessions N] [--requests-per-minute N] [--cpu-seconds-per-hour N]
                  make a key; its secret is printed once, and kept nowhere
  list            all keys, who made them, their quotas and what they use now
  revoke ID       refuse a key from now on, and end its sessions

  --json          machine-readable output, errors included

Speaks to the server that runs with this configuration. docs/keys.md says more.
`;

const JSON_OPTION = { json: { type: "boolean", default: false } } as const;
const QUOTAS = ["sessions", "requests-per-minute", "cpu-seconds-per-hour"] as const;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface KeyInfo {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly prefix: string;
  readonly created_by: string | null;
  readonly last_used_at: string | null;
  readonly quotas: Readonly<Record<string, number>>;
  readonly usage: Readonly<Record<string, number>>;
}

/** Resolves with the exit code. @throws ConfigError on wrong use, or when no server answers */
export async function keys(config: Config, [command, ...rest]: readonly string[]): Promise<number> {
  switch (command) {
    case "create":
      return create(config, rest);
    case "list":
      return list(config, rest);
    case "revoke":
      return revoke(config, rest);
    default:
      process.stderr.write(HELP);
      return 2;
  }
}

async function create(config: Config, args: string[]): Promise<number> {
  const text = { type: "string" } as const;
  const quotaOptions = Object.fromEntries(QUOTAS.map((quota) => [quota, text]));
  const { values } = parse({
    args,
    options: { ...JSON_OPTION, name: text, role: text, ...quotaOptions },
  });
  const answer = await ask(config, "POST", "/api/keys", creationOf(values));
  if (answer.status !== 201) return refused(answer, values["json"] === true);
  const { id, key } = answer.body as { id: string; key: string };
  if (values["json"]) {
    printJson(answer.body);
    return 0;
  }
  process.stdout.write(`${key}\n`);
  process.stderr.write(`This is ${id}. The secret above is shown only now.\n`);
  return 0;
}

/** Only the form is looked at here; the server judges the values. */
function creationOf(values: Readonly<Record<string, string | boolean | undefined>>) {
  const quotas = QUOTAS.filter((quota) => values[quota] !== undefined).map((quota) => {
    const number = Number(values[quota] || Number.NaN);
    if (!Number.isFinite(number)) throw new ConfigError(`--${quota} must be a number`);
    return [quota.replaceAll("-", "_"), number];
  });
  return { name: values["name"], role: values["role"], quotas: Object.fromEntries(quotas) };
}

/** @throws ConfigError where parseArgs throws a plain error */
function parse<const T extends ParseArgsConfig>(options: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(options);
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

async function list(config: Config, args: string[]): Promise<number> {
  const { json } = parse({ args, options: JSON_OPTION }).values;
  const answer = await ask(config, "GET", "/api/keys");
  if (answer.status !== 200) return refused(answer, json);
  if (json) {
    printJson(answer.body);
    return 0;
  }
  const { keys: all } = answer.body as { keys: KeyInfo[] };
  const nameOf = new Map(all.map(({ id, name }) => [id, `${name} (${id})`]));
  for (const key of all) {
    const maker = key.created_by ?? "unknown";
    const use = Object.entries(key.usage).map(
      ([name, used]) => `${name} ${used}/${key.quotas[name] ?? "-"}`,
    );
    const columns = [
      key.id,
      key.prefix,
      key.role,
      key.name,
      `made by ${nameOf.get(maker) ?? maker}`,
      `last used ${key.last_used_at ?? "never"}`,
    ];
    process.stdout.write(`${[...columns, ...use].join("  ")}\n`);
  }
  return 0;
}

async function revoke(config: Config, args: string[]): Promise<number> {
  const { values, positionals } = parse({ args, options: JSON_OPTION, allowPositionals: true });
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0)
    throw new ConfigError("glovebox keys revoke takes one ID");
  const answer = await ask(config, "DELETE", `/api/keys/${encodeURIComponent(id)}`);
  if (answer.status !== 204) return refused(answer, values.json);
  if (values.json) printJson({ revoked: id });
  else process.stderr.write(`${id} is revoked, and its sessions have ended.\n`);
  return 0;
}

function refused({ status, body }: Answer, json: boolean): number {
  if (json) {
    printJson(body);
    return 1;
  }
  const { error } = body as { error?: { message?: string; hint?: string } };
  const reason = [error?.message ?? `status ${status}`, error?.hint].filter(Boolean).join(" ");
  process.stderr.write(`glovebox: the server refused: ${reason}\n`);
  return 1;
}

async function ask(config: Config, method: string, path: string, body?: object): Promise<Answer> {
  const address = localServerUrl(config);
  try {
    const response = await fetch(address + path, {
      method,
      headers: {
        ...(config.auth === "none" ? {} : { "x-auth-token": localAdminToken(config) }),
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    throw new ConfigError(`the server at ${address} does not answer: ${cause?.message ?? message}`);
  }
}
