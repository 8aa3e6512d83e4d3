/**
 * A session as a kernel: who is connected to it, what was asked of it, and in which order. All that runs goes through
 * the desk; what is here is gone when the last client is.
 */

import { randomUUID } from "node:crypto";
import type { Desk } from "../../../desk/desk.js";
import type { Visit } from "../../../desk/visit.js";
import { ServiceError } from "../../../errors.js";
import { Client } from "../channels/client.js";
import { CLOSE, type Connection } from "../channels/connection.js";
import { resetKeepingFiles } from "../kept-files.js";
import { type ClientMessage, type Header, makeMessage } from "../wire/message.js";
import { isComm, OpenComms } from "./comms.js";
import { control } from "./control.js";
import { type ExecutingKernel, execute, tellComm } from "./execute.js";
import { errorContent } from "./failure.js";
import { answerTo, replyTo } from "./questions.js";
import { readContent } from "./requests.js";
import { ShellQueue, type ShellRequest } from "./shell-queue.js";

/** Each message is sent to each of them. */
const CLIENTS_MAX = 16;

export interface KernelOptions {
  readonly desk: Desk;
  readonly sessionId: string;
  /** Nobody is connected any more, and nothing is under way. */
  readonly onUnused: (kernel: Kernel) => void;
  /** An error that is not the client's. */
  readonly onFault: (error: unknown) => void;
}

