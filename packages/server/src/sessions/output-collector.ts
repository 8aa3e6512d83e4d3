/**
 * Collects what a kernel sends during one execution, within bounds that hold whatever the guest
 * sends, and in the shape of nbformat v4 outputs.
 */

import type { KernelMessage } from "../sandbox/guest/channel.js";
import { withoutOverwritten } from "./carriage-returns.js";
import type { EventSink, ExecutionEvents } from "./execution-events.js";
import { weighJson } from "./json-bytes.js";
import type { MimeBundle, Output, StreamName } from "./outputs.js";
import { type StreamOutput, StreamText } from "./stream-text.js";

/** Rich outputs of one execution may weigh this much in sum. */
const RICH_BYTES_MAX = 32 * 1024 * 1024;
const OUTPUTS_MAX = 10_000;
/** Marks what is ours in the text that a model is shown. */
export const HINT_PREFIX = "Glovebox: ";
const MESSAGES_MAX = 200_000;
/** Of text beyond the limit the end is kept; this many times the limit, and the execution ends. */
const FLOOD_FACTOR = 32;
/** A guest may say 64 MiB in all, see sandbox/guest/allowance.ts. */
const SENT_BYTES_MAX = 24 * 1024 * 1024;

/** How much of a stream the guest is to send, so that its end is among it. */
export function bytesToSend(bytesMax: number): number {
  return Math.max(bytesMax, Math.min(bytesMax * FLOOD_FACTOR, SENT_BYTES_MAX));
}

type DisplayOutput = Extract<Output, { output_type: "display_data" }>;

export class OutputCollector {
  readonly outputs: Output[] = [];
  readonly #bytesMax: number;
  readonly #onFlood: () => void;
  readonly #streams: Record<StreamName, StreamText>;
  /** Once no more will come. */
  readonly #finalTexts = new Map<StreamName, string>();
  #textSeen = 0;
  #richBytes = 0;
  #messages = 0;
  /** Shown under an id, and what each weighs. */
  #displays = new Map<string, { output: DisplayOutput; weight: number }>();
  #clearBeforeNext = false;
  truncated = false;
  /** Told of everything that is kept, at once; undefined without followers. */
  onEvent: EventSink | undefined;

  constructor(bytesMax: number, onFlood: () => void) {
    this.#bytesMax = bytesMax;
    this.#streams = { stdout: new StreamText(bytesMax), stderr: new StreamText(bytesMax) };
    this.#onFlood = onFlood;
  }

