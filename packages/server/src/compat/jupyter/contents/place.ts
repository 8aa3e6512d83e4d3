/** Where a path of Jupyter's contents lies: its first name is a session, and the rest is in that session's /workspace. */

import { checkName, checkPath } from "../../../desk/paths.js";
import { ServiceError } from "../../../errors.js";

export interface Place {
  readonly sessionId: string;
  /** Below /workspace, "" for itself. */
  readonly path: string;
}

/** Undefined for the root, which holds the sessions. @throws ServiceError INVALID_PATH */
export function placeOf(path: string): Place | undefined {
  const checked = checkPath(path.startsWith("/") ? path.slice(1) : path);
  if (checked === "") return undefined;
  const end = checked.indexOf("/");
  if (end < 0) return { sessionId: checked, path: "" };
  return { sessionId: checked.slice(0, end), path: checked.slice(end + 1) };
}

/** Of something that lies in a session. @throws ServiceError INVALID_PATH */
export function fileIn(path: string): Place {
  const place = placeOf(path);
  if (place === undefined || place.path === "") {
    throw new ServiceError(
      "INVALID_PATH",
      "Files lie in folders here, of which each is a session.",
      {
        hint: "Make a folder first, and put the file into it.",
      },
    );
  }
  return { ...place, path: checkName(place.path) };
}

export function writtenPath({ sessionId, path }: Place): string {
  return path === "" ? sessionId : `${sessionId}/${path}`;
}
