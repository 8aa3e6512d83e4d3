/** How a session looks on the wire. */

import type { SessionInfo } from "../../sessions/interface.js";
import { toTime } from "./execution.js";
import { toLimits } from "./limits.js";

export function toSessionAnswer(session: SessionInfo) {
  const { id, state, createdAt, lastUsedAt, expiresAt, ttlMs, queued, limits } = session;
  return {
    session_id: id,
    state,
    created_at: toTime(createdAt),
    last_used_at: toTime(lastUsedAt),
    expires_at: expiresAt === null ? null : toTime(expiresAt),
    ttl: ttlMs / 1000,
    execution_count: session.executionCount,
    queued,
    limits: toLimits(limits),
  };
}
