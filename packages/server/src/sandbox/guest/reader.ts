/** Reads what a guest sends on one connection: counted, parsed, and only what that end may say. */

import type { Socket } from "node:net";
import { takeLongTexts } from "../long-texts.js";
import type { AnswerType } from "../questions.js";
import { type ReadingControl, readInTurns, turnOfOnesOwn } from "../turns.js";
import { makeWhole } from "../whole-text.js";
import type { Allowance } from "./allowance.js";
import {
  checkMessage,
  countJsonValues,
  FrameParser,
  type GuestMessage,
  JsonValueCount,
  type KernelMessage,
  type MessageType,
  parseJson,
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
  "comm",
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
/** Below this all of a frame takes a millisecond or two. */
const LARGE_BYTES = 256 * 1024;
/** In one turn. */
const COUNTED_BYTES = 2 ** 20;

export interface GuestReader {
  readonly allowed: ReadonlySet<MessageType>;
  /** Counts what comes on all connections of a sandbox together. */
  readonly allowance: Allowance;
  readonly onMessage: (message: GuestMessage<MessageType>) => void;
  /** Told of whatever is wrong with what was sent, or with taking it. */
  readonly onViolation: (error: Error) => void;
  readonly onClosed: () => void;
}

export function readGuest(socket: Socket, reader: GuestReader): ReadingControl {
  const { allowed, allowance, onMessage, onViolation, onClosed } = reader;
  const parser = new FrameParser();
  const isHeavy = (chunk: Buffer) =>
    chunk.length > LIGHT_BYTES_MAX || parser.heldBytes > LIGHT_BYTES_MAX;
  const deliver = (value: unknown) => onMessage(whole(checkMessage(value, allowed)));
  /** What comes behind a large frame waits for it. */
  const takeAll = (frames: Iterator<Buffer, void>): Promise<void> | undefined => {
    for (let next = frames.next(); !next.done; next = frames.next()) {
      const frame = next.value;
      if (frame.length > LARGE_BYTES) {
        return parseInTurns(frame, allowance).then((value) => {
          deliver(value);
          return takeAll(frames);
        });
      }
      allowance.countValues(countJsonValues(frame));
      deliver(parseJson(frame.toString("utf8")));
    }
    allowance.checkUnfinished(parser.heldBytes);
    return undefined;
  };
  let unfinished: Promise<void> | undefined;
  const reading = readInTurns(socket, isHeavy, (chunk) => {
    try {
      allowance.countBytes(chunk.length);
      unfinished = takeAll(parser.frames(chunk))?.catch(onViolation);
    } catch (error) {
      onViolation(error as Error);
    }
    return unfinished;
  });
  // What was said before it is heard before it.
  socket.on("close", () => void (unfinished ? unfinished.then(onClosed) : onClosed()));
  socket.resume();
  return reading;
}

/** A large frame's value. Each step takes a turn of the event loop. @throws ProtocolViolation, Flood */
async function parseInTurns(frame: Buffer, allowance: Allowance): Promise<unknown> {
  const values = new JsonValueCount(frame, Number.POSITIVE_INFINITY);
  while (!values.isOver) {
    await turnOfOnesOwn();
    values.advance(COUNTED_BYTES);
  }
  allowance.countValues(values.count);
  const { json, restore } = await takeLongTexts(frame);
  await turnOfOnesOwn();
  const value = restore(parseJson(json));
  await turnOfOnesOwn();
  return value;
}

/** Names of files stay as they are, because the porter finds a file only by what it is really called. */
function whole(message: GuestMessage<MessageType>): GuestMessage<MessageType> {
  if (message.msg_type === "execute_reply") {
    makeWhole(message.content.error);
    makeWhole(message.content.user_expressions);
  } else makeWhole(message.content);
  return message;
}