export class Kernel implements ExecutingKernel {
  readonly desk: Desk;
  readonly sessionId: string;
  readonly comms = new OpenComms();
  count = 1;
  readonly #options: KernelOptions;
  readonly #session = randomUUID();
  readonly #clients = new Set<Client>();
  readonly #queue = new ShellQueue((request) => this.#answer(request));
  /** Who may be asked for input. */
  #running: ShellRequest | undefined;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.desk = options.desk;
    this.sessionId = options.sessionId;
  }

  get connections(): number {
    let count = 0;
    for (const client of this.#clients) if (client.isConnected) count++;
    return count;
  }

  /** A client that is connected, to ask in its name; undefined where none is. */
  get anyVisit(): Visit | undefined {
    for (const client of this.#clients) if (client.isConnected) return client.visit;
    return undefined;
  }

  /** @throws ServiceError TOO_MANY_TRANSFERS */
  refuseMoreClients(): void {
    if (this.#clients.size < CLIENTS_MAX) return;
    throw new ServiceError(
      "TOO_MANY_TRANSFERS",
      `${CLIENTS_MAX} clients are connected to this kernel already.`,
    );
  }

  /** A client with this session of its own has connected, perhaps again. */
  connect(session: string | undefined, connection: Connection, visit: Visit): Client {
    let client = session === undefined ? undefined : this.#clientOf(session);
    if (!client) {
      const added: Client = new Client(session, visit, () => this.#left(added));
      client = added;
      this.#clients.add(added);
      if (this.#clients.size === 1) this.#learnCount(visit);
    }
    client.attach(connection, visit);
    return client;
  }

  /** A message of a client. The next one is read when this is done. */
  receive(client: Client, message: ClientMessage, bytes: number): Promise<void> | undefined {
    const { channel, header, content, buffers } = message;
    const request = { client, header, content, buffers, bytes };
    if (channel === "control") return control(this, request);
    if (channel === "stdin") {
      this.#takeInput(request);
      return undefined;
    }
    try {
      this.#queue.add(request);
      return undefined;
    } catch (error) {
      return this.#refuse(request, error);
    }
  }

  // --- what it says ----------------------------------------------------------------------------

  publish(
    parent: Header | undefined,
    type: string,
    content: object,
    buffers: readonly Buffer[] = [],
  ): Promise<void> | undefined {
    const origin = { kernelSession: this.#session, parent };
    const made = makeMessage(origin, "iopub", type, content, buffers);
    if (made instanceof Promise) {
      return made.then((message) => this.#toAll((client) => client.send(message)));
    }
    return this.#toAll((client) => client.send(made));
  }

  status(state: string, parent?: Header): Promise<void> | undefined {
    return this.publish(parent, "status", { execution_state: state });
  }

  async reply(
    { client, header }: Pick<ShellRequest, "client" | "header">,
    channel: "shell" | "control" | "stdin",
    type: string,
    content: object,
  ): Promise<void> {
    const origin = { kernelSession: this.#session, parent: header };
    await client.send(await makeMessage(origin, channel, type, content));
  }

  askInput(request: ShellRequest, content: object): Promise<void> {
    this.#running = request;
    return this.reply(request, "stdin", "input_request", content);
  }

  // --- its life --------------------------------------------------------------------------------

  /** The session goes on, without the state that it had. */
  async restarted(): Promise<void> {
    this.count = 1;
    this.comms.clear();
    await this.status("restarting");
    await this.status("starting");
  }

  /** What waits is not run any more. */
  async abortWaiting(): Promise<void> {
    for (const request of this.#queue.takeOut(isExecution)) {
      await this.status("busy", request.header);
      await this.#abort(request);
      await this.status("idle", request.header);
    }
  }

  async restart(visit: Visit): Promise<void> {
    await this.abortWaiting();
    await this.status("restarting");
    await resetKeepingFiles(this.desk, visit, this.sessionId);
    this.count = 1;
    this.comms.clear();
    await this.status("starting");
    await this.status("idle");
  }

  /** The session has ended: whoever is connected learns of it. */
  async died(): Promise<void> {
    this.#queue.takeOut(() => true);
    await this.status("dead");
    this.close(CLOSE.goingAway, "the kernel has ended");
  }

  close(code: number, reason: string): void {
    for (const client of [...this.#clients]) client.end(code, reason);
  }

  // --- one request -----------------------------------------------------------------------------

  async #answer(request: ShellRequest): Promise<void> {
    const { header } = request;
    try {
      await this.status("busy", header);
      if (isExecution(request)) await this.#execute(request);
      else if (isComm(request)) await tellComm(this, request);
      else await this.#answerQuestion(request);
      await this.status("idle", header);
    } catch (error) {
      this.#options.onFault(error);
    }
    this.#forgetIfUnused();
  }

  async #execute(request: ShellRequest): Promise<void> {
    let stopsOnError = true;
    let reply: { readonly status: string; readonly [field: string]: unknown };
    try {
      const content = readContent("execute_request", request.content);
      stopsOnError = content.stop_on_error !== false && content.silent !== true;
      reply = await execute(this, request, content);
    } catch (error) {
      reply = { status: "error", execution_count: this.count, ...errorContent(error) };
    }
    this.#running = undefined;
    const waiting =
      reply.status === "error" && stopsOnError ? this.#queue.takeOut(isExecution) : [];
    await this.reply(request, "shell", "execute_reply", reply);
    for (const one of waiting) {
      await this.status("busy", one.header);
      await this.#abort(one);
      await this.status("idle", one.header);
    }
  }

  #abort(request: ShellRequest): Promise<void> {
    const content = {
      status: "aborted",
      execution_count: this.count,
      user_expressions: {},
      payload: [],
    };
    return this.reply(request, "shell", "execute_reply", content);
  }

  async #answerQuestion(request: ShellRequest): Promise<void> {
    const { client, header, content } = request;
    const type = header.msg_type;
    const answer = answerTo(type);
    if (!answer) {
      if (!type.endsWith("_request")) return;
      const unknown = new ServiceError("INVALID_REQUEST", `${type} is not known here.`);
      await this.reply(request, "shell", replyTo(type), {
        status: "error",
        ...errorContent(unknown),
      });
      return;
    }
    let reply: object;
    try {
      reply = { status: "ok", ...(await answer(this, client.visit, content)) };
    } catch (error) {
      reply = { status: "error", ...errorContent(error) };
    }
    await this.reply(request, "shell", replyTo(type), reply);
  }

  async #refuse(request: ShellRequest, error: unknown): Promise<void> {
    const reply = { status: "error", execution_count: this.count, ...errorContent(error) };
    await this.status("busy", request.header);
    await this.reply(request, "shell", replyTo(request.header.msg_type), reply);
    await this.status("idle", request.header);
  }

  /** Only who was asked may answer. */
  #takeInput(request: ShellRequest): void {
    if (this.#running?.client !== request.client) return;
    if (request.header.msg_type !== "input_reply") return;
    const { value } = readContent("input_reply", request.content);
    try {
      this.desk.session(request.client.visit, this.sessionId).answerInput({ text: value });
    } catch (error) {
      // The code has stopped waiting meanwhile.
      if (error instanceof ServiceError && error.code === "NO_INPUT_REQUESTED") return;
      throw error;
    }
  }

  // --- clients ---------------------------------------------------------------------------------

  #clientOf(session: string): Client | undefined {
    for (const client of this.#clients) if (client.session === session) return client;
    return undefined;
  }

  #left(client: Client): void {
    this.#clients.delete(client);
    this.#forgetIfUnused();
  }

  #forgetIfUnused(): void {
    if (this.#clients.size === 0 && this.#queue.isIdle) this.#options.onUnused(this);
  }

  /** Code may have run by another door. */
  #learnCount(visit: Visit): void {
    const executions = this.desk.session(visit, this.sessionId).executions();
    for (const { outcomeIfDone } of executions) {
      if (outcomeIfDone?.spent) this.count = 1;
      else if (outcomeIfDone?.executionCount != null) this.count = outcomeIfDone.executionCount + 1;
    }
  }

  #toAll(send: (client: Client) => Promise<void> | undefined): Promise<void> | undefined {
    const waits: Promise<void>[] = [];
    for (const client of this.#clients) {
      const wait = send(client);
      if (wait) waits.push(wait);
    }
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }
}

function isExecution({ header }: ShellRequest): boolean {
  return header.msg_type === "execute_request";
}
