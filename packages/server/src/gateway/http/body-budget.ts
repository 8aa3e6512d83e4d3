/**
 * Bounds the memory of bodies that are still being sent. No key is refused for what others send: when the
 * common room is used up, the oldest body of the key that holds most is given up.
 */

/** Of one key. Two bodies of the largest size, or many of usual ones, at once. */
const OWNER_BYTES_MAX = 32 * 2 ** 20;
const BYTES_MAX = 256 * 2 ** 20;

export interface BodyBudgetOptions {
  readonly ownerBytesMax?: number;
  readonly bytesMax?: number;
}

export class BodyBudget {
  readonly #ownerBytesMax: number;
  readonly #bytesMax: number;
  /** In the order in which they began. */
  readonly #bodies = new Set<HeldBody>();
  readonly #owners = new Map<string, number>();
  #bytes = 0;

  constructor({ ownerBytesMax = OWNER_BYTES_MAX, bytesMax = BYTES_MAX }: BodyBudgetOptions = {}) {
    this.#ownerBytesMax = ownerBytesMax;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `onGivenUp` is called at most once, and by then it holds nothing. */
  open(owner: string, onGivenUp: () => void): HeldBody {
    const body = new HeldBody(this, owner, onGivenUp);
    this.#bodies.add(body);
    return body;
  }

  /** For bodies. False where their key has no room for so much more. */
  grow(body: HeldBody, bytes: number): boolean {
    const sum = (this.#owners.get(body.owner) ?? 0) + bytes;
    if (sum > this.#ownerBytesMax) return false;
    while (this.#bytes + bytes > this.#bytesMax) {
      const other = this.#dispensable(body, sum);
      if (other === undefined) return false;
      other.giveUp();
    }
    this.#owners.set(body.owner, sum);
    this.#bytes += bytes;
    return true;
  }

  /** For bodies. */
  release(body: HeldBody): void {
    this.#bodies.delete(body);
    this.#bytes -= body.bytes;
    const rest = (this.#owners.get(body.owner) ?? 0) - body.bytes;
    if (rest > 0) this.#owners.set(body.owner, rest);
    else this.#owners.delete(body.owner);
  }

  /** None where `asking` would hold most itself. */
  #dispensable(asking: HeldBody, most: number): HeldBody | undefined {
    let whose: string | undefined;
    for (const [owner, bytes] of this.#owners) {
      if (owner === asking.owner || bytes <= most) continue;
      [whose, most] = [owner, bytes];
    }
    for (const body of this.#bodies) if (body.owner === whose && body.bytes > 0) return body;
    return undefined;
  }
}

/** The room that one body has. */
export class HeldBody {
  readonly owner: string;
  readonly #budget: BodyBudget;
  readonly #onGivenUp: () => void;
  #bytes = 0;
  #isOpen = true;

  constructor(budget: BodyBudget, owner: string, onGivenUp: () => void) {
    this.owner = owner;
    this.#budget = budget;
    this.#onGivenUp = onGivenUp;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Room for `bytes` in all. False where there is none: then it keeps what it had. */
  reach(bytes: number): boolean {
    const more = bytes - this.#bytes;
    if (more <= 0) return true;
    if (!this.#isOpen || !this.#budget.grow(this, more)) return false;
    this.#bytes = bytes;
    return true;
  }

  /** It is whole, or will never be. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#budget.release(this);
  }

  /** For the budget. */
  giveUp(): void {
    this.close();
    this.#onGivenUp();
  }
}
