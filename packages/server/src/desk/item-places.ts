/** How many items of batches run at a time for one owner, over all of the owner's batches. */

interface Owner {
  running: number;
  /** In the order of asking. */
  readonly waiting: Set<() => void>;
}

export class ItemPlaces {
  readonly #placesEach: number;
  readonly #owners = new Map<string, Owner>();

  constructor(placesEach: number) {
    this.#placesEach = placesEach;
  }

  /** Resolves with what gives the place back; undefined where `signal` is aborted before there is one. */
  async take(id: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    const owner = this.#owners.get(id) ?? { running: 0, waiting: new Set() };
    this.#owners.set(id, owner);
    if (owner.running < this.#placesEach) owner.running++;
    else if (!(await waitIn(owner, signal))) return undefined;
    return () => this.#give(id, owner);
  }

  /** To who waits longest. */
  #give(id: string, owner: Owner): void {
    const [next] = owner.waiting;
    if (next) {
      next();
      return;
    }
    owner.running--;
    if (owner.running === 0) this.#owners.delete(id);
  }
}

/** Whether a place was given. */
function waitIn({ waiting }: Owner, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (given: boolean) => {
      waiting.delete(take);
      signal.removeEventListener("abort", leave);
      resolve(given);
    };
    const take = () => end(true);
    const leave = () => end(false);
    waiting.add(take);
    signal.addEventListener("abort", leave, { once: true });
  });
}
