/** JSON of clients: counted before it is parsed, and in turns of the event loop where it is large. */

import { isUtf8 } from "node:buffer";
import { ServiceError } from "../../../errors.js";
import { JsonValueCount, ProtocolViolation } from "../../../sandbox/guest/channel.js";
import { takeLongTexts } from "../../../sandbox/long-texts.js";
import { turnOfOnesOwn } from "../../../sandbox/turns.js";

/** As `JsonValueCount` counts. Time and memory of a parse grow with values more than with bytes. */
const VALUES_MAX = 100_000;
/** Below this all of it takes a millisecond or two. */
const LARGE_BYTES = 256 * 1024;
/** In one turn. */
const COUNTED_BYTES = 2 ** 20;

/** @throws ServiceError INVALID_REQUEST, also by the promise, which is there for what is large */
export function parseJson(json: Buffer): unknown {
  if (!isUtf8(json)) throw invalid("not valid UTF-8");
  const values = new JsonValueCount(json, VALUES_MAX);
  if (json.length > LARGE_BYTES) return parseInTurns(json, values);
  checkStep(values, json.length);
  return parsed(json.toString("utf8"));
}

async function parseInTurns(json: Buffer, values: JsonValueCount): Promise<unknown> {
  while (!values.isOver) {
    await turnOfOnesOwn();
    checkStep(values, COUNTED_BYTES);
  }
  const { json: short, restore } = await takeLongTexts(json);
  await turnOfOnesOwn();
  return restore(parsed(short));
}

function checkStep(values: JsonValueCount, bytes: number): void {
  try {
    values.advance(bytes);
  } catch (error) {
    if (error instanceof ProtocolViolation) throw invalid("nested too deep");
    throw error;
  }
  if (values.count > VALUES_MAX) throw invalid("too many values");
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw invalid("not JSON");
  }
}

function invalid(problem: string): ServiceError {
  return new ServiceError("INVALID_REQUEST", `a message that is ${problem}`);
}
