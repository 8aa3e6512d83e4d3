/** How an emergency and sandboxes look on the wire, where a sandbox is a container. */

import type { PanicReport, SandboxInfo } from "../../security/security.js";
import { toLimits } from "./limits.js";

export function toContainer({ id, isLeased, owner, sessionId, usage, limits }: SandboxInfo) {
  return {
    ...{ id, state: isLeased ? ("in_use" as const) : ("warm" as const) },
    ...{ owner, session_id: sessionId },
    cpu_time: usage.cpuSeconds,
    memory_bytes: usage.memoryBytes,
    memory_peak_bytes: usage.memoryPeakBytes,
    processes: usage.processes,
    limits: toLimits(limits),
  };
}

export function toPanicAnswer(report: PanicReport) {
  const { count } = report;
  return {
    status: "panicked",
    since: report.since,
    reason: report.reason,
    sandboxes: count?.sandboxes ?? null,
    processes: count?.processes ?? null,
    sessions: report.sessionsEnded,
    frozen_ms: count ? Math.round(count.frozenMs) : null,
    gone_ms: count ? Math.round(count.goneMs) : null,
    total_ms: Math.round(report.totalMs),
    verified: report.verified,
    remaining: count?.remaining ?? null,
    ...(report.problem === null ? {} : { problem: report.problem }),
  };
}
