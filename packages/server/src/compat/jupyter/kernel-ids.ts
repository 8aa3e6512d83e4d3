/** A kernel is a session. Jupyter's clients take no other id than a UUID, so sessions with other names get one. */

import { createHash } from "node:crypto";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text);
}

/** The id under which Jupyter's clients know this session: always the same one. */
export function kernelIdOf(sessionId: string): string {
  return isUuid(sessionId) ? sessionId : uuidOf(`session ${sessionId}`);
}

/** Always the same for the same name. */
export function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  // Version 8: made by a rule of one's own.
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
