/** Comms, by which widgets work: messages for objects of the kernel and from them, and which objects there are. */

import { ServiceError } from "../../../errors.js";
import type { CommMessage } from "../../../sandbox/sandbox.js";
import { readContent } from "./requests.js";
import type { ShellRequest } from "./shell-queue.js";

/** Of one message, bytes as base64 included: it travels in one frame, escaped. */
const MESSAGE_CHARACTERS_MAX = 1024 * 1024;
/** More are spoken to all the same, but not listed. */
const LISTED_MAX = 10_000;

/** @throws ServiceError INVALID_REQUEST, REQUEST_TOO_LARGE */
export function toComm({ header, content, buffers, bytes }: ShellRequest): CommMessage {
  const inBase64 = buffers.map((buffer) => buffer.toString("base64"));
  const characters = inBase64.reduce((sum, { length }) => sum + length, bytes);
  if (characters > MESSAGE_CHARACTERS_MAX) {
    throw new ServiceError(
      "REQUEST_TOO_LARGE",
      "A message for a widget has a megabyte at the most.",
    );
  }
  const rest = { metadata: {}, buffers: inBase64 };
  if (header.msg_type === "comm_open") {
    const { comm_id, target_name, data } = readContent("comm_open", content);
    return { kind: "open", commId: comm_id, targetName: target_name, data, ...rest };
  }
  if (header.msg_type === "comm_close") {
    const { comm_id, data } = readContent("comm_close", content);
    return { kind: "close", commId: comm_id, data: data ?? {}, ...rest };
  }
  const { comm_id, data } = readContent("comm_msg", content);
  return { kind: "msg", commId: comm_id, data, ...rest };
}

export function isComm({ header: { msg_type } }: ShellRequest): boolean {
  return msg_type === "comm_open" || msg_type === "comm_msg" || msg_type === "comm_close";
}

export function commContent({ kind, commId, targetName, data }: CommMessage): object {
  return {
    comm_id: commId,
    data,
    ...(kind === "open" ? { target_name: targetName ?? "comm" } : {}),
  };
}

export function commBuffers({ buffers }: CommMessage): Buffer[] {
  return buffers.map((text) => Buffer.from(text, "base64"));
}

/** What has been opened, by either side, and not closed. */
export class OpenComms {
  readonly #targets = new Map<string, string>();

  note({ kind, commId, targetName }: CommMessage): void {
    if (kind === "close") this.#targets.delete(commId);
    if (kind !== "open" || this.#targets.size >= LISTED_MAX) return;
    this.#targets.set(commId, targetName ?? "comm");
  }

  /** The interpreter is another one. */
  clear(): void {
    this.#targets.clear();
  }

  /** As comm_info_reply has them; all, or those of one target. */
  list(
    target: string | null | undefined,
  ): Readonly<Record<string, { readonly target_name: string }>> {
    const found = [...this.#targets].filter(([, name]) => target == null || name === target);
    return Object.fromEntries(found.map(([id, target_name]) => [id, { target_name }]));
  }
}
