/**
 * Room that all owners share, within one bound. When it is used up, the owner who holds most gives first, the oldest
 * item first, so what one piles up costs no other.
 */

interface Holding<Item> {
  /** The oldest first. */
  readonly items: Map<Item, number>;
  size: number;
}

export interface SharedRoomOptions<Item> {
  readonly sizeMax: number;
  /** Told of an item that must go, and holds nothing any more. */
  readonly onGiven: (item: Item) => void;
  /** Whether what has just come stays, however large it is. */
  readonly keepsLatest: boolean;
}

export class SharedRoom<Item> {
  readonly #options: SharedRoomOptions<Item>;
  readonly #owners = new Map<string, Holding<Item>>();
  readonly #ownerOf = new Map<Item, string>();
  #size = 0;

  constructor(options: SharedRoomOptions<Item>) {
    this.#options = options;
  }

  /** What all items hold together. */
  get size(): number {
    return this.#size;
  }

  /** Set what the item holds, and make it the latest of its owner's. */
  hold(item: Item, owner: string, size: number): void {
    this.free(item);
    const holding = this.#owners.get(owner) ?? { items: new Map<Item, number>(), size: 0 };
    this.#owners.set(owner, holding);
    this.#ownerOf.set(item, owner);
    holding.items.set(item, size);
    holding.size += size;
    this.#size += size;
    while (this.#size > this.#options.sizeMax) {
      const given = this.#nextToGive(item);
      if (given === undefined) return;
      this.free(given);
      this.#options.onGiven(given);
    }
  }

  /** It holds nothing any more. Returns what it held. */
  free(item: Item): number {
    const owner = this.#ownerOf.get(item);
    const holding = owner === undefined ? undefined : this.#owners.get(owner);
    if (owner === undefined || !holding) return 0;
    const size = holding.items.get(item) ?? 0;
    this.#ownerOf.delete(item);
    holding.items.delete(item);
    holding.size -= size;
    this.#size -= size;
    if (holding.items.size === 0) this.#owners.delete(owner);
    return size;
  }

  /** The oldest item of the owner who holds most; exempt items do not count. Looks at each owner once. */
  #nextToGive(latest: Item): Item | undefined {
    const exempt = this.#options.keepsLatest ? latest : undefined;
    let most: Holding<Item> | undefined;
    let mostSize = 0;
    for (const holding of this.#owners.values()) {
      const exemptSize = exempt === undefined ? 0 : (holding.items.get(exempt) ?? 0);
      const size = holding.size - exemptSize;
      if (size > mostSize) [most, mostSize] = [holding, size];
    }
    for (const item of most?.items.keys() ?? []) if (item !== exempt) return item;
    return undefined;
  }
}
