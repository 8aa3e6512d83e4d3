/** The control channel, which is answered while code runs. */

import type { Visit } from "../../../desk/visit.js";
import { ServiceError } from "../../../errors.js";
import type { ClientMessage, Header } from "../wire/message.js";
import type { AskedKernel } from "./asked-kernel.js";
import { errorContent } from "./failure.js";
import { answerTo, replyTo } from "./questions.js";
import { readContent } from "./requests.js";
import type { ShellRequest } from "./shell-queue.js";

/** A kernel as this channel sees it. */
export interface ControlledKernel extends AskedKernel {
  status(state: string, parent: Header): Promise<void> | undefined;
  reply(request: ShellRequest, channel: "control", type: string, content: object): Promise<void>;
  restart(visit: Visit): Promise<void>;
  died(): Promise<void>;
}

type Content = ClientMessage["content"];
type Act = (kernel: ControlledKernel, request: ShellRequest, content: Content) => Promise<object>;

const acts: Readonly<Record<string, Act>> = {
  interrupt_request: async (kernel, { client }) => {
    interrupt(kernel, client.visit);
    return { status: "ok" };
  },
  shutdown_request: async (kernel, { client }, content) => {
    const restart = readContent("shutdown_request", content).restart === true;
    if (restart) await kernel.restart(client.visit);
    return { status: "ok", restart };
  },
  debug_request: async (_kernel, _request, content) => {
    const { seq, command } = readContent("debug_request", content);
    const message = "There is no debugger in a sandbox.";
    const told = { type: "response", success: false, message, body: {} };
    return { ...told, request_seq: seq ?? 0, command: command ?? "" };
  },
  kernel_info_request: async (kernel, { client }, content) => ({
    status: "ok",
    ...(await answerTo("kernel_info_request")?.(kernel, client.visit, content)),
  }),
};

export async function control(kernel: ControlledKernel, request: ShellRequest): Promise<void> {
  const { header, client, content } = request;
  const type = header.msg_type;
  await kernel.status("busy", header);
  let reply: object;
  try {
    const act = Object.hasOwn(acts, type) ? acts[type] : undefined;
    if (!act) throw new ServiceError("INVALID_REQUEST", `${type} is not known on this channel.`);
    reply = await act(kernel, request, content);
  } catch (error) {
    reply = { status: "error", ...errorContent(error) };
  }
  await kernel.reply(request, "control", replyTo(type), reply);
  await kernel.status("idle", header);
  if (type === "shutdown_request" && "restart" in reply && reply.restart === false) {
    await kernel.desk.session(client.visit, kernel.sessionId).end("its kernel was shut down");
    await kernel.died();
  }
}

/** Where nothing runs, there is nothing to do. @throws ServiceError SESSION_NOT_FOUND */
export function interrupt(kernel: Pick<AskedKernel, "desk" | "sessionId">, visit: Visit): void {
  try {
    kernel.desk.session(visit, kernel.sessionId).interrupt();
  } catch (error) {
    if (error instanceof ServiceError && error.code === "NOTHING_RUNNING") return;
    throw error;
  }
}
