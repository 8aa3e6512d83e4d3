/**
 * What the gateway says to the supervisor, by a pipe: a line without text every second while its event loop turns,
 * and once a line with the address at which it serves. It reads what strangers send, so root looks when it likes, at
 * some bytes at a time, and keeps no more than an address is long.
 */

import { closeSync, readSync } from "node:fs";

const LOOK_BYTES_MAX = 4096;
const LINE_LENGTH_MAX = 400;
/** As long as nobody knows whether it serves. */
const LOOK_MS_AT_FIRST = 20;
const LOOK_MS = 500;

export interface SignsOptions {
  /** It lives. */
  readonly onSign: () => void;
  /** It serves at this address. Called once. */
  readonly onAddress: (address: string) => void;
}

export class GatewaySigns {
  readonly #descriptor: number;
  readonly #options: SignsOptions;
  #timer: NodeJS.Timeout;
  #line = "";
  #isKnown = false;

  /** Reads from `descriptor`, which does not wait, and closes it in the end. */
  constructor(descriptor: number, options: SignsOptions) {
    this.#descriptor = descriptor;
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_MS_AT_FIRST).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    closeSync(this.#descriptor);
  }

  look(): void {
    const text = readAvailable(this.#descriptor);
    if (text === "") return;
    this.#options.onSign();
    if (!this.#isKnown) this.#findAddress(text);
  }

  #findAddress(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()?.slice(0, LINE_LENGTH_MAX) ?? "";
    const address = lines.map(addressIn).find((one) => one !== undefined);
    if (address === undefined) return;
    this.#isKnown = true;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
    this.#options.onAddress(address);
  }
}

/** What a line says. Root does not print what a terminal might obey. */
export function addressIn(line: string): string | undefined {
  return /^http:\/\/[\w.:[\]%-]{1,300}$/.test(line) ? line : undefined;
}

function readAvailable(descriptor: number): string {
  const bytes = Buffer.alloc(LOOK_BYTES_MAX);
  try {
    return bytes.toString("latin1", 0, readSync(descriptor, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
    throw error;
  }
}
