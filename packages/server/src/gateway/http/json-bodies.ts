/**
 * Bodies that are JSON: received within the bound of their route and the budget of their key, counted before
 * they are parsed. No route reads JSON in another way.
 */

import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { ServiceError } from "../../errors.js";
import { JsonValueCount, ProtocolViolation } from "../../sandbox/guest/channel.js";
import { takeLongTexts } from "../../sandbox/long-texts.js";
import { BytesInTime, turnOfOnesOwn } from "../../sandbox/turns.js";
import type { App } from "../app-type.js";
import { BodyBudget, type BodyBudgetOptions } from "./body-budget.js";
import { type BodyShape, SMALL_BODY, SMALL_BODY_BYTES } from "./body-limits.js";
import { onClientGone } from "./client-gone.js";
import { GatheredBytes } from "./gathered-bytes.js";

/** How soon there may be room again. */
const RETRY_AFTER_MS = 1000;
/** Each piece has its price, however small it is. Beyond so many they hold so much on average. */
const PIECES = 1000;
const PIECE_BYTES_MIN = 64;
/** Below this all of it takes a millisecond or two. */
const LARGE_BYTES = 256 * 1024;
/** Of all bodies together. A connection has two megabytes ready at once, and there are many of them. */
const reading = new BytesInTime({ atOnce: 2 ** 22, perMs: 200_000 });
/** In one turn. */
export const COUNTED_BYTES = 2 ** 20;

type Done = (error: Error | null, body?: unknown) => void;

/** Of large bodies that are whole and whose requests wait or run: of one key, and of all. */
const KEPT: BodyBudgetOptions = { ownerBytesMax: 128 * 2 ** 20, bytesMax: 512 * 2 ** 20 };

/** Takes the place of Fastify's own parsers. Of anything that is not JSON, no byte is kept. */
export function readJsonBodies(app: App, budget: BodyBudget, kept = new BodyBudget(KEPT)): void {
  keepLargeBodies(app, kept);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", jsonParser(app, budget));
  // `curl -d ""` sends nothing as well, and declares it as a form; a panic must not fail over that.
  app.addContentTypeParser("*", (request, payload, done) => {
    if (request.is404) done(null);
    else expectNothing(payload, done);
  });
}

/** For clients that send JSON and call it something else, or nothing. In a scope of its own. */
export function readAllBodiesAsJson(app: App, budget: BodyBudget): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", jsonParser(app, budget));
}

function jsonParser(app: App, budget: BodyBudget) {
  const parse = app.getDefaultJsonParser("error", "error");
  return (request: FastifyRequest, payload: IncomingMessage, done: Done): void => {
    if (request.is404) {
      done(null);
      return;
    }
    receive(request, payload, budget, (error, bytes) => {
      if (error) done(error);
      // Many clients name a content type also where they send nothing.
      else if (bytes === undefined || bytes.length === 0) done(null, undefined);
      // Decoded all the same, it would be other code than was sent.
      else if (!isUtf8(bytes)) done(notUtf8());
      else parseCounted(request, bytes, parse, done);
    });
  };
}

/**
 * The body of a GET or HEAD is not read. Left where it is, it would stop the reading of the connection, and the
 * client's going would not be seen.
 */
export function dropUnaskedBody({ method, raw, headers }: FastifyRequest): void {
  if (method !== "GET" && method !== "HEAD") return;
  const { "content-length": length, "transfer-encoding": coding } = headers;
  if (length !== undefined || coding !== undefined) raw.resume();
}

/** What a body was parsed to is held as long as its request, which may wait in a queue. */
const largeBodies = new WeakMap<FastifyRequest, number>();

function keepLargeBodies(app: App, kept: BodyBudget): void {
  app.addHook("preHandler", (request, reply, done) => {
    const bytes = largeBodies.get(request);
    if (bytes === undefined) {
      done();
      return;
    }
    const held = kept.open(request.principal?.id ?? "", () => reply.raw.destroy());
    const isHeld = held.reach(bytes);
    // Its client may have gone while the body was read in turns.
    onClientGone(reply, () => held.close());
    if (isHeld) done();
    else done(noRoom());
  });
}

