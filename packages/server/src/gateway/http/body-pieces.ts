/**
 * Bodies whose senders cut them into very small pieces. Each piece is handed over by itself, and one read of a
 * connection may hold ten thousand: by their bytes nothing would ever bound what they cost. Nobody has to read a body
 * for that, so every request is watched from its headers on.
 */

import type { IncomingMessage } from "node:http";

/** So many may be small before it counts, and so small they are on average then. */
const PIECES = 1000;
const PIECE_BYTES_MIN = 64;
/** Of a body that nobody asked for. Who refuses it has had its time to say so. */
const UNASKED_PIECES_MAX = 6000;
/** All bodies in small pieces together get so many in a millisecond, which is a tenth of what can be taken. */
const PIECES_PER_MS = 100;
const TURN_MS = 5;

const asked = new WeakSet<IncomingMessage>();

/** Small pieces of this body are taken, slowly: programs that write line by line send such. */
export function takeSmallPieces(request: IncomingMessage): void {
  asked.add(request);
}

/** A body with a length comes as the network brings it. Only one in chunks is in pieces of its sender's choice. */
export function watchPieces(request: IncomingMessage): void {
  if (request.headers["transfer-encoding"] === undefined) return;
  const push = request.push.bind(request);
  const read = request._read.bind(request);
  let pieces = 0;
  let bytes = 0;
  /** Whether somebody has asked for more since it stands still; undefined while it does not. */
  let isWanted: boolean | undefined;
  /** What has come since then. One buffer takes far less than thousands. */
  let rest: Buffer[] = [];

  request.push = (piece: Buffer | null) => {
    if (request.destroyed) return false;
    if (piece === null) {
      pushRest();
      return push(null);
    }
    bytes += piece.length;
    if (isWanted === undefined) {
      if (++pieces <= PIECES || bytes / pieces >= PIECE_BYTES_MIN) {
        pushRest();
        return push(piece);
      }
      if (!asked.has(request)) {
        if (pieces > UNASKED_PIECES_MAX) request.socket.destroy();
        return gather(piece);
      }
      isWanted = false;
      owed += pieces;
      inTurn(goOn);
    }
    owed++;
    gather(piece);
    return false;
  };
  request._read = (size) => {
    if (isWanted === undefined) read(size);
    else isWanted = true;
  };

  /** Until all that was read at once has been. Node empties the queue of ticks after each piece. */
  function gather(piece: Buffer): boolean {
    if (rest.length === 0) setImmediate(pushRest);
    rest.push(piece);
    return true;
  }

  function pushRest(): void {
    if (rest.length > 0 && !request.destroyed) push(Buffer.concat(rest));
    rest = [];
  }

  function goOn(): Turn {
    if (request.destroyed || request.complete) return "over";
    // Who waits for something else has enough to take.
    if (!isWanted || request.readableLength > 0) return "waits";
    isWanted = undefined;
    // What comes next may be in larger ones.
    pieces = 0;
    bytes = 0;
    read(0);
    return "taken";
  }
}

type Turn = "waits" | "taken" | "over";

const waiting = new Set<() => Turn>();
/** Pieces that were taken and whose time is not over. */
let owed = 0;
let timer: NodeJS.Timeout | undefined;

function inTurn(goOn: () => Turn): void {
  waiting.add(goOn);
  timer ??= setInterval(takeTurn, TURN_MS).unref();
}

/** The first that can go on, and nobody else. */
function takeTurn(): void {
  owed = Math.max(0, owed - TURN_MS * PIECES_PER_MS);
  if (owed > 0) return;
  for (const goOn of waiting) {
    const turn = goOn();
    if (turn !== "waits") waiting.delete(goOn);
    if (turn === "taken") break;
  }
  if (waiting.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
