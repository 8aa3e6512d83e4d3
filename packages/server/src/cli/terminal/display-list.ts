/**
 * Displays that are updated later: progress bars, dashboards. On a terminal an update replaces what
 * is shown, as long as nothing but displays was printed since. Where that is not so, and in a pipe,
 * which has no cursor, the last state is printed once at the end.
 */

import type { Screen } from "./screen.js";
import type { Sink } from "./sink.js";

interface Display {
  readonly id: string;
  text: string;
  /** Whether what is printed is not the newest. */
  stale: boolean;
}

export class DisplayList {
  readonly #out: Sink;
  readonly #screen: Screen | undefined;
  readonly #all = new Map<string, Display>();
  /** Those that stand at the end of what is printed, one below the other, from `#top` on. */
  #tail: Display[] = [];
  #top = 0;

  /** Without a screen nothing is replaced. */
  constructor(out: Sink, screen: Screen | undefined) {
    this.#out = out;
    this.#screen = screen;
  }

  /** Something else is printed: what stands above it can no longer be replaced. */
  interrupt(): void {
    this.#tail = [];
  }

  show(id: string, text: string): void {
    const display = { id, text, stale: false };
    this.#all.set(id, display);
    if (this.#tail.length === 0) this.#top = this.#screen?.row ?? 0;
    this.#tail.push(display);
    this.#print(display);
  }

  update(id: string, text: string): void {
    const display = this.#all.get(id);
    if (display === undefined) {
      this.show(id, text);
      return;
    }
    if (display.text === text && !display.stale) return;
    display.text = text;
    display.stale = true;
    if (this.#screen === undefined || !this.#tail.includes(display)) return;
    // Lines that are taken back are no longer above the cursor.
    this.#out.settle();
    this.#out.writeOwn(this.#screen.eraseFrom(this.#top));
    for (const one of this.#tail) this.#print(one);
  }

  /** Everything on the screen is gone, or is about to be. */
  forget(): void {
    this.#all.clear();
    this.#tail = [];
  }

  /** Print what was updated and could not be replaced. */
  end(): void {
    for (const display of this.#all.values()) {
      if (display.stale) this.#print(display);
    }
    this.forget();
  }

  #print(display: Display): void {
    display.stale = false;
    this.#out.write(display.text.endsWith("\n") ? display.text : `${display.text}\n`);
  }
}
