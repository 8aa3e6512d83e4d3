/** Bytes that come in pieces, kept as one: a piece by itself takes far more memory than the few bytes in it. */

const FIRST_BYTES = 64 * 1024;

export class GatheredBytes {
  #length = 0;
  /** Most bodies are one piece, and are not copied. */
  #only: Buffer | undefined;
  #room: Buffer | undefined;

  get length(): number {
    return this.#length;
  }

  add(piece: Buffer): void {
    if (this.#length === 0) this.#only = piece;
    else this.#append(piece);
    this.#length += piece.length;
  }

  take(): Buffer {
    return this.#only ?? this.#room?.subarray(0, this.#length) ?? Buffer.alloc(0);
  }

  #append(piece: Buffer): void {
    const needed = this.#length + piece.length;
    if (this.#room === undefined || needed > this.#room.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * needed, FIRST_BYTES));
      this.take().copy(larger);
      this.#room = larger;
      this.#only = undefined;
    }
    piece.copy(this.#room, this.#length);
  }
}
