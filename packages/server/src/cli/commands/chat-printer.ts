/** Prints a chat as it goes on: the model's words to standard output, all that it does to standard error. */

import type { ChatChunk } from "@glovebox/sdk";
import { imageOfBytes } from "../terminal/bundle.js";
import { printable } from "../terminal/escape-filter.js";
import { highlight } from "../terminal/highlight.js";
import type { ImageFolder } from "../terminal/images.js";
import type { Sink } from "../terminal/sink.js";

const ARGUMENT_CHARACTERS_MAX = 60;

export interface ChatPrinterOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly images: ImageFolder;
}

export class ChatPrinter {
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  readonly #images: ImageFolder;
  /** Whether the last line of either has no end yet; on a terminal both are one. */
  #open: Sink | undefined;

  constructor({ stdout, stderr, images }: ChatPrinterOptions) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#images = images;
  }

  print(chunk: ChatChunk): void {
    switch (chunk.type) {
      case "text-delta":
        this.#write(this.#stdout, chunk.delta);
        break;
      case "tool-input-available":
        this.#showCall(chunk.toolName, chunk.input);
        break;
      case "tool-input-error":
      case "tool-output-error":
        this.#note(`failed: ${printable(chunk.errorText)}`);
        break;
      case "data-output":
        this.#write(this.#stderr, chunk.data.text);
        break;
      case "tool-output-available":
      case "text-end":
        this.#endLine();
        break;
      case "file":
        this.#saveImage(chunk.mediaType, chunk.url);
        break;
      case "finish": {
        const { end_reason } = chunk.messageMetadata;
        if (end_reason !== "stop") this.#note(`stopped before the end: ${printable(end_reason)}`);
      }
    }
  }

  /** Nothing more comes. */
  end(): void {
    this.#endLine();
    this.#stdout.settle();
    this.#stderr.settle();
  }

  async drained(): Promise<void> {
    await this.#stdout.drained();
    await this.#stderr.drained();
  }

  #showCall(toolName: string, input: unknown): void {
    const { code, path } = (input ?? {}) as { code?: unknown; path?: unknown };
    if (typeof code !== "string") {
      const about = typeof path === "string" ? ` ${path.slice(0, ARGUMENT_CHARACTERS_MAX)}` : "";
      this.#note(printable(`${toolName}${about}`));
      return;
    }
    this.#endLine();
    for (const line of code.trimEnd().split("\n")) {
      this.#stderr.writeOwn("> ");
      this.#stderr.write(this.#stderr.colour ? highlight(line) : line);
      this.#stderr.settle();
      this.#stderr.writeOwn("\n");
    }
  }

  #saveImage(mediaType: string, url: string): void {
    const data = url.slice(url.indexOf(",") + 1);
    const image = imageOfBytes(mediaType, Buffer.from(data, "base64"));
    if (image) this.#note(`image: ${printable(this.#images.save(image))}`);
  }

  #note(text: string): void {
    this.#endLine();
    this.#stderr.writeOwn(`[${text}]\n`);
  }

  #write(sink: Sink, text: string): void {
    if (text === "") return;
    if (this.#open !== sink) this.#endLine();
    sink.write(text);
    this.#open = text.endsWith("\n") ? undefined : sink;
  }

  #endLine(): void {
    this.#open?.settle();
    this.#open?.writeOwn("\n");
    this.#open = undefined;
  }
}
