/**
 * Where files go whose names a server has chosen: always below the folder that the operator named, and
 * never through a link.
 */

import { lstatSync, mkdirSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
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

/** Makes the folders above a file and returns its path. Folders that are links are refused. */
export function placeFor(base: string, segments: readonly string[]): string {
  const path = join(base, ...segments);
  let folder = base;
  mkdirSync(base, { recursive: true });
  for (const segment of segments.slice(0, -1)) {
    folder = join(folder, segment);
    makeFolder(folder);
  }
  const found = lookAt(path);
  if (found && !found.isFile()) throw new DataFailure(`${path} is there already and is no file`);
  return path;
}

export function makeFolder(path: string): void {
  const found = lookAt(path);
  if (!found) mkdirSync(path);
  else if (!found.isDirectory()) {
    throw new DataFailure(`${path} is no folder, or a link, in ${dirname(path)}`);
  }
}

/** What lies there, links themselves included. */
export function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
