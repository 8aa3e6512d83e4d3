/** What was asked on the shell channel, answered one after the other as a kernel does. */

import { ServiceError } from "../../../errors.js";
import type { Client } from "../channels/client.js";
import type { ClientMessage, Header } from "../wire/message.js";

const REQUESTS_MAX = 1000;
const BYTES_MAX = 32 * 2 ** 20;

export interface ShellRequest {
  readonly client: Client;
  readonly header: Header;
  readonly content: ClientMessage["content"];
  readonly buffers: ClientMessage["buffers"];
  /** Roughly what it holds in memory. */
  readonly bytes: number;
}

export class ShellQueue {
  readonly #work: (request: ShellRequest) => Promise<void>;
  #requests: ShellRequest[] = [];
  #bytes = 0;
  #isWorking = false;

  /** `work` never rejects. */
  constructor(work: (request: ShellRequest) => Promise<void>) {
    this.#work = work;
  }

  get isIdle(): boolean {
    return !this.#isWorking;
  }

  /** @throws ServiceError SESSION_BUSY */
  add(request: ShellRequest): void {
    if (this.#requests.length >= REQUESTS_MAX || this.#bytes + request.bytes > BYTES_MAX) {
      throw new ServiceError("SESSION_BUSY", "Too many requests wait for this kernel.", {
        hint: "Send more when some of them are answered, or interrupt the kernel.",
      });
    }
    this.#requests.push(request);
    this.#bytes += request.bytes;
    if (!this.#isWorking) void this.#workOn();
  }

  /** Take out those that wait and are meant, in their order. */
  takeOut(isMeant: (request: ShellRequest) => boolean): ShellRequest[] {
    const taken = this.#requests.filter(isMeant);
    this.#requests = this.#requests.filter((request) => !taken.includes(request));
    for (const { bytes } of taken) this.#bytes -= bytes;
    return taken;
  }

  async #workOn(): Promise<void> {
    this.#isWorking = true;
    for (let next = this.#take(); next; next = this.#take()) await this.#work(next);
    this.#isWorking = false;
  }

  #take(): ShellRequest | undefined {
    const request = this.#requests.shift();
    if (request) this.#bytes -= request.bytes;
    return request;
  }
}
