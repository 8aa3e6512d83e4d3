/** What a tool has done: as the client is shown it, and as the model is told it. Both are bounded. */

import { imageBytes } from "../../mime.js";
import type { ExecutionOutcome, RestartReason } from "../../sessions/outcome.js";
import { imagesOf, type Output, textOf } from "../../sessions/outputs.js";
import type { DataMarks } from "../data-block.js";
import { ALL_DATA_CHARACTERS_MAX, DATA_CHARACTERS_MAX, dataShown } from "./data-shown.js";

export const TEXT_CHARACTERS_MAX = 10_000;
const FILES_TOLD_MAX = 50;
const IMAGES_SHOWN_MAX = 16;
const WORD_CHARACTERS_MAX = 40;
const JSON_CHARACTERS_MAX = 12_000;

export interface RunOutput {
  readonly status: string;
  readonly exit_code: number;
  readonly execution_id: number | null;
  readonly execution_time: number;
  /** Everything that is text, in order; the middle of a long one is left out. */
  readonly result_text: string;
  /** Why variables and files of earlier runs were gone; absent where they were not. */
  readonly session_restarted?: { readonly reason: RestartReason };
  readonly error: { ename: string; evalue: string; hint: string | null } | null;
  /** How many were shown to the user. */
  readonly images: number;
  /** What charts and tables show, as JSON: for a model, which sees no picture. Absent where there is none. */
  readonly data_shown?: readonly string[];
  readonly files_created: readonly string[];
  readonly files_modified: readonly string[];
}

export interface ShownImage {
  readonly mediaType: string;
  /** base64 */
  readonly data: string;
}

export function toRunOutput(outcome: ExecutionOutcome, executionId: number | null): RunOutput {
  const { error } = outcome;
  const data = dataShown(outcome.outputs);
  return {
    status: outcome.status,
    exit_code: outcome.exitCode,
    execution_id: executionId,
    execution_time: outcome.executionTime,
    ...(outcome.restarted ? { session_restarted: { reason: outcome.restarted } } : {}),
    result_text: shorten(textOf(outcome.outputs, "leave out")),
    error: error && {
      ename: shorten(error.ename, 200),
      evalue: shorten(error.evalue, 1000),
      hint: error.hint,
    },
    ...(data.length > 0 ? { data_shown: data } : {}),
    images: Math.min([...imagesOf(outcome.outputs)].length, IMAGES_SHOWN_MAX),
    files_created: outcome.filesCreated.slice(0, FILES_TOLD_MAX),
    files_modified: outcome.filesModified.slice(0, FILES_TOLD_MAX),
  };
}

/**
 * In order, one at a time, as each may be large. A front end may show an SVG, which can hold scripts, only as
 * an image, so it is one here too.
 */
export function* shownImages(outputs: readonly Output[]): Generator<ShownImage> {
  let count = 0;
  for (const image of imagesOf(outputs)) {
    if (++count > IMAGES_SHOWN_MAX) return;
    // Read and written anew, what is base64 loses its line ends, and whatever else is not part of it.
    yield { mediaType: image.mimeType, data: imageBytes(image).toString("base64") };
  }
}

const LEFT_OUT =
  " (left_out: so many entries of a list are not here; those that are lie evenly from the first to the last)";
/** With what stands around it. */
const DATA_TOLD_CHARACTERS_MAX = ALL_DATA_CHARACTERS_MAX + 1000;

/** Beginning and end, as a traceback's last line says most. */
export function shorten(text: string, charactersMax = TEXT_CHARACTERS_MAX): string {
  if (text.length <= charactersMax) return text;
  const half = Math.floor(charactersMax / 2);
  const left = text.length - 2 * half;
  const cut = `${text.slice(0, half)}\n[${left} characters left out]\n${text.slice(-half)}`;
  return cut.toWellFormed();
}

/**
 * What the model is told. Outputs of earlier turns may have come back from a client, so nothing is
 * taken for granted about their form.
 * @param picturesSeen how many of its pictures the model is shown
 */
export function tellModel(
  marks: DataMarks,
  toolName: string,
  output: unknown,
  picturesSeen = 0,
): string {
  const run = output as Partial<RunOutput> | null | undefined;
  if (typeof run?.result_text !== "string") {
    return marks.wrap(
      `the result of ${word(toolName)}`,
      shorten(asJson(output), JSON_CHARACTERS_MAX),
    );
  }
  const lines = [run.status === "ok" ? "" : `status: ${word(String(run.status))}`];
  if (run.session_restarted) {
    const reason = word(String(run.session_restarted.reason));
    lines.push(`Variables and files of earlier runs were lost before this one (${reason}).`);
  }
  const images = Number(run.images);
  const hasData = Array.isArray(run.data_shown) && run.data_shown.length > 0;
  if (images > 0) lines.push(tellImages(images, picturesSeen, hasData));
  const shown = [run.result_text === "" ? "(no output)" : shorten(run.result_text)];
  for (const [what, paths] of [
    ["created", run.files_created],
    ["modified", run.files_modified],
  ] as const) {
    if (Array.isArray(paths) && paths.length > 0) {
      shown.push(
        `files ${what}: ${shorten(paths.slice(0, FILES_TOLD_MAX).map(asJson).join(", "), 2000)}`,
      );
    }
  }
  if (hasData) {
    const told = (run.data_shown ?? []).map((text) => shorten(String(text), DATA_CHARACTERS_MAX));
    const note = told.some((text) => text.includes('"left_out":')) ? LEFT_OUT : "";
    shown.push(
      shorten(`shown as charts and tables${note}:\n${told.join("\n")}`, DATA_TOLD_CHARACTERS_MAX),
    );
  }
  lines.push(marks.wrap("the output of the code", shown.join("\n")));
  return lines.filter((line) => line !== "").join("\n");
}

function tellImages(images: number, seen: number, hasData: boolean): string {
  const shown = `The user was shown ${images} image(s)`;
  if (seen >= images) return `${shown}, which follow for you to see.`;
  const instead = hasData ? "; what charts and tables show is told as data" : "";
  if (seen === 0) return `${shown}; you cannot see them${instead}.`;
  return `${shown}, of which ${seen} follow for you to see; you cannot see the others${instead}.`;
}

/** Errors of tools hold names that a guest or the model has chosen. */
export function tellProblem(marks: DataMarks, problem: string): string {
  return marks.wrap("why the call failed", shorten(problem, 2000));
}

function asJson(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

function word(text: string): string {
  return text.slice(0, WORD_CHARACTERS_MAX).replace(/[^A-Za-z0-9_]/g, "");
}
