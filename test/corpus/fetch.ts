/**
 * Fetches Debian's documentation packages and unpacks them into a cache. Nothing is installed: apt has lists and an
 * (empty) status of its own there, so neither the host nor its release has a say.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Collection } from "./collections.ts";

/** Of scripts/rootfs.mjs, whose libraries the programs are written for. */
const SUITE = "trixie";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const MIRROR = "http://deb.debian.org/debian";

export interface Cache {
  readonly directory: string;
  readonly mirror?: string | undefined;
}

/** Resolves to the folder that holds the unpacked package. Throws with apt's words where it cannot be had. */
export function unpacked(collection: Collection, cache: Cache): string {
  const folder = join(cache.directory, collection.debianPackage);
  if (existsSync(folder)) return folder;
  console.log(`fetching ${collection.debianPackage}`);
  const work = join(cache.directory, ".fetching");
  rmSync(work, { recursive: true, force: true });
  const environment = prepareApt(work, cache.mirror ?? MIRROR);
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, {
      cwd: work,
      env: environment,
      stdio: ["ignore", "ignore", "inherit"],
    });
  run("apt-get", "-q", "update");
  run("apt-get", "-q", "download", collection.debianPackage);
  const archive = readdirSync(work).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new Error(`apt brought no ${collection.debianPackage}`);
  run("dpkg-deb", "-x", archive, "content");
  renameSync(join(work, "content"), folder);
  rmSync(work, { recursive: true });
  return folder;
}

function prepareApt(work: string, mirror: string): NodeJS.ProcessEnv {
  for (const place of ["lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(work, place), { recursive: true });
  }
  writeFileSync(join(work, "sources.list"), `deb [signed-by=${KEYRING}] ${mirror} ${SUITE} main\n`);
  writeFileSync(join(work, "status"), "");
  const settings = {
    "Dir::Etc::sourcelist": join(work, "sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "APT::Sandbox::User": "root",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  writeFileSync(join(work, "apt.conf"), lines.join(""));
  return { ...process.env, APT_CONFIG: join(work, "apt.conf") };
}
