import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "../config.js";
import { hashSecret, KEYS_MAX, KeyStore } from "./key-store.js";
import { BUILT_IN_ADMIN as ADMIN, type Principal } from "./principal.js";

const root = mkdtempSync(join(tmpdir(), "keys-test-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
let path = "";
beforeEach(() => {
  const directory = join(root, String(++count));
  mkdirSync(directory);
  path = join(directory, "keys.json");
});

const failures: unknown[] = [];
function open(): Promise<KeyStore> {
  return KeyStore.open({ path, onFlushFailed: (error) => failures.push(error) });
}

test("a key is found by its secret alone, also by the next server", async () => {
  const store = await open();
  const { info, secret } = await store.create(ADMIN, { name: "ci", role: "execute" });
  expect(secret).toMatch(/^gbx_[A-Za-z0-9_-]{43}$/);
  expect(info).toMatchObject({ name: "ci", role: "execute", quotas: {}, last_used_at: null });
  expect(secret.startsWith(info.prefix)).toBe(true);
  // No stop: whatever was answered must have been written.
  for (const one of [store, await open()]) {
    expect(one.find(hashSecret(secret))).toMatchObject({
      id: info.id,
      name: "ci",
      role: "execute",
    });
    expect(one.find(hashSecret(`${secret}x`))).toBeUndefined();
    expect(one.find(hashSecret(info.prefix))).toBeUndefined();
    expect(one.find(secret)).toBeUndefined();
  }
});

test("neither the file nor the list has the secret, and only its owner reads the file", async () => {
  const store = await open();
  const { secret } = await store.create(ADMIN, { name: "ci", role: "admin" });
  const shown = JSON.stringify(store.list().map(({ info }) => info));
  expect(readFileSync(path, "utf8")).not.toContain(secret.slice(9));
  expect(shown).not.toContain(secret.slice(9));
  expect(shown).not.toContain(hashSecret(secret));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(existsSync(`${path}.tmp`)).toBe(false);
});

test("a revoked key is refused at once, and after a restart", async () => {
  const store = await open();
  const kept = await store.create(ADMIN, { name: "kept", role: "execute" });
  const lost = await store.create(ADMIN, { name: "lost", role: "execute" });
  const principal = store.find(hashSecret(lost.secret));
  const { written } = store.revoke(ADMIN, lost.info.id);
  expect(store.find(hashSecret(lost.secret))).toBeUndefined();
  expect(() => principal?.account?.admitRequest()).toThrow();
  await written;
  expect(() => store.revoke(ADMIN, lost.info.id)).toThrow(
    expect.objectContaining({ code: "KEY_NOT_FOUND" }),
  );
  const next = await open();
  expect(next.find(hashSecret(lost.secret))).toBeUndefined();
  expect(next.find(hashSecret(kept.secret))).toBeDefined();
});

test("a revocation that the disk refuses holds, and is written later", async () => {
  const store = await open();
  const { info, secret } = await store.create(ADMIN, { name: "a", role: "execute" });
  // A directory in the way of the temporary file fails every write, also root's.
  mkdirSync(`${path}.tmp`);
  await expect(store.revoke(ADMIN, info.id).written).rejects.toThrow();
  expect(store.find(hashSecret(secret))).toBeUndefined();
  await store.stop();
  expect(failures).toHaveLength(1);
  rmSync(`${path}.tmp`, { recursive: true });
  await store.stop();
  expect((await open()).find(hashSecret(secret))).toBeUndefined();
  expect(store.list()).toEqual([]);
});

test("the last use is written at the stop, and quotas are kept", async () => {
  const store = await open();
  const { info, secret } = await store.create(ADMIN, {
    name: "a",
    role: "execute",
    quotas: { sessions: 2, cpu_seconds_per_hour: 0.5 },
  });
  store.find(hashSecret(secret));
  await store.stop();
  const [listed] = (await open()).list();
  expect(listed?.info).toEqual({ ...info, last_used_at: expect.stringMatching(/^\d{4}-/) });
});

describe("who makes and revokes", () => {
  async function adminOf(store: KeyStore): Promise<Principal> {
    const { secret } = await store.create(ADMIN, { name: "second", role: "admin" });
    return store.find(hashSecret(secret)) as Principal;
  }
  const refusal = (code: string) => expect.objectContaining({ code });
  const wanted = { name: "made", role: "admin" } as const;

  test("is written down, and null where an older file does not say", async () => {
    const store = await open();
    const second = await adminOf(store);
    await store.create(second, wanted);
    const makers = (one: KeyStore) => one.list().map(({ info }) => info.created_by);
    expect(makers(store)).toEqual(["admin", second.id]);
    expect(makers(await open())).toEqual(["admin", second.id]);
    const file = JSON.parse(readFileSync(path, "utf8")) as { keys: { created_by?: string }[] };
    for (const key of file.keys) delete key.created_by;
    writeFileSync(path, JSON.stringify(file));
    expect(makers(await open())).toEqual([null, null]);
  });

  test("is an admin that lives, in the turn of the change", async () => {
    const store = await open();
    const second = await adminOf(store);
    const { secret } = await store.create(ADMIN, { name: "runs", role: "execute" });
    const executing = store.find(hashSecret(secret)) as Principal;
    await expect(store.create(executing, wanted)).rejects.toEqual(refusal("FORBIDDEN"));
    expect(() => store.revoke(executing, second.id)).toThrow(refusal("FORBIDDEN"));
    expect(store.find(hashSecret(secret))).toBeDefined();
    await store.revoke(ADMIN, second.id).written;
    await expect(store.create(second, wanted)).rejects.toEqual(refusal("UNAUTHENTICATED"));
    expect(() => store.revoke(second, executing.id)).toThrow(refusal("UNAUTHENTICATED"));
    expect((await open()).list()).toHaveLength(1);
  });

  test("makes no successor while it is revoked, at whichever moment", async () => {
    const store = await open();
    const second = await adminOf(store);
    // The first is being written, and the second waits for its turn.
    const made = [store.create(second, wanted), store.create(second, wanted)];
    await new Promise((resolve) => setImmediate(resolve));
    const { written } = store.revoke(ADMIN, second.id);
    for (const one of made) await expect(one).rejects.toEqual(refusal("UNAUTHENTICATED"));
    await written;
    expect(store.list()).toEqual([]);
    expect((await open()).list()).toEqual([]);
  });

  test("may be the key itself", async () => {
    const store = await open();
    const second = await adminOf(store);
    await store.revoke(second, second.id).written;
    expect(store.list()).toEqual([]);
  });
});

test("changes at the same time are all kept", async () => {
  const store = await open();
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, i) => store.create(ADMIN, { name: `k${i}`, role: "execute" })),
  );
  await Promise.all(made.slice(0, 10).map(({ info }) => store.revoke(ADMIN, info.id).written));
  const next = await open();
  expect(next.list().map(({ info }) => info.name)).toEqual(
    Array.from({ length: 10 }, (_, i) => `k${i + 10}`),
  );
});

