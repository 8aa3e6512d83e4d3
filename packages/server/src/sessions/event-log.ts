/**
 * The events of one execution, kept for those who follow it: from its beginning, or from where a
 * broken connection left them. A follower that falls behind makes the execution wait; what is kept
 * is bounded, and a follower is told of what it has missed.
 */

import { ServiceError } from "../errors.js";
import type { EventSink, ExecutionEvents } from "./execution-events.js";
import { LoggedEvent } from "./logged-event.js";

/** Kept for followers that come later. */
const KEPT_BYTES_MAX = 4 * 2 ** 20;
/** Kept at most for followers that are behind: what they may be, and one message more. */
const HELD_BYTES_MAX = 16 * 2 ** 20;
/** So far behind a follower may be before the execution has to wait, and so near it goes on. */
const BEHIND_BYTES_MAX = 256 * 2 ** 10;
const NEAR_BYTES = 64 * 2 ** 10;
/** Each event is written to each of them, and looked for among them. */
const FOLLOWERS_MAX = 16;

export class EventLog {
  readonly #onBehind: (isBehind: boolean) => void;
  readonly #followers = new Set<Follower>();
  #events: LoggedEvent[] = [];
  #bytes = 0;
  #lastId = 0;
  #isBehind = false;
  #ended = false;

  /** `onBehind` is told when a follower falls too far behind, and when none is any more. */
  constructor(onBehind: (isBehind: boolean) => void) {
    this.#onBehind = onBehind;
  }

  /** Of the latest event, 0 before the first. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Roughly what it holds in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get isOver(): boolean {
    return this.#ended;
  }

  readonly append: EventSink = (name, data) => {
    if (this.#ended) return;
    const event = new LoggedEvent(++this.#lastId, name, data);
    this.#events.push(event);
    this.#bytes += event.weight;
    if (this.#bytes > KEPT_BYTES_MAX) this.#dropOldest();
    for (const follower of this.#followers) follower.added(event.weight);
    this.#judge();
  };

  /** Nothing will be appended. Followers end when they have everything. */
  end(): void {
    this.#ended = true;
    for (const follower of this.#followers) follower.wake();
  }

  /**
   * Everything after the event `after`, what is still to come included.
   * @throws ServiceError TOO_MANY_TRANSFERS
   */
  follow(after = 0): Follower {
    if (this.#followers.size >= FOLLOWERS_MAX) {
      const message = `${FOLLOWERS_MAX} clients follow this execution already.`;
      throw new ServiceError("TOO_MANY_TRANSFERS", message);
    }
    const follower = new Follower(this, Math.min(after, this.#lastId));
    let behind = 0;
    for (const event of this.#events) if (event.id > after) behind += event.weight;
    follower.added(behind);
    this.#followers.add(follower);
    this.#judge();
    return follower;
  }

  /** The first event after `id`, or what tells that it is no longer kept; undefined for none yet. */
  after(id: number): LoggedEvent | undefined {
    if (id >= this.#lastId) return undefined;
    const oldest = this.#events[0]?.id ?? this.#lastId + 1;
    if (id + 1 >= oldest) return this.#events[id + 1 - oldest];
    const missed: ExecutionEvents["gap"] = { missedFrom: id + 1, missedTo: oldest - 1 };
    return new LoggedEvent(oldest - 1, "gap", missed);
  }

  /** For followers: one of them has moved. */
  moved(): void {
    this.#judge();
  }

  /** For followers: one of them needs nothing more. */
  left(follower: Follower): void {
    this.#followers.delete(follower);
    this.#judge();
  }

  #judge(): void {
    const bound = this.#isBehind ? NEAR_BYTES : BEHIND_BYTES_MAX;
    let isBehind = false;
    for (const follower of this.#followers) isBehind ||= follower.behindBytes > bound;
    if (isBehind === this.#isBehind) return;
    this.#isBehind = isBehind;
    if (!this.#ended) this.#onBehind(isBehind);
  }

  /** Down to three quarters, so that it is done seldom. The latest event always stays. */
  #dropOldest(): void {
    let needed = this.#lastId;
    for (const follower of this.#followers) needed = Math.min(needed, follower.position + 1);
    let count = 0;
    while (count < this.#events.length - 1 && this.#bytes > KEPT_BYTES_MAX * 0.75) {
      const event = this.#events[count] as LoggedEvent;
      if (event.id >= needed && this.#bytes <= HELD_BYTES_MAX) break;
      this.#bytes -= event.weight;
      count++;
    }
    if (count > 0) this.#events = this.#events.slice(count);
  }
}

/** One who follows an execution, event by event. */
export class Follower implements AsyncIterableIterator<LoggedEvent> {
  readonly #log: EventLog;
  #position: number;
  #behindBytes = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(log: EventLog, position: number) {
    this.#log = log;
    this.#position = position;
  }

  /** The id of the last event that it has. */
  get position(): number {
    return this.#position;
  }

  get behindBytes(): number {
    return this.#behindBytes;
  }

  /** The next event, if it is there already. */
  take(): LoggedEvent | undefined {
    if (this.#closed) return undefined;
    const event = this.#log.after(this.#position);
    if (!event) return undefined;
    this.#position = event.id;
    // After a gap it has everything that is kept before it.
    this.#behindBytes = event.name === "gap" ? this.#log.bytes : this.#behindBytes - event.weight;
    this.#log.moved();
    return event;
  }

  async next(): Promise<IteratorResult<LoggedEvent, undefined>> {
    for (;;) {
      const event = this.take();
      if (event) return { done: false, value: event };
      if (this.#closed || this.#log.isOver) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next event, or undefined when there will be none. */
  async first(): Promise<LoggedEvent | undefined> {
    return this.take() ?? (await this.next()).value;
  }

  /**
   * Hand over `first` and every event after it. Waits only where there is something to wait for: for
   * the next event, or for `send` while the receiver can take no more. Then it stops following.
   */
  async forward(
    first: LoggedEvent | undefined,
    send: (event: LoggedEvent) => Promise<void> | undefined,
  ): Promise<void> {
    let event = first;
    while (event) {
      const sent = send(event);
      if (sent) await sent;
      event = this.take() ?? (await this.next()).value;
    }
    this.close();
  }

  /** Stop following. Idempotent; a pending next() is told that there is no more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#log.left(this);
    this.wake();
  }

  async return(): Promise<IteratorResult<LoggedEvent, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** For the log. */
  added(bytes: number): void {
    this.#behindBytes += bytes;
    this.wake();
  }

  /** For the log. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
