/** Reads what a guest sends on one connection: counted, parsed, and only what that end may say. */

import type { Socket } from "node:net";
import type { AnswerType } from "../questions.js";
import { type Reading, readInTurns } from "../turns.js";
import { makeWhole } from "../whole-text.js";
import type { Allowance } from "./allowance.js";
import {
  checkMessage,
  countJsonValues,
  FrameParser,
  type GuestMessage,
  type KernelMessage,
  type MessageType,
} from "./channel.js";

/** What may come on the kernel's connection. The warden writes to it too, with the output lock. */
export const FROM_KERNEL: ReadonlySet<
  KernelMessage["msg_type"] | AnswerType | "kernel_ready" | "fault"
> = new Set([
  "kernel_ready",
  "stream",
  "display_data",
  "update_display_data",
  "clear_output",
  "execute_result",
  "input_request",
  "execute_reply",
  "complete_reply",
  "inspect_reply",
  "is_complete_reply",
  "variables_reply",
  "script_reply",
  "question_failed",
  "fault",
]);
export const FROM_WARDEN: ReadonlySet<"warden_ready" | "stream" | "drained" | "fault"> = new Set([
  "warden_ready",
  "stream",
  "drained",
  "fault",
]);

/** Reading so much never keeps anybody waiting. */
const LIGHT_BYTES_MAX = 16 * 1024;

export interface GuestReader {
  readonly allowed: ReadonlySet<MessageType>;
  /** Counts what comes on all connections of a sandbox together. */
  readonly allowance: Allowance;
  readonly onMessage: (message: GuestMessage<MessageType>) => void;
  /** Told of whatever is wrong with what was sent, or with taking it. */
  readonly onViolation: (error: Error) => void;
  readonly onClosed: () => void;
}

export function readGuest(socket: Socket, reader: GuestReader): Reading {
  const { allowed, allowance, onMessage, onViolation, onClosed } = reader;
  const parser = new FrameParser((frame) => allowance.countValues(countJsonValues(frame)));
  const isHeavy = (chunk: Buffer) =>
    chunk.length > LIGHT_BYTES_MAX || parser.heldBytes > LIGHT_BYTES_MAX;
  const reading = readInTurns(socket, isHeavy, (chunk) => {
    try {
      allowance.countBytes(chunk.length);
      for (const value of parser.push(chunk)) onMessage(whole(checkMessage(value, allowed)));
      allowance.checkUnfinished(parser.heldBytes);
    } catch (error) {
      onViolation(error as Error);
    }
  });
  socket.on("close", onClosed);
  socket.resume();
  return reading;
}

/** Names of files stay as they are, because the porter finds a file only by what it is really called. */
function whole(message: GuestMessage<MessageType>): GuestMessage<MessageType> {
  if (message.msg_type === "execute_reply") makeWhole(message.content.error);
  else makeWhole(message.content);
  return message;
}
