/** What happens while an execution runs, as its followers are told. The names of events are Jupyter's messages. */

import type { CommMessage } from "../sandbox/sandbox.js";
import type { MimeBundle, StreamName } from "./outputs.js";

export interface RichOutput {
  readonly data: MimeBundle;
  readonly metadata: MimeBundle;
}

/** By name. `result` and `failure`, which come last, are the gateway's to make. */
export interface ExecutionEvents {
  readonly execution: {
    readonly executionId: number | null;
    readonly sessionId: string | null;
    readonly state: "queued" | "running";
    readonly queuedBefore: number;
  };
  readonly stream: { readonly name: StreamName; readonly text: string };
  readonly display_data: RichOutput & { readonly displayId?: string };
  readonly update_display_data: RichOutput & { readonly displayId: string };
  readonly clear_output: { readonly wait: boolean };
  /** Of a run that a front end with widgets has asked for. */
  readonly comm: CommMessage;
  readonly execute_result: RichOutput & { readonly executionCount: number };
  readonly input_request: { readonly prompt: string; readonly password: boolean };
  readonly error: {
    readonly ename: string;
    readonly evalue: string;
    readonly traceback: readonly string[];
    readonly hint: string | null;
  };
  /** What was between is no longer kept. */
  readonly gap: { readonly missedFrom: number; readonly missedTo: number };
}

export type ExecutionEventName = keyof ExecutionEvents;

/** Takes events in the order in which they happen. */
export type EventSink = <Name extends ExecutionEventName>(
  name: Name,
  data: ExecutionEvents[Name],
) => void;
