/**
 * The file of keys. It is replaced as a whole, so that a crash leaves the old one or the new one,
 * and a file that is not understood is refused: guessing could bring a revoked key back.
 */

import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { ConfigError } from "../config.js";

const closed = { additionalProperties: false } as const;

/** The bounds of what may be asked for; the routes use them as well. */
export const KeyName = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: "^[A-Za-z0-9][A-Za-z0-9 ._:@-]{0,63}$",
});
export const KeyRole = Type.Union([Type.Literal("execute"), Type.Literal("admin")]);
export const KeyQuotas = Type.Object(
  {
    sessions: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 4000,
        description: "Live sessions and stateless runs at a time.",
      }),
    ),
    requests_per_minute: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000_000,
        description: "Every request that needs a token, whatever becomes of it.",
      }),
    ),
    cpu_seconds_per_hour: Type.Optional(
      Type.Number({
        minimum: 0.001,
        maximum: 100_000_000,
        description: "CPU seconds of the key's sandboxes in the last hour.",
      }),
    ),
  },
  closed,
);

const KeyRecord = Type.Object(
  {
    id: Type.String({ maxLength: 20, pattern: "^key_[0-9a-f]{16}$" }),
    name: KeyName,
    role: KeyRole,
    /** SHA-256 of the secret, in hex. */
    hash: Type.String({ maxLength: 64, pattern: "^[0-9a-f]{64}$" }),
    prefix: Type.String({ maxLength: 16 }),
    created_at: Type.String({ maxLength: 32 }),
    /** Id of the principal that made it. Absent from what older programs have written. */
    created_by: Type.Optional(Type.String({ maxLength: 32 })),
    last_used_at: Type.Union([Type.String({ maxLength: 32 }), Type.Null()]),
    quotas: KeyQuotas,
  },
  closed,
);
export type KeyRecord = Static<typeof KeyRecord>;

const KeyFile = Compile(
  Type.Object({ version: Type.Literal(1), keys: Type.Array(KeyRecord) }, closed),
);

/** @throws ConfigError when the file is there and is not what this program has written */
export async function readKeyFile(path: string): Promise<readonly KeyRecord[]> {
  const text = await readOwnFile(path);
  if (text === undefined) return [];
  const corrupt = (why: string) =>
    new ConfigError(
      `the file of keys is damaged (${why}); restore keys.json in STATE_DIR/gateway from a backup, or delete it and make new keys`,
    );
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw corrupt("it is not JSON");
  }
  if (!KeyFile.Check(content)) throw corrupt("it does not have the form of version 1");
  for (const field of ["id", "hash"] as const) {
    if (new Set(content.keys.map((key) => key[field])).size < content.keys.length) {
      throw corrupt(`two keys have the same ${field}`);
    }
  }
  return content.keys;
}

async function readOwnFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    return await file.readFile("utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new ConfigError(
      `keys.json in STATE_DIR/gateway cannot be read (${code}); it must be a file of SERVICE_USER`,
    );
  }
}

/** Resolves once the new content, and its name, are on the disk. */
export async function writeKeyFile(path: string, keys: readonly KeyRecord[]): Promise<void> {
  const temporary = `${path}.tmp`;
  // A crash may have left one.
  await rm(temporary, { force: true });
  {
    await using file = await open(temporary, "wx", 0o600);
    await file.writeFile(`${JSON.stringify({ version: 1, keys }, null, 1)}\n`);
    await file.sync();
  }
  await rename(temporary, path);
  await using directory = await open(dirname(path), "r");
  await directory.sync();
}
