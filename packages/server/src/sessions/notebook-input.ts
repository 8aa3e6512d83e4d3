/**
 * A notebook that a caller sends. Whatever of it is kept is checked here, because it is sent back as
 * part of a valid notebook; what is wrong with it is told by its place.
 */

import { ServiceError } from "../errors.js";
import { type Cell, type Notebook, PYTHON_METADATA } from "./notebook.js";

const CELLS_MAX = 1000;
const CELL_ID = /^[a-zA-Z0-9_-]{1,64}$/;
const NOT_A_NOTEBOOK = "Send the JSON of an .ipynb file as the field notebook.";
const CONVERT = "Convert it first: jupyter nbconvert --to notebook --nbformat 4 FILE.ipynb";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The notebook in the form of nbformat 4.5: sources as single strings, every cell with an id, no
 * outputs. Fields that nbformat does not know are dropped.
 * @throws ServiceError INVALID_REQUEST, CODE_TOO_LARGE
 */
export function readNotebook(value: unknown, codeBytesMax: number): Notebook {
  if (!isObject(value)) throw refuse("notebook must be an object", NOT_A_NOTEBOOK);
  checkFormat(value);
  const { cells, metadata } = value;
  checkLanguage(metadata);
  if (!Array.isArray(cells)) throw refuse("notebook.cells must be a list", NOT_A_NOTEBOOK);
  if (cells.length > CELLS_MAX) {
    throw refuse(`the notebook has ${cells.length} cells, and at most ${CELLS_MAX} are run`);
  }
  const ids = new Set<string>();
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { ...PYTHON_METADATA, ...readObject(metadata, "notebook.metadata") },
    cells: cells.map((cell, index) => readCell(cell, index, ids, codeBytesMax)),
  };
}

/** Whether the author has said that it fails. */
export function mayFail(cell: Cell): boolean {
  return hasTag(cell, "raises-exception");
}

/** Whether the author has said that it is not to be run. */
export function isSkipped(cell: Cell): boolean {
  return hasTag(cell, "skip-execution");
}

function hasTag({ metadata }: Cell, tag: string): boolean {
  const tags = metadata["tags"];
  return Array.isArray(tags) && tags.includes(tag);
}

/** Run as Python, another language would fail in its first line, and nobody would be told why. */
function checkLanguage(metadata: unknown): void {
  if (!isObject(metadata)) return;
  const { language_info, kernelspec } = metadata;
  const told = [
    field(language_info, "name"),
    field(kernelspec, "language"),
    field(kernelspec, "name") === "ir" ? "R" : undefined,
  ];
  const language = told.find((name) => typeof name === "string" && name.trim() !== "");
  if (typeof language !== "string" || /^i?python[23]?$/i.test(language.trim())) return;
  throw refuse(
    `this notebook is written in ${language.trim().slice(0, 40)}, and sandboxes run Python only`,
    "metadata.language_info.name and metadata.kernelspec.language say so. Correct them if they are wrong.",
  );
}

function field(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function checkFormat({ nbformat, worksheets }: Fields): void {
  if (worksheets !== undefined || nbformat === 3 || nbformat === 2) {
    throw refuse("this notebook is of nbformat 3 or older, and nbformat 4 is needed", CONVERT);
  }
  if (nbformat === undefined) {
    throw refuse("this is not a notebook: it has no field nbformat", NOT_A_NOTEBOOK);
  }
  if (nbformat !== 4) {
    throw refuse(`notebook.nbformat must be 4, not ${JSON.stringify(nbformat)?.slice(0, 40)}`);
  }
}

function readCell(value: unknown, index: number, ids: Set<string>, codeBytesMax: number): Cell {
  const place = `notebook.cells[${index}]`;
  if (!isObject(value)) throw refuse(`${place} must be an object`);
  const { cell_type, attachments } = value;
  if (cell_type !== "code" && cell_type !== "markdown" && cell_type !== "raw") {
    throw refuse(`${place}.cell_type must be code, markdown or raw`);
  }
  const source = readSource(value["source"], place);
  const metadata = readObject(value["metadata"], `${place}.metadata`);
  const cell = { id: readId(value["id"], index, ids), source };
  if (cell_type !== "code") {
    const kept = isObject(attachments) ? { attachments } : {};
    return { cell_type, ...cell, metadata, ...kept };
  }
  if (Buffer.byteLength(source) > codeBytesMax) {
    throw new ServiceError(
      "CODE_TOO_LARGE",
      `${place}.source has more than ${codeBytesMax} bytes (MAX_CODE_SIZE)`,
    );
  }
  // Times of an earlier run would be taken for those of this one.
  const { execution, ...others } = metadata;
  return { cell_type, ...cell, metadata: others, execution_count: null, outputs: [] };
}

function readSource(source: unknown, place: string): string {
  if (typeof source === "string") return source;
  if (Array.isArray(source) && source.every((line) => typeof line === "string")) {
    return source.join("");
  }
  throw refuse(`${place}.source must be a string, or a list of strings`);
}

/** Older notebooks have no ids, and copied cells may have the same one. */
function readId(id: unknown, index: number, ids: Set<string>): string {
  let chosen = typeof id === "string" && CELL_ID.test(id) && !ids.has(id) ? id : `cell-${index}`;
  for (let number = 2; ids.has(chosen); number++) chosen = `cell-${index}-${number}`;
  ids.add(chosen);
  return chosen;
}

function readObject(value: unknown, place: string): Fields {
  if (value === undefined) return {};
  if (!isObject(value)) throw refuse(`${place} must be an object`);
  return value;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(message: string, hint?: string): ServiceError {
  return new ServiceError("INVALID_REQUEST", message, hint === undefined ? undefined : { hint });
}
