/** Operations for the keeper, and what they can be bent into. */
import { encodeFrame } from "../../packages/server/src/sandbox/guest/channel.ts";
import type { Random } from "../fuzz/random.ts";

export type Operation = Readonly<Record<string, unknown>>;

const MEBIBYTE = 1 << 20;
export const PLAN = {
  ...{ memory_bytes: 128 * MEBIBYTE, cpu_cores: 0.5, processes: 20, open_files: 256 },
  ...{ workspace_bytes: 8 * MEBIBYTE, workspace_inodes: 1024 },
  ...{
    tmp_bytes: 8 * MEBIBYTE,
    tmp_inodes: 1024,
    home_bytes: 8 * MEBIBYTE,
    home_inodes: 1024,
    mounts: [],
  },
};
/** So few that the next often meets what the last has left. */
const IDS = ["0123456789abcdef", "fedcba9876543210", "aaaaaaaaaaaaaaaa"];
const SECRET = "0123456789abcdef".repeat(2);

const VALID: readonly ((sandbox: string) => Operation)[] = [
  (sandbox) => ({ op: "spawn", sandbox, secret: SECRET, plan: PLAN }),
  (sandbox) => ({ op: "limit", sandbox, memory_bytes: 64 * MEBIBYTE, cpu_cores: 0.5 }),
  (sandbox) => ({ op: "mount", sandbox, mounts: [] }),
  (sandbox) => ({ op: "porter", sandbox, secret: SECRET, processes: 20 }),
  (sandbox) => ({ op: "interrupt", sandbox }),
  (sandbox) => ({ op: "destroy", sandbox }),
  (sandbox) => ({ op: "inspect", sandbox }),
  () => ({ op: "panic" }),
  () => ({ op: "census" }),
];

/** As JSON, so that there are some that JavaScript cannot write. */
const ODD_VALUES = [
  ...["null", "true", "false", "0", "-1", "1e308", "-0.5", "NaN", "Infinity", "-Infinity"],
  ...["9".repeat(400), "9".repeat(5000), '""', '"\\ud800"', '"../../etc"', '"\\u0000"', "[]", "{}"],
  ...['[["a"]]', '[{"a":1}]', `[${"1,".repeat(5000)}1]`, `"${"é".repeat(20_000)}"`],
  ...["[".repeat(500) + "]".repeat(500), '{"__class__":{}}', '"spawn"', `"${SECRET}"`],
  ...['"0123456789ABCDEF0123456789ABCDEF"', `"${SECRET}\\n"`, '"__init__"', '"_spawn"'],
] as const;

export function rawFrame(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export function operationFrame(operation: Operation): Buffer {
  return encodeFrame(operation);
}

/** One of the operations with a field or two that are missing, too many, or of any other kind. */
export function oddOperation(random: Random): Buffer {
  const operation = random.pick(VALID)(random.pick(IDS));
  if (random.chance(0.2)) return operationFrame(operation);
  const fields = new Map(Object.entries(operation).map(([name, value]) => [name, json(value)]));
  for (let times = random.between(1, 2); times > 0; times--) bend(fields, random);
  const body = [...fields].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",");
  return rawFrame(`{${body}}`);
}

function bend(fields: Map<string, string>, random: Random): void {
  const name = fields.size === 0 ? "op" : random.pick([...fields.keys()]);
  const odd = random.pick(ODD_VALUES);
  if (name === "plan" && random.chance(0.8)) {
    const field = random.pick(Object.keys(PLAN));
    const plan = Object.entries(PLAN).map(([key, value]) => [
      key,
      key === field ? odd : json(value),
    ]);
    fields.set(name, `{${plan.map(([key, value]) => `"${key}":${value}`).join(",")}}`);
  } else {
    const way = random.fraction();
    if (way < 0.15) fields.delete(name);
    else fields.set(way < 0.3 ? "extra" : name, odd);
  }
}

function json(value: unknown): string {
  return JSON.stringify(value);
}
