/** What happens while an execution runs, as its followers are told: Jupyter's messages, on the wire. */

import type { MimeBundle, StreamName } from "./outputs.js";

export interface RichOutput {
  readonly data: MimeBundle;
  readonly metadata: MimeBundle;
}

/** By name. `result` and `failure`, which come last, are the gateway's to make. */
export interface ExecutionEvents {
  readonly execution: {
    readonly execution_id: number | null;
    readonly session_id: string | null;
    readonly state: "queued" | "running";
    readonly queued_before: number;
  };
  readonly stream: { readonly name: StreamName; readonly text: string };
  readonly display_data: RichOutput & { readonly display_id?: string };
  readonly update_display_data: RichOutput & { readonly display_id: string };
  readonly clear_output: { readonly wait: boolean };
  readonly execute_result: RichOutput & { readonly execution_count: number };
  readonly input_request: { readonly prompt: string; readonly password: boolean };
  readonly error: {
    readonly ename: string;
    readonly evalue: string;
    readonly traceback: readonly string[];
    readonly hint: string | null;
  };
  /** What was between is no longer kept. */
  readonly gap: { readonly missed_from: number; readonly missed_to: number };
}

export type ExecutionEventName = keyof ExecutionEvents;

/** Takes events in the order in which they happen. */
export type EventSink = <Name extends ExecutionEventName>(
  name: Name,
  data: ExecutionEvents[Name],
) => void;
