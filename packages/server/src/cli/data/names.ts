/**
 * Where files go whose names a server has chosen: always below the folder that the operator named, and
 * never through a link.
 */

import { lstatSync, type Stats } from "node:fs";
import { join } from "node:path";
import { below, FolderRefused, inFolder, type OpenFolder } from "../open-folder.js";
import { DataFailure, isPlain, plainText } from "./failure.js";

/** Unfinished files lie here, below the folder that is downloaded to. */
export const PARTS_DIRECTORY = ".glovebox-parts";

const PATH_CHARACTERS_MAX = 1024;
const SEGMENT_BYTES_MAX = 255;
const DEPTH_MAX = 32;

/** A relative path as a list of names. @throws DataFailure when it could lead anywhere else */
export function safeSegments(path: string): string[] {
  const segments = path.split("/");
  const wrong =
    path.length > PATH_CHARACTERS_MAX ||
    segments.length > DEPTH_MAX ||
    segments.some((segment) => !isSafeSegment(segment));
  if (wrong)
    throw new DataFailure(`the server names a file "${plainText(path)}", which is refused`);
  return segments;
}

function isSafeSegment(segment: string): boolean {
  if (segment === "" || segment === "." || segment === ".." || segment === PARTS_DIRECTORY) {
    return false;
  }
  if (segment.includes("\\") || !isPlain(segment)) return false;
  return Buffer.byteLength(segment) <= SEGMENT_BYTES_MAX;
}

/** The name to save a URL under. @throws DataFailure when it has none */
export function nameOfUrl(url: URL): string {
  let last = "";
  try {
    last = decodeURIComponent(url.pathname.split("/").at(-1) ?? "");
  } catch {
    // Told below like a name that is missing.
  }
  if (!isSafeSegment(last) || last.includes("/")) {
    throw new DataFailure("the address does not end with a file's name; give one with --name");
  }
  return last;
}

/** A folder that is held open, and a name in it. */
export interface Place {
  readonly folder: OpenFolder;
  readonly name: string;
  /** For messages. */
  readonly path: string;
}

/** Makes the folders above a file and uses its place. Folders that are links are refused. */
export async function inPlace<T>(
  base: string,
  segments: readonly string[],
  use: (place: Place, base: OpenFolder) => Promise<T>,
): Promise<T> {
  const name = segments.at(-1) ?? "";
  const path = join(base, ...segments);
  try {
    return await inFolder(base, (top) =>
      below(top, segments.slice(0, -1), (folder) => {
        const found = lookAt(folder.at(name));
        if (!found || found.isFile()) return use({ folder, name, path }, top);
        throw new DataFailure(`${path} is there already and is no file`);
      }),
    );
  } catch (error) {
    throw error instanceof FolderRefused ? new DataFailure(error.message) : error;
  }
}

/** What lies there, links themselves included. */
export function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
