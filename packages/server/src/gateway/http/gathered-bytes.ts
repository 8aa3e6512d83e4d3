/** Bytes that come in pieces, kept as one: a piece by itself takes far more memory than the few bytes in it. */

const FIRST_BYTES = 64 * 1024;

export class GatheredBytes {
  readonly #expected: number;
  #length = 0;
  /** Most bodies are one piece, and are not copied. */
  #only: Buffer | undefined;
  #room: Buffer | undefined;

  /** So many are `expected`, if that is known: they get their room once, where others move as they grow. */
  constructor(expected = 0) {
    this.#expected = expected;
  }

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
      const isExpected = needed <= this.#expected;
      const room = isExpected ? this.#expected : Math.max(2 * needed, FIRST_BYTES);
      const larger = Buffer.allocUnsafeSlow(room);
      this.take().copy(larger);
      this.#room = larger;
      this.#only = undefined;
    }
    piece.copy(this.#room, this.#length);
  }
}
