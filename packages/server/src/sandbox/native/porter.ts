/** Makes the porter of one sandbox when its files are first asked for, and again when it has ended. */

import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { ServiceError } from "../../errors.js";
import type { SandboxFiles } from "../files.js";
import type { ProtocolViolation } from "../guest/channel.js";
import { PorterChannel } from "../guest/porter-channel.js";
import { PorterFiles } from "../guest/porter-files.js";
import type { GuestListener } from "./guest-listener.js";
import type { KeeperClient } from "./keeper-client.js";

const START_TIMEOUT_MS = 10_000;

export interface PorterOptions {
  readonly sandbox: string;
  readonly keeper: KeeperClient;
  readonly listener: GuestListener;
  /** What user code may have; the porter is one more. */
  readonly processes: number;
}

export class Porter {
  readonly #options: PorterOptions;
  #channel: PorterChannel | undefined;
  #files: PorterFiles | undefined;
  #starting: Promise<SandboxFiles> | undefined;
  #refuse: ((error: Error) => void) | undefined;
  #ended = false;
  /** The guest has got hold of it, or it is broken. */
  onViolation: (violation: ProtocolViolation) => void = () => undefined;
  /** It has failed, and says why. */
  onFault: (reason: string) => void = () => undefined;
  /** New names of files, by what was asked here. */
  onChanged: (paths: readonly string[]) => void = () => undefined;
  /** Around the time in which the keeper changes the limit of processes. */
  onLimits: (settled: boolean) => void = () => undefined;

  constructor(options: PorterOptions) {
    this.#options = options;
  }

  /** @throws ServiceError TRANSFER_INTERRUPTED when there is none to be had. */
  files(): Promise<SandboxFiles> {
    if (this.#files && !this.#channel?.closed) return Promise.resolve(this.#files);
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** What the keeper has answered. */
  answered(error: string | null): void {
    this.onLimits(true);
    if (error !== null) this.#refuse?.(new Error(error));
  }

  /** The sandbox has ended. */
  close(): void {
    this.#ended = true;
    this.#refuse?.(new Error("the sandbox has ended"));
    this.#channel?.close();
  }

  async #start(): Promise<SandboxFiles> {
    const { sandbox, keeper, listener, processes } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    try {
      if (this.#ended) throw new Error("the sandbox has ended");
      const refused = new Promise<never>((_, reject) => {
        this.#refuse = reject;
        timer = setTimeout(() => reject(new Error("no porter comes")), START_TIMEOUT_MS);
      });
      const secret = randomBytes(16).toString("hex");
      const connected = listener.expectPorter(sandbox, secret);
      this.onLimits(false);
      keeper.send({ op: "porter", sandbox, secret, processes });
      const channel = this.#attach(await Promise.race([connected, refused]));
      await Promise.race([channel.ready, refused]);
      this.#files = new PorterFiles(channel, (paths) => this.onChanged(paths));
      return this.#files;
    } catch (error) {
      listener.forgetPorter(sandbox);
      this.#channel?.close();
      throw new ServiceError("TRANSFER_INTERRUPTED", undefined, { cause: error });
    } finally {
      clearTimeout(timer);
      this.#refuse = undefined;
    }
  }

  #attach(socket: Socket): PorterChannel {
    this.#channel = new PorterChannel(
      socket,
      (violation) => this.onViolation(violation),
      (reason) => this.onFault(reason),
    );
    if (this.#ended) this.#channel.close();
    return this.#channel;
  }
}
