/** Where a command writes: a terminal, which is shown nothing dangerous, or a pipe, which gets it raw. */

import { once } from "node:events";
import type { WriteStream } from "node:tty";
import { EscapeFilter } from "./escape-filter.js";
import type { Screen } from "./screen.js";

export interface Sink {
  readonly isTerminal: boolean;
  /** Whether our own decoration may have colours. */
  readonly colour: boolean;
  /** Text of others: what code has printed, and names that it chose. */
  write(text: string): void;
  /** Our own text, controls included. */
  writeOwn(text: string): void;
  /** Whatever waits for the rest of a sequence is written, and colours end. */
  settle(): void;
  /** Resolves when the reader has taken what was written. */
  drained(): Promise<void>;
}

export function openSink(
  stream: NodeJS.WriteStream | (WriteStream & { fd: 1 | 2 }),
  options: { readonly colour: boolean; readonly screen?: Screen },
): Sink {
  const isTerminal = stream.isTTY === true;
  const filter = isTerminal ? new EscapeFilter() : undefined;
  const emit = (text: string): void => {
    if (text === "") return;
    options.screen?.follow(text);
    stream.write(text);
  };
  return {
    isTerminal,
    colour: isTerminal && options.colour,
    write: (text) => emit(filter ? filter.pass(text) : text),
    writeOwn: emit,
    settle: () => emit(filter ? filter.end() : ""),
    drained: async () => {
      if (stream.writableNeedDrain) await once(stream, "drain");
    },
  };
}
