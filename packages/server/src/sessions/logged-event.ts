/** An event of an execution, whose bytes are made once, for everybody who follows. */

import { jsonBytes, weighJson } from "./json-bytes.js";

/** An event is never less than this, whatever its text. */
const EVENT_BYTES = 200;

export class LoggedEvent {
  /** 1, 2, 3, … within its execution. */
  readonly id: number;
  /** One of `ExecutionEvents`, or the last one, which the gateway makes. */
  readonly name: string;
  readonly data: object;
  /** Roughly the length of its JSON. */
  readonly weight: number;
  #frame: Buffer | Promise<Buffer> | undefined;

  constructor(id: number, name: string, data: object) {
    this.id = id;
    this.name = name;
    this.weight = EVENT_BYTES + weighJson(data);
    this.data = data;
  }

  /**
   * As a server-sent event of what `toWire` makes of its data. A large one is made in turns of the event loop, when
   * it is first asked for; who asks later gets the same bytes.
   */
  frame(toWire: (event: LoggedEvent) => object): Buffer | Promise<Buffer> {
    this.#frame ??= this.#make(toWire(this));
    return this.#frame;
  }

  /** So many bytes of the frame tell its number. */
  get idLength(): number {
    return idLine(this.id).length;
  }

  #make(data: object): Buffer | Promise<Buffer> {
    const frame = eventFrame(this.name, data, this.id, this.weight);
    if (frame instanceof Promise) frame.then((made) => (this.#frame = made)).catch(() => undefined);
    return frame;
  }
}

/** One event as it is sent: its number and its name, where it has them, and one line of JSON. */
export function eventFrame(
  name: string | undefined,
  data: unknown,
  id?: number,
  weight?: number,
): Buffer | Promise<Buffer> {
  const numbered = id === undefined ? "" : idLine(id);
  const named = name === undefined ? "" : `event: ${name}\n`;
  return jsonBytes(data, `${numbered}${named}data: `, "\n\n", weight);
}

function idLine(id: number): string {
  return `id: ${id}\n`;
}
