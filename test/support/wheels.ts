/** Small pure wheels, made as pip expects them, without any tool of Python's. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

export interface WheelOptions {
  readonly name: string;
  readonly version: string;
  /** Source of its one module. */
  readonly source: string;
  readonly requires?: readonly string[];
}

/** Writes NAME-VERSION-py3-none-any.whl into a folder. */
export function writeWheel(folder: string, options: WheelOptions): void {
  const { name, version, source, requires = [] } = options;
  const info = `${name}-${version}.dist-info`;
  const metadata = [
    "Metadata-Version: 2.1",
    `Name: ${name}`,
    `Version: ${version}`,
    ...requires.map((one) => `Requires-Dist: ${one}`),
    "",
  ].join("\n");
  const wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
  const names = [`${name}.py`, `${info}/METADATA`, `${info}/WHEEL`, `${info}/RECORD`];
  const record = names.map((one) => `${one},,\n`).join("");
  const contents = [source, metadata, wheel, record];
  const files = names.map((one, index) => [one, Buffer.from(contents[index] ?? "")] as const);
  writeFileSync(join(folder, `${name}-${version}-py3-none-any.whl`), storedZip(files));
}

/** A ZIP archive without compression. */
function storedZip(files: readonly (readonly [string, Buffer])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of files) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    const made = Buffer.from([20, 0]);
    directory.push(
      Buffer.concat([Buffer.from("PK\x01\x02"), made, common, rest, Buffer.from(name)]),
    );
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, Buffer.from("PK\x05\x06"), end]);
}
