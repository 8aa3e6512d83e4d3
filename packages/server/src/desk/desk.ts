/**
 * The one counter between doors and sessions: a route, a WebSocket or a tool's call comes here with a Visit, and
 * what it asks for is checked against limits, admitted, begun, ended with the visitor and recorded. Knows no door.
 * May import access, audit, security, generate, sessions and below.
 */

import type { SessionInfo } from "../sessions/interface.js";
import { Admission } from "./admission.js";
import { type AskedBatch, type OnItemEnd, runBatch } from "./batch.js";
import { Chats } from "./chats.js";
import {
  type AskedExecution,
  type BegunExecution,
  executeCode,
  type RejectedCode,
} from "./code-execution.js";
import { type AskedGeneration, type GeneratedAnswer, generateCode } from "./code-generation.js";
import type { AdmittingParts, DeskParts } from "./desk-parts.js";
import { ItemPlaces } from "./item-places.js";
import { type AskedLimits, checkLimits, checkTtl } from "./limits.js";
import { SessionDesk } from "./session-desk.js";
import type { Visit } from "./visit.js";

/** Of one key, over all of its batches: each may hold a large result and a place in the queue for a sandbox. */
const BATCH_ITEMS_AT_A_TIME = 16;

export interface AskedSession {
  readonly id: string | undefined;
  readonly limits: AskedLimits;
  /** Seconds. */
  readonly ttl: number | undefined;
  readonly mounts: readonly string[] | undefined;
  readonly packages: readonly string[] | undefined;
}

export class Desk {
  readonly chats: Chats;
  readonly #parts: AdmittingParts;
  readonly #itemPlaces = new ItemPlaces(BATCH_ITEMS_AT_A_TIME);

  constructor(parts: DeskParts) {
    this.#parts = { ...parts, admission: new Admission(parts.sessions, parts.audit) };
    this.chats = new Chats(this.#parts);
  }

  /** See executeCode. */
  execute(visit: Visit, asked: AskedExecution): Promise<BegunExecution | RejectedCode> {
    return executeCode(this.#parts, visit, asked);
  }

  /** See runBatch. */
  executeBatch(visit: Visit, asked: AskedBatch, onItemEnd: OnItemEnd): Promise<void> {
    return runBatch(this.#parts, this.#itemPlaces, visit, asked, onItemEnd);
  }

  /** For a door, before it reads a large body. @throws ServiceError LLM_NOT_CONFIGURED */
  requireModel(): void {
    this.#parts.generator.requireModel();
  }

  /** See generateCode. */
  generate(visit: Visit, asked: AskedGeneration): Promise<GeneratedAnswer> {
    return generateCode(this.#parts, visit, asked);
  }

  /** The visitor's session of this name, whether there is one or not. */
  session(visit: Visit, id: string): SessionDesk {
    return new SessionDesk(this.#parts, visit, id);
  }

  /** With a sandbox that is ready. @throws ServiceError INVALID_REQUEST, AUDIT_UNAVAILABLE, as SessionManager.create */
  async create({ principal: owner }: Visit, asked: AskedSession): Promise<SessionInfo> {
    const { config, sessions, admission } = this.#parts;
    const { id, mounts, packages } = asked;
    const ttlMs = checkTtl(asked.ttl);
    const limits = checkLimits(asked.limits, config);
    admission.admitChange();
    return sessions.create({ owner, id, limits, ttlMs, mounts, packages });
  }

  list({ principal }: Visit): SessionInfo[] {
    return this.#parts.sessions.list(principal);
  }
}
