import { expect, test } from "vitest";
import { LoggedEvent } from "../../sessions/logged-event.js";
import { toEventData } from "./event.js";

const RICH = { data: { "text/plain": "1" }, metadata: { a_b: 1 } };

test.each([
  [
    "execution",
    { executionId: 1, sessionId: "s", state: "queued", queuedBefore: 2 },
    { execution_id: 1, session_id: "s", state: "queued", queued_before: 2 },
  ],
  ["display_data", RICH, RICH],
  ["display_data", { ...RICH, displayId: "d" }, { ...RICH, display_id: "d" }],
  ["update_display_data", { ...RICH, displayId: "d" }, { ...RICH, display_id: "d" }],
  ["execute_result", { executionCount: 4, ...RICH }, { execution_count: 4, ...RICH }],
  ["gap", { missedFrom: 3, missedTo: 9 }, { missed_from: 3, missed_to: 9 }],
  ["stream", { name: "stdout", text: "x" }, { name: "stdout", text: "x" }],
  ["result", { exit_code: 0 }, { exit_code: 0 }],
])("%s has its names of the wire", (name, data, told) => {
  expect(toEventData(new LoggedEvent(1, name, data))).toStrictEqual(told);
});
