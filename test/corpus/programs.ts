/** Finds the programs of unpacked packages, and draws some of them. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Random } from "../fuzz/random.ts";
import type { Collection } from "./collections.ts";

export interface Program {
  /** Collection and path in its package. */
  readonly name: string;
  readonly kind: "script" | "notebook";
  /** Python, or the JSON of an `.ipynb` file. */
  readonly text: string;
  /** What lies beside it and may be read by it. */
  readonly files: readonly DataFile[];
}

export interface DataFile {
  readonly path: string;
  readonly content: Buffer;
}

const ENDINGS = /\.(py|ipynb)(\.gz)?$/;
const DATA_FILES_MAX = 30;
const DATA_FILE_BYTES_MAX = 1 << 20;
const DATA_BYTES_MAX = 4 << 20;

/** All programs of one collection, each text once, in the order of their names. */
export function programsOf(collection: Collection, folder: string): Program[] {
  const seen = new Set<string>();
  return collection.folders
    .map((path) => join(folder, path))
    .filter((path) => existsSync(path))
    .flatMap((path) => filesBelow(path))
    .filter((path) => ENDINGS.test(path))
    .flatMap((path): Program[] => {
      const text = readText(path);
      const hash = createHash("sha256").update(text).digest("hex");
      if (seen.has(hash)) return [];
      seen.add(hash);
      const kind = path.includes(".ipynb") ? "notebook" : "script";
      // Older ones are refused by the service, as by Jupyter.
      if (kind === "notebook" && !(JSON.parse(text).nbformat >= 4)) return [];
      if (kind === "notebook" && !hasCells(text)) return [];
      const name = `${collection.name}/${relative(folder, path).replace(/^usr\/share\/doc\/[^/]+\//, "")}`;
      return [{ name, kind, text, files: dataBeside(path) }];
    });
}

/** Notebooks before nbformat 4 have worksheets instead; they are refused by design. */
function hasCells(notebook: string): boolean {
  return Array.isArray((JSON.parse(notebook) as { readonly cells?: unknown }).cells);
}

/** Up to `limit` of them; the same ones for the same seed. */
export function draw(programs: readonly Program[], limit: number, random: Random): Program[] {
  const rest = [...programs];
  const drawn: Program[] = [];
  while (drawn.length < limit && rest.length > 0) {
    drawn.push(...rest.splice(random.below(rest.length), 1));
  }
  return drawn;
}

export interface Cell {
  readonly source: string;
  /** By its tag. */
  readonly may_fail: boolean;
}

/** The code of a notebook's cells, magics and all, or a script as one. */
export function cellsToRun({ kind, text }: Program): Cell[] {
  if (kind === "script") return [{ source: text, may_fail: false }];
  const { cells } = JSON.parse(text) as {
    readonly cells: readonly {
      readonly cell_type: string;
      readonly source: string | string[];
      readonly metadata?: { readonly tags?: readonly string[] };
    }[];
  };
  return cells
    .filter(
      ({ cell_type, metadata }) =>
        cell_type === "code" && !metadata?.tags?.includes("skip-execution"),
    )
    .map(({ source, metadata }) => ({
      source: Array.isArray(source) ? source.join("") : source,
      may_fail: metadata?.tags?.includes("raises-exception") === true,
    }))
    .filter(({ source }) => source.trim() !== "");
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path) && statSync(path).isFile());
}

function readText(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** Data and modules of the same folder, and of folders in it; a folder of downloads holds nothing that belongs to it. */
function dataBeside(program: string): DataFile[] {
  const folder = dirname(program);
  if (folder.includes("/_downloads/")) return [];
  const found: DataFile[] = [];
  let bytes = 0;
  for (const path of filesBelow(folder)) {
    const { size } = statSync(path);
    if (path === program || path.includes(".ipynb") || size > DATA_FILE_BYTES_MAX) continue;
    if (found.length === DATA_FILES_MAX || bytes + size > DATA_BYTES_MAX) break;
    bytes += size;
    found.push({ path: relative(folder, path), content: readFileSync(path) });
  }
  return found;
}

/** A name for the program where it runs as a file. */
export function fileNameOf(program: Program): string {
  return basename(program.name).replace(/\.gz$/, "");
}