function receive(
  request: FastifyRequest,
  payload: IncomingMessage,
  budget: BodyBudget,
  done: (error: Error | null, bytes?: Buffer) => void,
): void {
  const { bodyLimit = SMALL_BODY_BYTES } = request.routeOptions;
  const announced = Number(request.headers["content-length"]) || 0;
  const received = new GatheredBytes(announced);
  let pieces = 0;
  const held = budget.open(request.principal?.id ?? "", () => end(noRoom()));
  const take = (bytes: number): boolean => {
    if (bytes > bodyLimit) end(new ServiceError("REQUEST_TOO_LARGE"));
    else if (!held.reach(bytes)) end(noRoom());
    else return true;
    return false;
  };
  const onData = (piece: Buffer) => {
    if (++pieces > PIECES && received.length / pieces < PIECE_BYTES_MIN) end(inPieces());
    else if (take(received.length + piece.length)) {
      received.add(piece);
      const turn = reading.take(piece.length);
      if (turn === undefined) return;
      payload.pause();
      void turn.then(() => payload.resume());
    }
  };
  const onEnd = () => end(null);
  const onGone = () => end(new ServiceError("INVALID_REQUEST", "The body was cut off."));
  function end(error: Error | null): void {
    held.close();
    payload.off("data", onData).off("end", onEnd).off("close", onGone);
    if (error) done(error);
    else done(null, received.take());
  }
  // What is announced has its room from the beginning, or is refused before a byte of it is kept.
  if (!take(announced)) return;
  payload.on("data", onData).on("end", onEnd).on("close", onGone);
  // The end of a client is told by "close" as well.
  payload.on("error", () => undefined);
}

function notUtf8(): ServiceError {
  return new ServiceError("INVALID_REQUEST", "the body is not valid UTF-8", {
    hint: "Send JSON in UTF-8; bytes of other encodings go into files, or base64.",
  });
}

function inPieces(): ServiceError {
  return new ServiceError("INVALID_REQUEST", "The body comes in too many pieces.");
}

function noRoom(): ServiceError {
  return new ServiceError("TOO_MANY_BODIES", undefined, { retryAfterMs: RETRY_AFTER_MS });
}

function parseCounted(
  request: FastifyRequest,
  bytes: Buffer,
  parse: ReturnType<App["getDefaultJsonParser"]>,
  done: Done,
): void {
  if (bytes.length > LARGE_BYTES) {
    largeBodies.set(request, bytes.length);
    void parseInTurns(request, bytes, parse, done);
    return;
  }
  try {
    const shape = request.routeOptions.config.body ?? SMALL_BODY;
    const values = new JsonValueCount(bytes, shape.valuesMax);
    checkStep(values, bytes.length, shape);
  } catch (error) {
    done(error as Error);
    return;
  }
  parse(request, bytes.toString("utf8"), done);
}

/** Each step of counting, the parse, and all that is done with the values take a turn of the event loop each. */
async function parseInTurns(
  request: FastifyRequest,
  bytes: Buffer,
  parse: ReturnType<App["getDefaultJsonParser"]>,
  done: Done,
): Promise<void> {
  const shape = request.routeOptions.config.body ?? SMALL_BODY;
  const values = new JsonValueCount(bytes, shape.valuesMax);
  try {
    while (!values.isOver) {
      await turnOfOnesOwn();
      checkStep(values, COUNTED_BYTES, shape);
    }
  } catch (error) {
    done(error as Error);
    return;
  }
  const { json, restore } = await takeLongTexts(bytes);
  await turnOfOnesOwn();
  parse(request, json, (error, body) => {
    void turnOfOnesOwn().then(() => done(error, restore(body)));
  });
}

/**
 * Count on, and refuse too many. Time and memory of a parse, and of the checks after it, grow with values more
 * than with bytes.
 */
function checkStep(values: JsonValueCount, bytes: number, { valuesMax, hint }: BodyShape): void {
  try {
    values.advance(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
    throw new ServiceError("INVALID_REQUEST", "the body nests too deep");
  }
  if (values.count > valuesMax) {
    throw new ServiceError(
      "INVALID_REQUEST",
      "the body holds too many values",
      hint === undefined ? {} : { hint },
    );
  }
}

function expectNothing(payload: IncomingMessage, done: Done): void {
  const end = (error: Error | null) => {
    payload.off("data", onData).off("end", onEnd).off("close", onEnd);
    done(error);
  };
  const onData = () => end(new ServiceError("UNSUPPORTED_MEDIA_TYPE"));
  const onEnd = () => end(null);
  payload.on("data", onData).on("end", onEnd).on("close", onEnd);
  payload.on("error", () => undefined);
}
