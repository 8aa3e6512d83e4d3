/** What the keeper answers to orders about one sandbox: one order of a kind at a time. */

const ANSWER_TIMEOUT_MS = 5000;
const ENDED = "the sandbox has ended";

export type Order = "limit" | "mount";

export class KeeperAnswers {
  readonly #awaited = new Map<Order, (problem: string | null) => void>();
  #isClosed = false;

  /** The next answer to this order: what is wrong, or null. */
  next(order: Order): Promise<string | null> {
    if (this.#isClosed) return Promise.resolve(ENDED);
    return new Promise((resolve) => {
      const settle = (problem: string | null) => {
        clearTimeout(timer);
        this.#awaited.delete(order);
        resolve(problem);
      };
      const timer = setTimeout(() => settle("the keeper does not answer"), ANSWER_TIMEOUT_MS);
      this.#awaited.set(order, settle);
    });
  }

  settle(order: Order, problem: string | null): void {
    this.#awaited.get(order)?.(problem);
  }

  /** Nothing is answered any more. */
  close(): void {
    this.#isClosed = true;
    for (const settle of this.#awaited.values()) settle(ENDED);
  }
}
