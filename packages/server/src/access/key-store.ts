/**
 * All keys: made, found by their secret, listed, revoked. Looking one up neither waits nor writes;
 * changes are on the disk before they are answered.
 */

import { createHash, randomBytes } from "node:crypto";
import { ServiceError } from "../errors.js";
import { Account, type Quotas } from "./account.js";
import { type KeyRecord, readKeyFile, writeKeyFile } from "./key-file.js";
import { KeyPrincipal, type Principal, type Role } from "./principal.js";

export const KEYS_MAX = 1000;
const SECRET_BYTES = 32;
const SECRET_PREFIX = "gbx_";
/** Enough to tell keys apart in a list; the other 232 bits stay secret. */
const SHOWN_LENGTH = SECRET_PREFIX.length + 4;
/** The last use is written down this often at most, since nothing depends on it. */
const FLUSH_EVERY_MS = 60_000;

export interface KeyCreation {
  readonly name: string;
  readonly role: Role;
  readonly quotas?: Quotas;
}

/** What may be told about a key. */
export type KeyInfo = Omit<KeyRecord, "hash" | "created_by"> & {
  /** Id of the principal that made it; null where that was not written down. */
  readonly created_by: string | null;
};

interface Key {
  readonly record: KeyRecord;
  readonly principal: Principal;
  readonly account: Account;
  lastUsedAtMs: number | undefined;
  revoked: boolean;
}

export interface KeyStoreOptions {
  readonly path: string;
  /** The lazy write of last uses has failed; the next one is tried later. */
  readonly onFlushFailed: (error: unknown) => void;
}

/**
 * A plain SHA-256, without salt and without stretching. Those slow down guessing of secrets that
 * people choose; a secret of 256 random bits cannot be guessed, however fast the hash is, and no
 * two are equal. Stretching would only make each request slow, and a flood of wrong ones dear.
 */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

export class KeyStore {
  readonly #options: KeyStoreOptions;
  readonly #byId = new Map<string, Key>();
  readonly #byHash = new Map<string, Key>();
  readonly #flushTimer: NodeJS.Timeout;
  /** Changes are made one after the other, so that no write overtakes another. */
  #changes: Promise<unknown> = Promise.resolve();
  /** Something is to be written, and no caller waits for it. */
  #dirty = false;

  /** @throws ConfigError when the file of keys is damaged */
  static async open(options: KeyStoreOptions): Promise<KeyStore> {
    return new KeyStore(options, await readKeyFile(options.path));
  }

  private constructor(options: KeyStoreOptions, records: readonly KeyRecord[]) {
    this.#options = options;
    for (const record of records) this.#add(record);
    this.#flushTimer = setInterval(() => void this.#flush(), FLUSH_EVERY_MS).unref();
  }

  /**
   * The key whose secret has this hash. Its time may tell something about hashes of guesses, but a
   * guess cannot be steered by them, and a hash does not lead back to its secret.
   */
  find(hash: string): Principal | undefined {
    const key = this.#byHash.get(hash);
    if (!key) return undefined;
    key.lastUsedAtMs = Date.now();
    this.#dirty = true;
    return key.principal;
  }

  /** Name of a key for people, as long as it exists. */
  nameOf(id: string): string | undefined {
    return this.#byId.get(id)?.record.name;
  }

  /** An owner that is no key, or no longer, has no quotas to charge. */
  chargeCpu(id: string, seconds: number): void {
    this.#byId.get(id)?.account.chargeCpu(seconds);
  }

  list(): { info: KeyInfo; account: Account }[] {
    return [...this.#byId.values()].map((key) => {
      return { info: infoOf(recordOf(key)), account: key.account };
    });
  }

  /**
   * The secret is not kept, so this is the only time it is told. If its maker is revoked before the key is
   * on the disk, there is no key.
   * @throws ServiceError KEYS_EXHAUSTED, UNAUTHENTICATED, FORBIDDEN
   */
  create(by: Principal, creation: KeyCreation): Promise<{ info: KeyInfo; secret: string }> {
    return this.#inOrder(async () => {
      by.assertAdmin();
      if (this.#byId.size >= KEYS_MAX) throw new ServiceError("KEYS_EXHAUSTED");
      const secret = SECRET_PREFIX + randomBytes(SECRET_BYTES).toString("base64url");
      const record: KeyRecord = {
        id: `key_${randomBytes(8).toString("hex")}`,
        name: creation.name,
        role: creation.role,
        hash: hashSecret(secret),
        prefix: secret.slice(0, SHOWN_LENGTH),
        created_at: new Date().toISOString(),
        created_by: by.id,
        last_used_at: null,
        quotas: creation.quotas ?? {},
      };
      await this.#write([...this.#records(), record]);
      // The write of its maker's revocation comes next, and leaves this record out again.
      by.assertAdmin();
      this.#add(record);
      return { info: infoOf(record), secret };
    });
  }

  /**
   * The key is refused from the moment of the call. If the disk fails, `written` rejects, and the key
   * stays refused, and stays listed until a later write succeeds.
   * @throws ServiceError KEY_NOT_FOUND, UNAUTHENTICATED, FORBIDDEN; nothing has happened then
   */
  revoke(by: Principal, id: string): { info: KeyInfo; written: Promise<void> } {
    by.assertAdmin();
    const key = this.#byId.get(id);
    if (!key) throw new ServiceError("KEY_NOT_FOUND");
    this.#byHash.delete(key.record.hash);
    key.account.revoke();
    key.revoked = true;
    this.#dirty = true;
    const written = this.#inOrder(() => this.#write(this.#records()));
    return { info: infoOf(recordOf(key)), written };
  }

  /** Write down what is not written yet. */
  async stop(): Promise<void> {
    clearInterval(this.#flushTimer);
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      await this.#inOrder(() => this.#write(this.#records()));
    } catch (error) {
      this.#dirty = true;
      this.#options.onFlushFailed(error);
    }
  }

  #add(record: KeyRecord): void {
    const { id } = record;
    const account = new Account(record.quotas);
    const principal = new KeyPrincipal(record, account);
    const key: Key = { record, principal, account, lastUsedAtMs: undefined, revoked: false };
    this.#byId.set(id, key);
    this.#byHash.set(record.hash, key);
  }

  #records(): KeyRecord[] {
    return [...this.#byId.values()].filter((key) => !key.revoked).map(recordOf);
  }

  async #write(records: readonly KeyRecord[]): Promise<void> {
    await writeKeyFile(this.#options.path, records);
    const written = new Set(records.map(({ id }) => id));
    for (const key of this.#byId.values()) {
      if (key.revoked && !written.has(key.record.id)) this.#byId.delete(key.record.id);
    }
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(change);
    this.#changes = result.catch(() => undefined);
    return result;
  }
}

function infoOf({ hash: _, created_by, ...told }: KeyRecord): KeyInfo {
  return { ...told, created_by: created_by ?? null };
}

function recordOf({ record, lastUsedAtMs }: Key): KeyRecord {
  if (lastUsedAtMs === undefined) return record;
  return { ...record, last_used_at: new Date(lastUsedAtMs).toISOString() };
}
