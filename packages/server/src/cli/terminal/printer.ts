/** Prints the events of an execution as they come, as a notebook would show them, in a terminal's means. */

import { formatBytes } from "./amounts.js";
import { bundleText, documentOf, type Image, imageOf, type MimeBundle } from "./bundle.js";
import { DisplayList } from "./display-list.js";
import { printable } from "./escape-filter.js";
import type { ImageFolder } from "./images.js";
import type { Screen } from "./screen.js";
import type { Sink } from "./sink.js";
import { colourTraceback } from "./traceback.js";

export interface DisplayData {
  readonly data: MimeBundle;
  readonly display_id?: string;
}

export interface ErrorData {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
  readonly hint?: string | null;
}

/** Those events of a stream that are output. */
export type OutputEvent =
  | {
      readonly type: "stream";
      readonly data: { readonly name: "stdout" | "stderr"; readonly text: string };
    }
  | { readonly type: "display_data"; readonly data: DisplayData }
  | {
      readonly type: "update_display_data";
      readonly data: { readonly data: MimeBundle; readonly display_id: string };
    }
  | { readonly type: "execute_result"; readonly data: { readonly data: MimeBundle } }
  | { readonly type: "clear_output"; readonly data: { readonly wait: boolean } }
  | { readonly type: "error"; readonly data: ErrorData };

export interface PrinterOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Given where standard output is a terminal: what stands on it can then be replaced. */
  readonly screen?: Screen;
  /** Where images are kept; undefined when they are not. */
  readonly images: ImageFolder | undefined;
}

export class Printer {
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  readonly #screen: Screen | undefined;
  readonly #images: ImageFolder | undefined;
  readonly #displays: DisplayList;
  #clearBeforeNext = false;

  constructor(options: PrinterOptions) {
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.#screen = options.screen;
    this.#images = options.images;
    this.#displays = new DisplayList(options.stdout, options.screen);
    this.#screen?.begin();
  }

  print(event: OutputEvent): void {
    if (event.type === "clear_output") {
      if (event.data.wait) this.#clearBeforeNext = true;
      else this.#clear();
      return;
    }
    if (this.#clearBeforeNext) this.#clear();
    switch (event.type) {
      case "stream":
        this.#displays.interrupt();
        (event.data.name === "stdout" ? this.#stdout : this.#stderr).write(event.data.text);
        break;
      case "error":
        this.#displays.interrupt();
        this.#printError(event.data);
        break;
      case "execute_result":
        this.#printBundle(event.data.data, undefined);
        break;
      case "display_data":
        this.#printBundle(event.data.data, event.data.display_id);
        break;
      case "update_display_data":
        this.#update(event.data.data, event.data.display_id);
    }
  }

  /** Somebody has typed: what stands above is no longer erased or replaced. */
  goOnBelow(): void {
    this.#displays.interrupt();
    this.#screen?.begin();
  }

  /** The execution is over. */
  end(): void {
    this.#displays.end();
    this.#stdout.settle();
    this.#stderr.settle();
  }

  /** Resolves when the reader has taken what was printed, so that a slow reader slows the run. */
  async drained(): Promise<void> {
    await this.#stdout.drained();
    await this.#stderr.drained();
  }

  /** A pipe cannot take anything back: there everything stays. */
  #clear(): void {
    this.#clearBeforeNext = false;
    if (this.#screen === undefined) return;
    this.#displays.forget();
    this.#stdout.settle();
    this.#stderr.settle();
    this.#stdout.writeOwn(this.#screen.eraseFrom(0));
  }

  #update(data: MimeBundle, displayId: string): void {
    const image = imageOf(data);
    if (image === undefined) this.#displays.update(displayId, bundleText(data));
    // An animation is told of once.
    else if (this.#images?.replace(image, displayId) === undefined)
      this.#printBundle(data, displayId);
  }

  #printBundle(data: MimeBundle, displayId: string | undefined): void {
    this.#startLine();
    const image = imageOf(data);
    if (image !== undefined) {
      this.#displays.interrupt();
      this.#stderr.writeOwn(`[${this.#keepImage(image, displayId)}]\n`);
    } else if (this.#keepDocument(data)) {
      this.#displays.interrupt();
      this.#stdout.write(`${bundleText(data)}\n`);
    } else if (displayId !== undefined) {
      this.#displays.show(displayId, bundleText(data));
    } else {
      this.#displays.interrupt();
      this.#stdout.write(`${bundleText(data)}\n`);
    }
  }

  /** Told of as an image is. False where there is none to keep, or no folder for it. */
  #keepDocument(data: MimeBundle): boolean {
    const document = this.#images && documentOf(data);
    if (!document) return false;
    this.#stderr.writeOwn(`[output: ${printable(this.#images?.save(document) ?? "")}]\n`);
    return true;
  }

  #keepImage(image: Image, displayId: string | undefined): string {
    const path = this.#images?.save(image, displayId);
    if (path !== undefined) return `image: ${printable(path)}`;
    return `image not kept: ${image.mime}, ${formatBytes(image.bytes.length)}; --out DIR keeps images`;
  }

  #printError({ ename, evalue, traceback, hint }: ErrorData): void {
    this.#startLine();
    const text = traceback.length > 0 ? traceback.join("\n").trimEnd() : `${ename}: ${evalue}`;
    if (this.#stderr.colour) colourTraceback(text, this.#stderr);
    else this.#stderr.write(text);
    this.#stderr.settle();
    this.#stderr.writeOwn("\n");
    if (typeof hint === "string" && !text.endsWith(hint)) this.#stderr.write(`${hint}\n`);
  }

  /** On a screen a result does not begin in the middle of a line that a print without end left. */
  #startLine(): void {
    if (this.#screen !== undefined && !this.#screen.atLineStart) this.#stdout.writeOwn("\n");
  }
}