test("there is an end to keys", async () => {
  const store = await open();
  await store.create(ADMIN, { name: "a", role: "execute" });
  const file = JSON.parse(readFileSync(path, "utf8")) as { version: 1; keys: object[] };
  const hex = (i: number, length: number) => i.toString(16).padStart(length, "0");
  file.keys = Array.from({ length: KEYS_MAX }, (_, i) => ({
    ...file.keys[0],
    id: `key_${hex(i, 16)}`,
    hash: hex(i, 64),
  }));
  writeFileSync(path, JSON.stringify(file));
  const full = await open();
  await expect(full.create(ADMIN, { name: "b", role: "execute" })).rejects.toMatchObject({
    code: "KEYS_EXHAUSTED",
  });
});

test("a temporary file that a crash has left is no obstacle", async () => {
  writeFileSync(`${path}.tmp`, "half");
  const store = await open();
  await store.create(ADMIN, { name: "a", role: "execute" });
  expect((await open()).list()).toHaveLength(1);
});

test("a link in place of the temporary file is removed, not followed", async () => {
  const target = join(root, "target");
  writeFileSync(target, "precious");
  symlinkSync(target, `${path}.tmp`);
  const store = await open();
  await store.create(ADMIN, { name: "a", role: "execute" });
  expect(readFileSync(target, "utf8")).toBe("precious");
});

test("a damaged file stops the start instead of bringing keys back or losing them", async () => {
  const store = await open();
  await store.create(ADMIN, { name: "a", role: "execute" });
  await store.create(ADMIN, { name: "b", role: "execute" });
  const good = readFileSync(path, "utf8");
  const twice = JSON.parse(good) as { keys: object[] };
  twice.keys.push(twice.keys[0] as object);
  for (const damaged of [
    "",
    good.slice(0, -5),
    "[]",
    "{}",
    good.replace('"version":1', '"version":2').replace('"version": 1', '"version": 2'),
    good.replace(/"role": ?"execute"/, '"role":"root"'),
    good.replace(/"hash": ?"./, '"hash":"X'),
    good.replace('"name"', '"title"'),
    JSON.stringify(twice),
  ]) {
    expect(damaged).not.toBe(good);
    writeFileSync(path, damaged);
    await expect(open(), damaged).rejects.toThrow(ConfigError);
    expect(readFileSync(path, "utf8")).toBe(damaged);
  }
});

test("what is not a plain file is not read", async () => {
  writeFileSync(join(root, "elsewhere"), '{"version":1,"keys":[]}');
  symlinkSync(join(root, "elsewhere"), path);
  await expect(open()).rejects.toThrow(/cannot be read/);
  rmSync(path);
  mkdirSync(path);
  chmodSync(path, 0o700);
  await expect(open()).rejects.toThrow(/cannot be read/);
});
