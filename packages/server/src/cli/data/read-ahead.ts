/** The body of an answer, read as it comes while what came before is still being written. */

/** Pieces that wait; the network's are at most 64 KiB each. */
const AHEAD_MAX = 64;

/**
 * A stream that fails throws away what it has received and what is unread: newer Node.js tells the
 * end of a connection at once. Where a connection breaks again and again, what came is all there is
 * to go on with, so it is taken out of the stream here and handed over before the failure.
 */
export class ReadAhead {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #pieces: Uint8Array[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: () => void = () => undefined;
  #makeRoom: () => void = () => undefined;

  constructor(body: ReadableStream<Uint8Array> | null) {
    this.#reader = body?.getReader();
    void this.#pump();
  }

  /** The next piece, or undefined at the end. @throws what the stream failed with */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const piece = this.#pieces.shift();
    this.#makeRoom();
    if (piece === undefined && this.#end && "error" in this.#end) throw this.#end.error;
    return piece;
  }

  /** Reading ends: what waits is dropped, and the connection given up. */
  cancel(): void {
    this.#pieces.length = 0;
    this.#end ??= {};
    this.#makeRoom();
    // Settled by the next attempt, if there is one.
    this.#reader?.cancel().catch(() => undefined);
  }

  async #pump(): Promise<void> {
    try {
      while (this.#reader && this.#end === undefined) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#pieces.push(value);
        this.#wake();
        if (this.#pieces.length >= AHEAD_MAX) await this.#room();
      }
      this.#end ??= {};
    } catch (error) {
      this.#end ??= { error };
    }
    this.#wake();
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
  }
}
