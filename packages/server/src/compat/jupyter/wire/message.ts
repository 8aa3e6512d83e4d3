/** Jupyter's messages: what a client may send, checked before anything of it is used, and what is sent to it. */

import { randomUUID } from "node:crypto";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { ServiceError } from "../../../errors.js";
import { makeWhole } from "../../../sandbox/whole-text.js";
import { jsonBytes } from "../../../sessions/json-bytes.js";

export const PROTOCOL_VERSION = "5.3";

export const CHANNELS = ["shell", "control", "stdin", "iopub"] as const;
export type Channel = (typeof CHANNELS)[number];

const Short = Type.String({ maxLength: 256 });
/** Clients leave much of it out. What nobody knows here is not looked at. */
const Header = Type.Object({
  msg_id: Type.String({ minLength: 1, maxLength: 256 }),
  msg_type: Type.String({ minLength: 1, maxLength: 64 }),
  session: Type.Optional(Short),
  username: Type.Optional(Short),
  date: Type.Optional(Type.Union([Short, Type.Number(), Type.Null()])),
  version: Type.Optional(Short),
});
export type Header = Static<typeof Header>;

const Message = Type.Object({
  channel: Type.Union([Type.Literal("shell"), Type.Literal("control"), Type.Literal("stdin")]),
  header: Header,
  metadata: Type.Optional(Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])),
  content: Type.Record(Type.String(), Type.Unknown()),
});
const isHeaderAndContent = Compile(Message);

/** As it came on a socket, without its frame. */
export interface ReceivedParts {
  readonly channel: unknown;
  readonly header: unknown;
  readonly metadata: unknown;
  readonly content: unknown;
  readonly buffers: readonly Buffer[];
}

export interface ClientMessage {
  readonly channel: Exclude<Channel, "iopub">;
  readonly header: Header;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly content: Readonly<Record<string, unknown>>;
  readonly buffers: readonly Buffer[];
}

/** @throws ServiceError INVALID_REQUEST */
export function checkMessage(parts: ReceivedParts): ClientMessage {
  const { channel, header, metadata, content, buffers } = parts;
  const message: unknown = {
    channel: channel ?? usualChannel(header),
    header,
    metadata: metadata ?? null,
    content,
  };
  if (!isHeaderAndContent.Check(message)) {
    const where = typeof channel === "string" && !CHANNELS.includes(channel as Channel);
    throw new ServiceError(
      "INVALID_REQUEST",
      where ? "unknown channel" : "not a Jupyter message of a client",
    );
  }
  makeWhole(message);
  return { ...message, metadata: message.metadata ?? {}, header: known(message.header), buffers };
}

/** The client of Jupyter's own gateway names none. */
function usualChannel(header: unknown): string {
  const type = (header as { readonly msg_type?: unknown } | null | undefined)?.msg_type;
  if (type === "input_reply") return "stdin";
  return type === "interrupt_request" || type === "shutdown_request" ? "control" : "shell";
}

/** Every answer repeats it, so nothing else is kept. */
function known({ msg_id, msg_type, session, username, date, version }: Header): Header {
  return { msg_id, msg_type, session, username, date, version } as Header;
}

/** One message to clients, made once however many it is sent to. */
export interface KernelMessage {
  readonly channel: Channel;
  readonly id: string;
  readonly type: string;
  /** JSON. */
  readonly header: string;
  readonly parent: string;
  readonly content: Buffer;
  readonly buffers: readonly Buffer[];
}

/** By what a kernel names itself in headers, and whose request it answers. */
export interface Origin {
  readonly kernelSession: string;
  readonly parent: Header | undefined;
}

/** A promise where the content is large, which is then written in turns of the event loop. */
export function makeMessage(
  { kernelSession, parent }: Origin,
  channel: Channel,
  type: string,
  content: object,
  buffers: readonly Buffer[] = [],
): KernelMessage | Promise<KernelMessage> {
  const id = randomUUID();
  const header = JSON.stringify({
    ...{ msg_id: id, msg_type: type, username: "kernel", session: kernelSession },
    ...{ date: new Date().toISOString(), version: PROTOCOL_VERSION },
  });
  const rest = { channel, id, type, header, parent: JSON.stringify(parent ?? {}), buffers };
  const bytes = jsonBytes(content);
  if (bytes instanceof Promise) return bytes.then((made) => ({ ...rest, content: made }));
  return { ...rest, content: bytes };
}
