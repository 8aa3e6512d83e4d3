/** How the events of an execution look on the wire. */

import type { ExecutionEvents, RichOutput } from "../../sessions/execution-events.js";
import type { LoggedEvent } from "../../sessions/logged-event.js";

/** The events that look otherwise inside, by name. */
const MAPPING = {
  execution: ({ executionId, sessionId, state, queuedBefore }: ExecutionEvents["execution"]) => ({
    ...{ execution_id: executionId, session_id: sessionId },
    ...{ state, queued_before: queuedBefore },
  }),
  display_data: (event: ExecutionEvents["display_data"]): WireDisplay => {
    const { displayId, ...rich } = event;
    return displayId === undefined ? rich : { ...rich, display_id: displayId };
  },
  update_display_data: ({ displayId, ...rich }: ExecutionEvents["update_display_data"]) => ({
    ...{ ...rich, display_id: displayId },
  }),
  execute_result: ({ executionCount, ...rich }: ExecutionEvents["execute_result"]) => ({
    ...{ execution_count: executionCount, ...rich },
  }),
  comm: ({ commId, targetName, ...rest }: ExecutionEvents["comm"]): WireComm => ({
    ...{ ...rest, comm_id: commId },
    ...(targetName === undefined ? {} : { target_name: targetName }),
  }),
  gap: ({ missedFrom, missedTo }: ExecutionEvents["gap"]) => ({
    ...{ missed_from: missedFrom, missed_to: missedTo },
  }),
};

type WireComm = Omit<ExecutionEvents["comm"], "commId" | "targetName"> & {
  readonly comm_id: string;
  readonly target_name?: string;
};
type WireDisplay = RichOutput & { readonly display_id?: string };
type Mapped = keyof typeof MAPPING;

/** Data by name. */
export type WireEvents = Omit<ExecutionEvents, Mapped> & {
  [Name in Mapped]: ReturnType<(typeof MAPPING)[Name]>;
};

/** Its data. That of `result` and `failure` is made for the wire already. */
export function toEventData({ name, data }: LoggedEvent): object {
  if (!Object.hasOwn(MAPPING, name)) return data;
  // EventSink, by which they come, pairs names with their data.
  return (MAPPING as Record<string, (data: object) => object>)[name]?.(data) ?? data;
}
