/** The text of one stream of a run within its bound: its beginning as it comes, and its end for the end. */

import { StringDecoder } from "node:string_decoder";
import { endsInHalf } from "../sandbox/whole-text.js";
import type { Output } from "./outputs.js";

export type StreamOutput = Extract<Output, { output_type: "stream" }>;

/** Text beyond the limit, and the output that it belongs to. One character stands for one byte. */
interface Piece {
  readonly output: StreamOutput;
  readonly latin1: string;
}

export class StreamText {
  readonly #decoder = new StringDecoder("utf8");
  readonly #bytesMax: number;
  readonly #tailBytesMax: number;
  #bytes = 0;
  #tail: Piece[] = [];
  /** Of the pieces, those before this one are no longer needed. */
  #tailFrom = 0;
  #tailBytes = 0;
  truncated = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#tailBytesMax = Math.floor(bytesMax / 2);
  }

  get bytes(): number {
    return this.#bytes + this.#tailBytes;
  }

  /** The part of `latin1` that the limit leaves, decoded; and what is beyond, for `keep`. */
  take(latin1: string): { text: string; beyond: string } {
    const room = this.#bytesMax - this.#bytes;
    const kept = latin1.slice(0, room);
    const beyond = latin1.slice(kept.length);
    if (beyond !== "") this.truncated = true;
    this.#bytes += kept.length;
    return { text: this.#decoder.write(Buffer.from(kept, "latin1")), beyond };
  }

  /** It may be part of the end. */
  keep(output: StreamOutput, beyond: string): void {
    // Only a copy lets go of the message that it was cut from.
    const latin1 = Buffer.from(beyond.slice(-this.#tailBytesMax), "latin1").toString("latin1");
    this.#tail.push({ output, latin1 });
    this.#tailBytes += latin1.length;
    for (;;) {
      const oldest = this.#tail[this.#tailFrom];
      if (!oldest || this.#tailBytes - oldest.latin1.length < this.#tailBytesMax) break;
      this.#tailBytes -= oldest.latin1.length;
      this.#tailFrom++;
    }
    if (this.#tailFrom * 2 < this.#tail.length) return;
    this.#tail = this.#tail.slice(this.#tailFrom);
    this.#tailFrom = 0;
  }

  /** What an incomplete sequence at the limit decodes to. */
  end(): string {
    return this.#decoder.end();
  }

  /** The end takes the place of as much of the beginning: mark the cut there. False where there is no end. */
  putEnd(outputs: readonly Output[], name: StreamOutput["name"], mark: string): boolean {
    const present = new Set<Output>(outputs);
    const pieces = this.#tail.slice(this.#tailFrom).filter(({ output }) => present.has(output));
    const [first] = pieces;
    if (!first) return false;
    let tooMany = pieces.reduce((sum, { latin1 }) => sum + latin1.length, 0) - this.#tailBytesMax;
    const decoder = new StringDecoder("utf8");
    const texts = pieces.map(({ latin1 }, index) => {
      let part = latin1;
      if (index === 0 && tooMany > 0) part = part.slice(tooMany);
      tooMany = 0;
      // A sequence whose beginning is left out is no text.
      if (index === 0) part = withoutContinuation(part);
      return decoder.write(Buffer.from(part, "latin1"));
    });
    cutFromEnd(outputs, name, Math.min(this.#tailBytesMax, this.#tailBytes));
    first.output.text += mark;
    for (const [index, { output }] of pieces.entries()) output.text += texts[index] ?? "";
    const last = pieces.at(-1);
    if (last) last.output.text += decoder.end();
    return true;
  }
}

/** Bytes at the beginning that belong to a character before it. */
function withoutContinuation(latin1: string): string {
  let from = 0;
  while (from < 3 && latin1.charCodeAt(from) >> 6 === 0b10) from++;
  return latin1.slice(from);
}

function cutFromEnd(outputs: readonly Output[], name: StreamOutput["name"], length: number): void {
  let left = length;
  for (const output of outputs.toReversed()) {
    if (left <= 0) return;
    if (output.output_type !== "stream" || output.name !== name) continue;
    const kept = output.text.slice(0, Math.max(0, output.text.length - left));
    left -= output.text.length - kept.length;
    // Half a character is none.
    output.text = endsInHalf(kept) ? kept.slice(0, -1) : kept;
  }
}