  /** Take one message other than the execute_reply. */
  add(message: Exclude<KernelMessage, { msg_type: "execute_reply" }>): void {
    if (++this.#messages > MESSAGES_MAX) {
      this.#onFlood();
      return;
    }
    switch (message.msg_type) {
      case "stream":
        this.#addText(message.content.name, message.content.text, message.content.dropped_bytes);
        return;
      case "input_request":
        this.onEvent?.("input_request", message.content);
        return;
      case "clear_output":
        if (message.content.wait) this.#clearBeforeNext = true;
        else this.#clear();
        this.onEvent?.("clear_output", { wait: message.content.wait });
        return;
      case "comm": {
        const { kind, comm_id, target_name, data, metadata, buffers = [] } = message.content;
        if (this.#takeRichBytes(message.content) === undefined) return;
        const named = target_name === undefined ? {} : { targetName: target_name };
        this.onEvent?.("comm", { kind, commId: comm_id, data, metadata, buffers, ...named });
        return;
      }
      case "execute_result": {
        this.#clearIfAsked();
        if (this.#takeRichBytes(message.content) === undefined) return;
        const { execution_count, data, metadata } = message.content;
        if (this.#addRich({ output_type: "execute_result", execution_count, data, metadata })) {
          this.onEvent?.("execute_result", { executionCount: execution_count, data, metadata });
        }
        return;
      }
      case "display_data": {
        this.#clearIfAsked();
        const weight = this.#takeRichBytes(message.content);
        if (weight === undefined) return;
        const { data, metadata, transient } = message.content;
        const output = { output_type: "display_data" as const, data, metadata };
        const id = transient["display_id"];
        if (!this.#addRich(output)) return;
        if (typeof id === "string") this.#displays.set(id, { output, weight });
        const named = typeof id === "string" ? { displayId: id } : {};
        this.onEvent?.("display_data", { data, metadata, ...named });
        return;
      }
      case "update_display_data": {
        const { data, metadata, transient } = message.content;
        const id = transient["display_id"];
        const shown = typeof id === "string" ? this.#displays.get(id) : undefined;
        const weight = this.#takeRichBytes(message.content, shown?.weight);
        if (weight === undefined || typeof id !== "string") return;
        if (shown) {
          Object.assign(shown.output, { data, metadata });
          shown.weight = weight;
        }
        this.onEvent?.("update_display_data", { data, metadata, displayId: id });
        return;
      }
    }
  }

  addError(error: ExecutionEvents["error"]): void {
    const { ename, evalue, traceback } = error;
    this.outputs.push({ output_type: "error", ename, evalue, traceback });
    this.onEvent?.("error", error);
  }

  /** A line of our own on stderr. */
  addNote(text: string): void {
    const line = `${HINT_PREFIX}${text}\n`;
    this.#append("stderr", line);
    const final = this.#finalTexts.get("stderr");
    if (final !== undefined) this.#finalTexts.set("stderr", final + line);
  }

  /** No more will come: put the end of what was cut in its place, and keep of progress what was seen last. */
  finish(): void {
    for (const name of ["stdout", "stderr"] as const) {
      const stream = this.#streams[name];
      const rest = stream.end();
      if (rest) this.#append(name, rest);
      if (stream.truncated) {
        this.truncated = true;
        const mark = `\n[${name} was cut here: the limit is ${this.#bytesMax} bytes]\n`;
        if (stream.putEnd(this.outputs, name, mark)) {
          this.onEvent?.("stream", { name, text: mark });
        } else this.#append(name, mark);
      }
    }
    // Progress may be spread over outputs, where lines of the other stream came between.
    for (const name of ["stdout", "stderr"] as const) {
      this.#finalTexts.set(name, withoutOverwritten(this.text(name)));
    }
    this.#tidy();
  }

  /** Outputs whose text went with the cut are none. */
  #tidy(): void {
    let kept = 0;
    for (const output of this.outputs) {
      if (output.output_type === "stream") output.text = withoutOverwritten(output.text);
      if (output.output_type !== "stream" || output.text !== "") this.outputs[kept++] = output;
    }
    this.outputs.length = kept;
  }

  /** All text of one stream. */
  text(name: StreamName): string {
    const final = this.#finalTexts.get(name);
    if (final !== undefined) return final;
    let text = "";
    for (const output of this.outputs) {
      if (output.output_type === "stream" && output.name === name) text += output.text;
    }
    return text;
  }

  #addText(name: StreamName, latin1: string, dropped = 0): void {
    const stream = this.#streams[name];
    this.#textSeen += latin1.length + dropped;
    if (dropped > 0) stream.truncated = true;
    const { text, beyond } = stream.take(latin1);
    if (text) this.#append(name, text);
    if (beyond) {
      this.#clearIfAsked();
      const output = this.#outputOf(name);
      if (output) stream.keep(output, beyond);
    }
    if (this.#textSeen > this.#bytesMax * FLOOD_FACTOR) this.#onFlood();
  }

  #append(name: StreamName, text: string): void {
    this.#clearIfAsked();
    const output = this.#outputOf(name);
    if (!output) return;
    output.text += text;
    this.onEvent?.("stream", { name, text });
  }

  /** Where text of this stream goes now; undefined where there are too many outputs. */
  #outputOf(name: StreamName): StreamOutput | undefined {
    const last = this.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) return last;
    if (this.outputs.length >= OUTPUTS_MAX * 2) {
      this.truncated = true;
      return undefined;
    }
    const output: StreamOutput = { output_type: "stream", name, text: "" };
    this.outputs.push(output);
    return output;
  }

  /** Roughly what the outputs hold in memory. */
  get bytes(): number {
    return this.#streams.stdout.bytes + this.#streams.stderr.bytes + 2 * this.#richBytes;
  }

  #addRich(output: Output & { data: MimeBundle }): boolean {
    this.#clearIfAsked();
    if (this.outputs.length >= OUTPUTS_MAX) {
      this.truncated = true;
      this.#onFlood();
      return false;
    }
    this.outputs.push(output);
    return true;
  }

  /**
   * Everything of a message counts, whatever a guest hides it in, less what it replaces.
   * @returns what it weighs, or undefined where it is too much
   */
  #takeRichBytes(content: object, replaced = 0): number | undefined {
    const weight = weighJson(content);
    if (weight === Number.POSITIVE_INFINITY) {
      this.truncated = true;
      return undefined;
    }
    this.#richBytes += weight - replaced;
    if (this.#richBytes <= RICH_BYTES_MAX) return weight;
    this.truncated = true;
    this.#onFlood();
    return undefined;
  }

  #clearIfAsked(): void {
    if (!this.#clearBeforeNext) return;
    this.#clear();
  }

  /** What is gone weighs nothing: code that draws over and over has as much room each time. */
  #clear(): void {
    this.#clearBeforeNext = false;
    this.outputs.length = 0;
    this.#displays.clear();
    this.#richBytes = 0;
  }
}
